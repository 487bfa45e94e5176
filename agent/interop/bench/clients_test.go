package bench

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
)

// script is what openconnect runs to set its interface up: the address and one route.
const script = `#!/bin/sh
case "$reason" in connect|reconnect)
	ip link set "$TUNDEV" up mtu "$INTERNAL_IP4_MTU"
	ip addr replace "$INTERNAL_IP4_ADDRESS/32" dev "$TUNDEV"
	ip route replace 10.98.0.0/16 dev "$TUNDEV"
esac
`

// startAgent runs holdfastd; it idles until it is told to connect.
func (l *lab) startAgent() *process {
	l.Helper()
	profile := filepath.Join(l.dir, "profile")
	_ = os.MkdirAll(profile, 0o755)
	return l.ready(l.client.Command(bin("holdfastd"), "run", "--state-dir", filepath.Join(l.dir, "state"), "--runtime-dir", l.runtime(), "--profile-dir", profile), "ready: ")
}

func (l *lab) runtime() string { return filepath.Join(l.dir, "run") }

// holdfast runs the command line and returns what it printed.
func (l *lab) holdfast(stdin string, args ...string) string {
	l.Helper()
	cmd := l.client.Command(bin("holdfast"), append([]string{"--socket", filepath.Join(l.runtime(), "agent.sock")}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		l.Fatalf("holdfast %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// connect connects the agent to a port of the gateway.
func (l *lab) connect(port string) {
	l.Helper()
	l.holdfast(password+"\n", "connect", gatewayAddr+":"+port, "--user", account, "--password-stdin", "--ca", l.ca, "--no-input")
}

// travels waits until packets of the agent travel by a transport, and returns the state.
func (l *lab) travels(transport string) ipc.State {
	l.Helper()
	s := l.settled(transport)
	if s.Transport != transport {
		l.Fatalf("no tunnel by %s but by %s: %s", transport, s.Transport, s.TransportReason)
	}
	return s
}

// settled gives the agent five seconds to move to a transport, and returns what it came to.
func (l *lab) settled(transport string) (s ipc.State) {
	l.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		s = ipc.State{}
		if err := json.Unmarshal([]byte(l.holdfast("", "--json", "state")), &s); err != nil {
			l.Fatal(err)
		}
		if s.State == "connected" && s.Transport == transport {
			break
		}
	}
	return s
}

// disconnect ends the agent's session and waits until it has.
func (l *lab) disconnect() {
	l.Helper()
	l.holdfast("", "disconnect")
	l.holdfast("", "state", "--wait", "disconnected", "--timeout", "10s")
}

// openconnect connects it to a port of the gateway and returns once it said the text.
func (l *lab) openconnect(port, says string, more ...string) *process {
	l.Helper()
	args := append([]string{"--interface", "oc0", "--cafile", l.ca, "--no-system-trust", "--user", account, "--passwd-on-stdin", "--script", l.file("script", []byte(script))}, more...)
	cmd := l.client.Command("openconnect", append(args, "https://"+gatewayAddr+":"+port+"/")...)
	cmd.Stdin = strings.NewReader(password + "\n")
	return l.ready(cmd, says)
}

// end says goodbye as a user who presses Control-C.
func (p *process) end() { p.stop(syscall.SIGINT) }
