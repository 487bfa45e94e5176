package interop

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/gateway"
	"github.com/holdfast-vpn/holdfast/protocol/gateway/inside"
)

// script is what openconnect runs to set its interface up: addresses and the split routes, no DNS.
const script = `#!/bin/sh
case "$reason" in connect|reconnect)
	ip link set "$TUNDEV" up mtu "$INTERNAL_IP4_MTU"
	ip addr replace "$INTERNAL_IP4_ADDRESS/32" dev "$TUNDEV"
	ip -6 addr replace "$INTERNAL_IP6_ADDRESS/128" dev "$TUNDEV" nodad
	ip route replace 10.99.0.0/16 dev "$TUNDEV"
	ip -6 route replace 2001:db8:99::/64 dev "$TUNDEV"
esac
`

// TestOpenconnectAgainstOurGateway: the embedded gateway serves a client we did not write: login with group, wrong password, a challenge, both
// families, and a reconnect with the same address after its connections were dropped.
func TestOpenconnectAgainstOurGateway(t *testing.T) {
	testenv.Require(t, "tun", "openconnect")
	if !testenv.Namespace(t) {
		return
	}
	self, client := testenv.Self(t), testenv.NewNS(t, "client")
	testenv.Veth(t, self, "net0", client, "wan0")
	self.Run(t, "ip", "addr", "add", "198.51.100.1/24", "dev", "net0")
	client.Run(t, "ip", "addr", "add", "198.51.100.2/24", "dev", "wan0")
	ident, err := gateway.SelfSigned("198.51.100.1")
	if err != nil {
		t.Fatal(err)
	}
	web4, web6 := netip.MustParsePrefix("10.99.0.2/16"), netip.MustParsePrefix("2001:db8:99::2/64")
	in, err := inside.New(inside.Config{Addresses: []netip.Prefix{web4, web6}})
	if err != nil {
		t.Fatal(err)
	}
	g, err := gateway.New(gateway.Config{
		Certificate: ident.Certificate, Inside: in,
		Users: []gateway.User{
			{Name: account, Password: redact.NewString(password)},
			{Name: "otto", Password: redact.NewString(password), Challenge: "Enter the code.", Check: gateway.Fixed(redact.NewString("424242"))},
		},
		Groups: []gateway.Group{{Name: "guests", Label: "Guests"}, {Name: "staff", Label: "Staff network"}},
		Pools:  []netip.Prefix{netip.MustParsePrefix("10.11.0.0/24"), netip.MustParsePrefix("2001:db8:11::/64")},
		Settings: protocol.Settings{MTU: 1400, DPD: 5 * time.Second, Keepalive: 10 * time.Second, Banner: "Welcome to the rehearsal",
			SplitInclude: []netip.Prefix{web4.Masked(), web6.Masked()}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	l, err := net.Listen("tcp", "198.51.100.1:443")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = g.Serve(l) }()
	dir := t.TempDir()
	ca, run := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "script")
	for path, text := range map[string]string{ca: string(ident.CAPEM), run: script} {
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	openconnect := func(user, stdin string, more ...string) (*exec.Cmd, *bytes.Buffer) {
		args := append([]string{"--cafile", ca, "--no-system-trust", "--user", user, "--authgroup", "Staff network", "--passwd-on-stdin", "--script", run, "--no-dtls"}, more...)
		cmd := client.Command("openconnect", append(args, "https://198.51.100.1/")...)
		cmd.Stdin = strings.NewReader(stdin)
		log := &bytes.Buffer{}
		cmd.Stdout, cmd.Stderr = log, log
		return cmd, log
	}

	t.Run("wrong password", func(t *testing.T) {
		cmd, log := openconnect(account, "not it\n", "--authenticate", "--non-inter")
		if err := cmd.Run(); err == nil {
			t.Errorf("it was let in:\n%s", log)
		}
	})
	t.Run("challenge", func(t *testing.T) {
		cmd, log := openconnect("otto", password+"\n424242\n", "--authenticate")
		if err := cmd.Run(); err != nil || !strings.Contains(log.String(), "COOKIE=") {
			t.Errorf("%v\n%s", err, log)
		}
	})
	t.Run("tunnel", func(t *testing.T) {
		cmd, log := openconnect(account, password+"\n", "--reconnect-timeout", "20")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		reaches := func(url string, within time.Duration) bool {
			for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
				if out, err := client.Command("curl", "-sS", "-g", "-m", "2", url).Output(); err == nil && strings.Contains(string(out), "inside") {
					return true
				}
			}
			return false
		}
		for _, url := range []string{"http://10.99.0.2/", "http://[2001:db8:99::2]/"} {
			if !reaches(url, 10*time.Second) {
				t.Errorf("%s is not reached\n%s", url, log)
			}
		}
		was := g.Sessions()
		g.DropConnections()
		if !reaches("http://10.99.0.2/", 30*time.Second) {
			t.Errorf("not reached after the connection was dropped\n%s", log)
		}
		is := g.Sessions()
		active := func(ss []gateway.Session) (gateway.Session, bool) {
			for _, s := range ss {
				if s.User == account && s.Active {
					return s, true
				}
			}
			return gateway.Session{}, false
		}
		a, okA := active(was)
		b, okB := active(is)
		if !okA || !okB || a.ID != b.ID || b.Reconnects != a.Reconnects+1 || a.Addresses[0] != b.Addresses[0] || b.Group != "staff" {
			t.Errorf("sessions before: %v\nafter: %v", was, is)
		}
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
		_ = cmd.Wait()
		if _, ok := active(g.Sessions()); ok {
			t.Errorf("the session is still active after the client's goodbye: %v\n%s", g.Sessions(), log)
		}
	})
}
