package interop

import (
	"crypto/tls"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/gateway"
)

// ours serves the embedded gateway in the gateway's place.
func (w *world) ours(t *testing.T, change func(*gateway.Config)) *gateway.Gateway {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(w.pki.cert, w.pki.key)
	if err != nil {
		t.Fatal(err)
	}
	cfg := gateway.Config{
		Certificate: cert, Inside: gateway.NewEcho(netip.MustParseAddr("10.99.0.2")),
		Users:    []gateway.User{{Name: account, Password: redact.NewString(password), Second: redact.NewString("again")}},
		Groups:   []gateway.Group{{Name: "staff", Label: "Staff network"}, {Name: "admins", Label: "Administrators", Second: "Second password:"}},
		Pools:    []netip.Prefix{netip.MustParsePrefix("10.11.0.0/24")},
		Settings: protocol.Settings{MTU: 1400, SplitInclude: []netip.Prefix{netip.MustParsePrefix("10.99.0.0/16")}},
	}
	change(&cfg)
	g, err := gateway.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var l net.Listener
	if err := w.gateway.Do(func() (err error) { l, err = net.Listen("tcp4", "198.51.100.1:443"); return err }); err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = g.Serve(l) })
	t.Cleanup(func() { _ = g.Close(); serving.Wait() })
	return g
}

// TestFormsOfOurGateway: the command line answers forms that ocserv does not have, and says what is wrong with an answer.
func TestFormsOfOurGateway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	a := w.startAgent()
	for _, c := range []struct {
		name   string
		change func(*gateway.Config)
		group  string
		stdin  []string // after the password
		exit   int
		code   string
		says   string
	}{
		{"an expired password", func(c *gateway.Config) { c.Users[0].Change = gateway.ChangePassword }, "staff", []string{"new_password=another", "verify_password=another"}, 0, "", ""},
		{"its repetition is another", func(c *gateway.Config) { c.Users[0].Change = gateway.ChangePassword }, "staff", []string{"new_password=another", "verify_password=others"}, 4, "AUTH-001",
			"the two new passwords are not the same"},
		{"nobody has a new one", func(c *gateway.Config) { c.Users[0].Change = gateway.ChangePassword }, "staff", nil, 10, "AUTH-002", "new_password"},
		{"a first PIN", func(c *gateway.Config) { c.Users[0].Change = gateway.ChangePIN }, "staff", []string{"whichpin=1234", "verify_pin=1234"}, 0, "", ""},
		{"another group with another form", func(*gateway.Config) {}, "Administrators", []string{"secondary_password=again"}, 0, "", ""},
		{"before aggregate authentication", func(c *gateway.Config) { c.Older = true; c.Users[0].Change = gateway.ChangePIN }, "staff", []string{"whichpin=1234", "verify_pin=1234"}, 0, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := w.in(t)
			g := w.ours(t, c.change)
			stdin := strings.Join(append([]string{password}, c.stdin...), "\n") + "\n"
			r := w.cli(stdin, "connect", "vpn4.lab.example", "--user", account, "--group", c.group, "--password-stdin", "--answers-stdin", "--ca", w.pki.ca, "--no-input")
			if c.exit != 0 {
				w.refused(r, c.exit, c.code)
				if !strings.Contains(r.stderr, c.says) || len(g.Sessions()) != 0 {
					t.Errorf("sessions %v\n%s", g.Sessions(), r.stderr)
				}
				return
			}
			if r.exit != 0 {
				t.Fatalf("%+v", r)
			}
			if s := w.state(); s.State != "connected" || s.User != account || !strings.HasPrefix(s.Group, strings.ToUpper(c.group[:1])) {
				t.Errorf("%+v", s)
			}
			w.leave()
		})
	}
	a.stop()
}
