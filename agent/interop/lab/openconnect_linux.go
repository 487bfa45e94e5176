package lab

import (
	"strings"

	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// Openconnect is how to run one.
type Openconnect struct {
	Gateway   string // HOST:PORT
	Interface string // at most 11 bytes: the network in the tunnel is named after it
	Route     string // what it leads into the tunnel, a prefix
	Says      string // when it is connected; empty is as soon as its interface is configured
	More      []string
}

// StartOpenconnect connects openconnect, in a namespace, and returns once it said so.
func (l *Lab) StartOpenconnect(client *testenv.NS, o Openconnect) *Process {
	l.Helper()
	if o.Says == "" {
		o.Says = "Configured as"
	}
	script := "#!/bin/sh\n" + `case "$reason" in connect|reconnect)
	ip link set "$TUNDEV" up mtu "$INTERNAL_IP4_MTU"
	ip addr replace "$INTERNAL_IP4_ADDRESS/32" dev "$TUNDEV"
	ip route replace ` + o.Route + ` dev "$TUNDEV"
esac
`
	args := append([]string{"--interface", o.Interface, "--cafile", l.CA, "--no-system-trust", "--user", Account, "--passwd-on-stdin", "--script", l.File("script-"+o.Interface, []byte(script))}, o.More...)
	cmd := client.Command("openconnect", append(args, "https://"+o.Gateway+"/")...)
	cmd.Stdin = strings.NewReader(Password + "\n")
	return l.Ready(cmd, o.Says)
}
