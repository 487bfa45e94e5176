package interop

import (
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/gateway"
	"github.com/holdfast-vpn/holdfast/protocol/login"
)

// clientProfile is what the gateway of TestProfileDelivery hands over.
const clientProfile = `<?xml version="1.0" encoding="UTF-8"?>
<AnyConnectProfile xmlns="http://schemas.xmlsoap.org/encoding/">
<ClientInitialization><AutoReconnect UserControllable="false">true<AutoReconnectBehavior UserControllable="false">ReconnectAfterResume</AutoReconnectBehavior></AutoReconnect></ClientInitialization>
<ServerList><HostEntry><HostName>Head Office</HostName><HostAddress>vpn4.lab.example</HostAddress></HostEntry></ServerList>
</AnyConnectProfile>
`

// TestProfileDelivery: ocserv's profile comes with the first login, is in force with the second, is not fetched again while it is the same, and is when it is another.
func TestProfileDelivery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	file := filepath.Join(w.dir, "profile.xml")
	offer := func(doc string) {
		if err := os.WriteFile(file, []byte(doc), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	offer(clientProfile)
	g := w.startOcserv(t, ocserv{lines: append([]string{"user-profile = " + file}, splitRoutes...)})
	a := w.startAgent()
	kept := filepath.Join(w.stateDir(), "profiles", "0", "gateway-vpn4.lab.example-443.xml")
	look := func() (os.FileInfo, string) {
		t.Helper()
		info, err := os.Stat(kept)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := os.ReadFile(kept)
		if err != nil {
			t.Fatal(err)
		}
		return info, string(doc)
	}

	w.connect("vpn4.lab.example")
	if s := w.state(); s.Profile != "" {
		t.Errorf("the first session has the profile %q", s.Profile)
	}
	first, doc := look()
	if doc != clientProfile || first.Mode().Perm() != 0o600 {
		t.Errorf("%v holds\n%s", first.Mode(), doc)
	}
	w.leave()

	if r := w.cli("", "hosts"); r.exit != 0 || !strings.Contains(r.out, "Head Office") {
		t.Errorf("hosts: %+v", r)
	}
	w.connect("head office")
	if s := w.state(); s.Profile != filepath.Base(kept) || s.Target != "Head Office" {
		t.Errorf("target %q, profile %q", s.Target, s.Profile)
	}
	if again, _ := look(); !os.SameFile(first, again) || !again.ModTime().Equal(first.ModTime()) {
		t.Error("the same profile was fetched again")
	}
	w.reachesInside()
	w.leave()

	g.stop(t)
	other := strings.Replace(clientProfile, "Head Office", "Main Site", 1)
	offer(other)
	g.start(t)
	w.connect("vpn4.lab.example")
	if _, doc := look(); doc != other {
		t.Errorf("after a change the agent keeps\n%s", doc)
	}
	w.leave()

	a.stop()
}

// direct dials from the test's own namespace.
type direct struct{ net.Dialer }

func (d *direct) Lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip4", host)
}

func (d *direct) DialTCP(ctx context.Context, to netip.AddrPort, _ protocol.Path) (net.Conn, error) {
	return d.DialContext(ctx, "tcp", to.String())
}

// filler answers every form from a map, each answer once and in order.
type filler struct {
	answers map[string][]string
	asked   []string
}

func (f *filler) Ask(_ context.Context, form protocol.Form) (protocol.Answer, error) {
	out := protocol.Answer{Accept: true, Values: map[string]redact.Secret{}}
	for _, in := range form.Fields {
		f.asked = append(f.asked, in.Name)
		if given := f.answers[in.Name]; len(given) > 0 {
			out.Values[in.Name], f.answers[in.Name] = redact.NewString(given[0]), given[1:]
		}
	}
	return out, nil
}

