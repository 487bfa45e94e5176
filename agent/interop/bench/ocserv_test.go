package bench

import (
	"slices"
	"strings"
	"syscall"
)

// throughOcserv measures the agent beside openconnect, both through one ocserv.
func throughOcserv(l *bed, r *report, transport string, dtls bool) {
	port, network, says, more := "4443", "10.14.0.0/24", "Configured as", []string{"--no-dtls"}
	if dtls {
		port, network, says, more = "443", "10.13.0.0/24", "Established DTLS connection", nil
	}
	server := l.startOcserv(port, network, dtls)
	defer server.Stop(syscall.SIGTERM)
	agent := l.startAgent()
	defer agent.End()
	agent.Connect(gatewayAddr + ":" + port)
	state := agent.Travels(strings.ToLower(transport))
	theirs := l.openconnect(port, says, more...)
	defer theirs.End()
	l.answers("10.98.0.1") // its script has run
	progress("%s to ocserv: ours %s, MTU %d; openconnect's MTU %s", transport, state.Cipher, state.MTU, l.mtu("oc0"))
	ours := side{"holdfast", agent.Process, "10.99.0.1"}
	for _, d := range []direction{up, down} {
		r.add(l.compare(transport+" "+d.name, d, ours, side{"openconnect", theirs, "10.98.0.1"}, targetsOcserv[transport+" "+d.name]))
	}
	agent.Disconnect()
}

// mtu reads a link's MTU.
func (l *bed) mtu(link string) string {
	f := strings.Fields(l.client.Run(l, "ip", "-o", "link", "show", link))
	return f[slices.Index(f, "mtu")+1]
}
