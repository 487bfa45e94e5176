package bench

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// startOcserv runs one on a port, with DTLS of the one kind that both clients speak, or without.
func (l *lab) startOcserv(port, network string, dtls bool) *process {
	l.Helper()
	dir := filepath.Join(l.dir, "ocserv"+port)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		l.Fatal(err)
	}
	passwd := filepath.Join(dir, "passwd")
	add := exec.Command("ocpasswd", "-c", passwd, account)
	add.Stdin = strings.NewReader(password + "\n" + password + "\n")
	if out, err := add.CombinedOutput(); err != nil {
		l.Fatalf("ocpasswd: %v\n%s", err, out)
	}
	conf := []string{
		`auth = "plain[passwd=` + passwd + `]"`, "tcp-port = " + port, "run-as-user = root", "run-as-group = root", "socket-file = " + filepath.Join(dir, "sock"), "use-occtl = false",
		"server-cert = " + l.cert, "server-key = " + l.key, "isolate-workers = false", "max-clients = 16", "max-same-clients = 0", "rate-limit-ms = 0", "max-ban-score = 0",
		"keepalive = 120", "dpd = 60", "mobile-dpd = 60", "cookie-timeout = 300", "rekey-time = 172800", "device = vpns" + port, "predictable-ips = true",
		"ipv4-network = " + network, "mtu = 1400", "route = 10.99.0.0/255.255.0.0", "dtls-legacy = false",
	}
	if dtls {
		conf = append(conf, "udp-port = "+port, "dtls-psk = true")
	} else {
		conf = append(conf, "dtls-psk = false")
	}
	file := l.file("ocserv"+port+".conf", []byte(strings.Join(conf, "\n")+"\n"))
	cmd := l.gateway.Command("ocserv", "-f", "-d", "1", "-c", file)
	p := &process{l: l, cmd: cmd, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.log, &p.log
	if err := cmd.Start(); err != nil {
		l.Fatal(err)
	}
	go func() {
		_ = cmd.Wait()
		close(p.done)
	}()
	l.Cleanup(func() { <-p.done })
	for range 100 {
		select {
		case <-p.done:
			l.Fatalf("ocserv ended:\n%s", &p.log)
		case <-time.After(50 * time.Millisecond):
		}
		if out, err := l.gateway.Command("ss", "-Hltn", "sport = :"+port).Output(); err == nil && len(out) > 0 {
			return p
		}
	}
	l.Fatal("ocserv does not listen after 5 s")
	return nil
}

// throughOcserv measures the agent beside openconnect, both through one ocserv.
func throughOcserv(l *lab, r *report, transport string, dtls bool) {
	port, network, says, more := "4443", "10.14.0.0/24", "Configured as", []string{"--no-dtls"}
	if dtls {
		port, network, says, more = "443", "10.13.0.0/24", "Established DTLS connection", nil
	}
	server := l.startOcserv(port, network, dtls)
	defer server.stop(syscall.SIGTERM)
	agent := l.startAgent()
	defer agent.end()
	l.connect(port)
	state := l.travels(strings.ToLower(transport))
	theirs := l.openconnect(port, says, more...)
	defer theirs.end()
	l.answers("10.98.0.1") // its script has run
	progress("%s to ocserv: ours %s, MTU %d; openconnect's MTU %s", transport, state.Cipher, state.MTU, l.mtu("oc0"))
	ours := side{"holdfast", agent, "10.99.0.1"}
	for _, d := range []direction{up, down} {
		r.add(l.compare(transport+" "+d.name, d, ours, side{"openconnect", theirs, "10.98.0.1"}, targetsOcserv[transport+" "+d.name]))
	}
	l.disconnect()
}

// mtu reads a link's MTU.
func (l *lab) mtu(link string) string {
	f := strings.Fields(l.client.Run(l.B, "ip", "-o", "link", "show", link))
	return f[slices.Index(f, "mtu")+1]
}