// TestOlderLogin logs in as clients before aggregate authentication do: ocserv knows them by the user agent and answers them in their own way. The first
// password is wrong.
func TestOlderLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	w.startOcserv(t, ocserv{otp: true})
	ca, err := os.ReadFile(w.pki.ca)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	target := protocol.Target{Host: "vpn4.lab.example", Port: 443, Path: "/", User: account, Group: "staff", Trust: protocol.Trust{CAPEM: ca}}
	person := &filler{answers: map[string][]string{"password": {"not it", password}, "password2": {otpCode(t)}}}
	res, err := login.Run(ctx, &direct{}, target, person, login.Options{UserAgent: "Open AnyConnect VPN Agent v3.00"})
	if err != nil {
		t.Fatalf("%v after %q", err, person.asked)
	}
	if res.Token.Empty() || res.User != account || res.Group != "Staff network" || strings.Join(person.asked, " ") != "password password password2" {
		t.Errorf("%+v after %q", res, person.asked)
	}
	if res.Conn != nil {
		_ = res.Conn.Close()
	}
}

// TestRedirectToOcserv: a gateway that sends its users to another one, whose certificate is verified anew, and a session that comes back there.
func TestRedirectToOcserv(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	g := w.startOcserv(t, ocserv{lines: splitRoutes})
	end := w.speaks(t, "onward", "198.51.100.1:8443", w.pki.cert, w.pki.key, "https://vpn4.lab.example/")
	a := w.startAgent()
	w.connect("vpn4.lab.example:8443")
	if s := w.state(); s.Gateway != "198.51.100.1:443" || s.Group != "Staff network" {
		t.Errorf("%+v", s)
	}
	w.reachesInside()
	end()
	g.killWorkers(t) // it comes back to where it was sent
	w.waitState(20*time.Second, "back", func(s ipc.State) bool {
		return s.State == "connected" && s.Reconnects != nil && s.Reconnects.Tunnel+s.Reconnects.Session > 0
	})
	w.reachesInside()
	w.leave()
	end = w.speaks(t, "onward", "198.51.100.1:8443", w.pki.cert, w.pki.key, "https://other.lab.example/") // a name that the certificate has not
	defer end()
	r := w.cli(password+"\n", "connect", "vpn4.lab.example:8443", "--user", account, "--group", "staff", "--password-stdin", "--ca", w.pki.ca, "--no-input")
	w.refused(r, 6, "TLS-002")
	a.stop()
}

// TestOpenconnectLogsIn: a client we did not write understands each way in which our gateway may ask.
func TestOpenconnectLogsIn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		user   string
		stdin  []string
		change func(*gateway.Config)
	}{
		{"before aggregate authentication", account, []string{password}, func(c *gateway.Config) { c.Older = true }},
		{"before aggregate authentication, a challenge and a first PIN", "otto", []string{password, "424242", "1234", "1234"},
			func(c *gateway.Config) { c.Older = true; c.Users[1].Change = gateway.ChangePIN }},
		{"an expired password", account, []string{password, "another", "another"}, func(c *gateway.Config) { c.Users[0].Change = gateway.ChangePassword }},
		{"a group with a second password", account, []string{password, "again"}, func(c *gateway.Config) {
			c.Groups[1].Second, c.Users[0].Second = "Second password:", redact.NewString("again")
		}},
		{"a profile and domains", account, []string{password}, func(c *gateway.Config) {
			c.Profile, c.Settings.DynamicExclude = []byte(clientProfile), []string{"meet.example"}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMirror(t, c.change)
			if m == nil {
				return
			}
			cmd, log := m.openconnect(c.user, strings.Join(c.stdin, "\n")+"\n", "--authenticate")
			if err := cmd.Run(); err != nil || !strings.Contains(log.String(), "COOKIE=") || len(m.g.Sessions()) != 1 {
				t.Errorf("%v, sessions %v\n%s", err, m.g.Sessions(), log)
			}
			if s := m.g.Sessions(); len(s) == 1 && (s[0].User != c.user || s[0].Group != "staff") {
				t.Errorf("%v", s[0])
			}
		})
	}
}
