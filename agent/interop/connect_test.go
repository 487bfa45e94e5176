package interop

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
)

// reachesInside checks the inside web server by name over both families, and by its addresses.
func (w *world) reachesInside() {
	w.t.Helper()
	for _, args := range [][]string{{"-4", "http://web.corp.example/"}, {"-6", "http://web.corp.example/"}, {"http://10.99.0.2/"}, {"http://[2001:db8:99::2]/"}} {
		out, err := w.client.Command("curl", append([]string{"-sS", "-m", "8", "-g"}, args...)...).CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), "inside ") {
			w.t.Errorf("curl %v: %v %s\nresolv.conf: %s", args, err, out, w.resolv())
		}
	}
}

func (w *world) resolv() string { return w.client.Run(w.t, "cat", "/etc/resolv.conf") }

// TestConnect connects with group and password and reaches the inside by name over both families: with DTLS off and offered, split and tunnel-all.
func TestConnect(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		server ocserv
		split  bool
	}{
		{"split include", ocserv{lines: splitRoutes}, true},
		{"split include with DTLS offered", ocserv{dtls: true, lines: splitRoutes}, true},
		{"tunnel-all", ocserv{lines: []string{"route = default"}}, false},
		{"tunnel-all with DTLS offered", ocserv{dtls: true, lines: []string{"route = default"}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			if w == nil {
				return
			}
			w.startOcserv(t, c.server)
			a := w.startAgent()
			w.connect("vpn4.lab.example") // through the router's NAT
			transport := "tls"
			if c.server.dtls {
				transport = "dtls"
			}
			s := w.travels(transport, 5*time.Second)
			w.reachesInside()
			if s.State != "connected" || s.Protocol != "ssl" || s.Group != "Staff network" || s.User != account || s.Interface != "holdfast0" {
				t.Errorf("state: %+v", s)
			}
			if s.Gateway != "198.51.100.1:443" || s.VerifiedAt == nil {
				t.Errorf("gateway %q, verified at %v", s.Gateway, s.VerifiedAt)
			}
			if s.TunnelAll == nil || *s.TunnelAll == c.split {
				t.Errorf("tunnel_all = %v", s.TunnelAll)
			}
			if len(s.Addresses) != 2 || !netip.MustParsePrefix(s.Addresses[0]).IsValid() {
				t.Errorf("addresses = %v", s.Addresses)
			}
			if s.DNS == nil || !slices.Contains(s.DNS.Servers, "10.99.0.2") {
				t.Errorf("dns = %+v", s.DNS)
			}
			// the name that differs must be the inside one
			if out, err := w.get("http://split.corp.example/"); err != nil || !strings.HasPrefix(out, "inside ") {
				t.Errorf("split.corp.example: %v %s", err, out)
			}
			out := w.client.Run(t, "ip", "route", "get", "198.51.100.2")
			if strings.Contains(out, "holdfast0") == c.split {
				t.Errorf("a public address goes %s", out)
			}
			if r := w.cli("", "disconnect"); r.exit != 0 {
				t.Errorf("disconnect: %+v", r)
			}
			w.waitState(3*time.Second, "disconnected", func(s ipc.State) bool { return s.State == "disconnected" })
			w.unchanged("after disconnect")
			a.stop()
		})
	}
}

// TestOneTimeCode answers a code in a second form that has the password's name.
func TestOneTimeCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	w.startOcserv(t, ocserv{otp: true, lines: splitRoutes})
	a := w.startAgent()
	r := w.cli(password+"\n", "connect", "vpn.lab.example", "--user", account, "--group", "staff", "--password-stdin", "--answer", "password2="+otpCode(t), "--ca", w.pki.ca, "--no-input")
	if r.exit != 0 {
		t.Fatalf("connect: %+v", r)
	}
	w.reachesInside()
	a.stop()
}

// TestOneTimeCodeMissing: the code is asked for and nobody answers.
func TestOneTimeCodeMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	w.startOcserv(t, ocserv{otp: true, lines: splitRoutes})
	w.startAgent()
	r := w.cli(password+"\n", "connect", "vpn.lab.example", "--user", account, "--group", "staff", "--password-stdin", "--ca", w.pki.ca, "--no-input")
	w.refused(r, 10, "AUTH-002")
}

// TestBanner: a banner must be accepted, is in the state, and declining ends the attempt.
func TestBanner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	w.startOcserv(t, ocserv{lines: append(splitRoutes, `banner = "Authorised use only"`)})
	a := w.startAgent()
	args := []string{"connect", "vpn.lab.example", "--user", account, "--group", "staff", "--password-stdin", "--ca", w.pki.ca, "--no-input"}
	w.refused(w.cli(password+"\n", args...), 10, "AUTH-002")
	if r := w.cli(password+"\n", append(args, "--accept-banner")...); r.exit != 0 {
		t.Fatalf("connect: %+v", r)
	}
	if s := w.state(); s.Banner != "Authorised use only" {
		t.Errorf("banner = %q", s.Banner)
	}
	a.stop()
}

// TestIPv6OnlyOutside: the client has no IPv4 outside; both families work inside.
func TestIPv6OnlyOutside(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"vpn.lab.example", "vpn6.lab.example"} {
		t.Run(target, func(t *testing.T) {
			w := newWorld(t)
			if w == nil {
				return
			}
			w.ip(w.client, "addr del 192.0.2.2/24 dev wan0")
			w.client.SetResolv("nameserver 2001:db8:1::1\n")
			w.startOcserv(t, ocserv{lines: splitRoutes})
			a := w.startAgent()
			w.connect(target)
			w.reachesInside()
			if s := w.state(); !strings.HasPrefix(s.Gateway, "[2001:db8:100::1]") {
				t.Errorf("gateway = %q", s.Gateway)
			}
			if r := w.cli("", "disconnect"); r.exit != 0 {
				t.Errorf("disconnect: %+v", r)
			}
			_ = a
		})
	}
}

// TestPin trusts the gateway by its key alone: by its address, without the CA.
func TestPin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	w.startOcserv(t, ocserv{lines: splitRoutes})
	w.startAgent()
	r := w.cli(password+"\n", "connect", "other.lab.example", "--user", account, "--group", "staff", "--password-stdin", "--pin", w.pki.pin, "--no-input")
	if r.exit != 0 {
		t.Fatalf("connect: %+v", r)
	}
	w.reachesInside()
}

// TestContainer: where resolv.conf is a bind mount it is rewritten in place, and has its bytes back afterwards.
func TestContainer(t *testing.T) {
	t.Parallel()
	w := newContainedWorld(t)
	if w == nil {
		return
	}
	w.startOcserv(t, ocserv{lines: splitRoutes})
	a := w.startAgent()
	w.connect("vpn4.lab.example")
	w.reachesInside()
	if !strings.Contains(w.resolv(), "10.99.0.2") {
		t.Errorf("resolv.conf while connected:\n%s", w.resolv())
	}
	a.stop()
}
