package interop

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// nameHosts are machines that resolve names in different ways.
var nameHosts = []struct {
	name    string
	backend string
	world   func(*testing.T) *world
	prepare func(*testing.T)
}{
	{"file", "resolv.conf and a forwarder of ours", newWorld, func(*testing.T) {}},
	{"container", "resolv.conf and a forwarder of ours", newContainedWorld, func(*testing.T) {}},
	{"systemd-resolved", "systemd-resolved", newWorld, func(t *testing.T) { testenv.ResolvedHost(t, "wan0", "192.0.2.1") }},
	{"resolvconf", "resolvconf and a forwarder of ours", newWorld, func(t *testing.T) { testenv.ResolvconfHost(t, "wan0", "192.0.2.1") }},
	{"NetworkManager", "resolv.conf and a forwarder of ours", newWorld, func(t *testing.T) {
		testenv.NetworkManagerHost(t, "default", "wan0", "192.0.2.2/24", "192.0.2.1", "192.0.2.1", "nothing")
	}},
	{"openresolv", "openresolv and a forwarder of ours", newWorld, func(t *testing.T) { testenv.OpenresolvHost(t, "wan0", "192.0.2.1") }},
}

// dnsQuery is a line of dnsmasq's log.
var dnsQuery = regexp.MustCompile(`query\[\w+\] (\S+) from`)

// asked returns the names that the public or the inside resolver was asked so far, once each.
func (w *world) asked(which string) []string {
	w.t.Helper()
	b, err := os.ReadFile(filepath.Join(w.dir, which+".dns.log"))
	if err != nil {
		w.t.Fatal(err)
	}
	var names []string
	for _, m := range dnsQuery.FindAllSubmatch(b, -1) {
		names = append(names, string(m[1]))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// lookup is what a program on the client gets for a name, "" when there is no such name.
func (w *world) lookup(name string) string {
	out, _ := w.client.Command("getent", "ahostsv4", name).Output()
	address, _, _ := strings.Cut(string(out), " ")
	return address
}

// resolves compares what names lead to.
func (w *world) resolves(when string, want map[string]string) {
	w.t.Helper()
	for name, address := range want {
		if got := w.lookup(name); got != address {
			w.t.Errorf("%s: %s is %q, want %q\n%s", when, name, got, address, w.resolv())
		}
	}
}

// only expects a resolver to have been asked for names with one of the endings and no other.
func (w *world) only(which string, endings ...string) {
	w.t.Helper()
	for _, name := range w.asked(which) {
		if !slices.ContainsFunc(endings, func(e string) bool { return strings.HasSuffix(name, e) }) {
			w.t.Errorf("the %s resolver was asked for %s", which, name)
		}
	}
}

// outsideView and splitView are what names lead to without a session, and with split DNS.
var (
	outsideView = map[string]string{"other.lab.example": "198.51.100.1", "split.corp.example": "192.0.2.99", "web.corp.example": ""}
	splitView   = map[string]string{"other.lab.example": "198.51.100.1", "split.corp.example": "10.99.0.2", "web.corp.example": "10.99.0.2", "none.corp.example": ""}
)

// namedWorld is a world on a machine of that kind, whose state from now on must come back.
func namedWorld(t *testing.T, make func(*testing.T) *world, prepare func(*testing.T)) *world {
	t.Helper()
	w := make(t)
	if w == nil {
		return nil
	}
	if err := os.WriteFile("/etc/nsswitch.conf", []byte("hosts: files dns\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	prepare(t)
	w.before = testenv.Dump(t, w.client)
	return w
}

// TestSplitDNS: names of the session's domains are asked inside alone and all others outside alone, on every kind of machine; a killed agent is no harm.
func TestSplitDNS(t *testing.T) {
	t.Parallel()
	for _, h := range nameHosts {
		t.Run(h.name, func(t *testing.T) {
			w := namedWorld(t, h.world, h.prepare)
			if w == nil {
				return
			}
			w.startOcserv(t, ocserv{lines: append(slices.Clone(splitRoutes), "split-dns = corp.example")})
			a := w.startAgent()
			w.connect("vpn.lab.example")
			s := w.state()
			if s.DNS == nil || s.DNS.Backend != h.backend || !slices.Equal(s.DNS.Split, []string{"corp.example"}) {
				t.Errorf("dns: %+v, want %s", s.DNS, h.backend)
			}
			if !strings.Contains(a.log.String(), "name resolution") || !strings.Contains(a.log.String(), "facts.file=") {
				t.Error("the decision is not in the log")
			}
			w.resolves("connected", splitView)
			w.only("inside", ".corp.example")
			w.only("public", ".lab.example")
			w.leave()
			w.resolves("after disconnect", outsideView)

			w.connect("vpn.lab.example")
			w.resolves("connected again", splitView)
			_ = a.cmd.Process.Signal(syscall.SIGKILL)
			_ = a.cmd.Wait()
			if r := w.cli("", "rescue", "--state-dir", w.stateDir(), "--runtime-dir", w.runtimeDir()); r.exit != 0 {
				t.Errorf("rescue: %+v", r)
			}
			w.unchanged("after rescue")
			w.resolves("after rescue", outsideView)
		})
	}
}

// TestTunnelAllDNS: with split routes and all names inside, nobody outside is asked but for the gateway's own name.
func TestTunnelAllDNS(t *testing.T) {
	t.Parallel()
	for _, h := range nameHosts {
		t.Run(h.name, func(t *testing.T) {
			w := namedWorld(t, h.world, h.prepare)
			if w == nil {
				return
			}
			w.startOcserv(t, ocserv{lines: append(slices.Clone(splitRoutes), "tunnel-all-dns = true")})
			a := w.startAgent()
			w.connect("vpn.lab.example")
			w.resolves("connected", map[string]string{"split.corp.example": "10.99.0.2", "web.corp.example": "10.99.0.2", "none.corp.example": "", "other.lab.example": ""})
			w.only("public", "vpn.lab.example")
			if !slices.Contains(w.asked("inside"), "other.lab.example") {
				t.Errorf("inside was asked for %q", w.asked("inside"))
			}
			w.leave()
			w.resolves("after disconnect", outsideView)
			a.stop()
		})
	}
}

// TestNamesComeBack: the session survives whoever takes its name servers away, and a reconnect finds the gateway's name outside.
func TestNamesComeBack(t *testing.T) {
	t.Parallel()
	for _, h := range nameHosts[:3] {
		t.Run(h.name, func(t *testing.T) {
			w := namedWorld(t, h.world, h.prepare)
			if w == nil {
				return
			}
			g := w.startOcserv(t, ocserv{lines: append(slices.Clone(splitRoutes), "split-dns = corp.example")})
			a := w.startAgent()
			w.connect("vpn.lab.example")
			if h.name == "systemd-resolved" {
				w.client.Run(t, "resolvectl", "revert", "holdfast0")
			} else {
				w.client.SetResolv("nameserver 192.0.2.1\n") // as a DHCP client does
			}
			for end := time.Now().Add(3 * time.Second); w.lookup("web.corp.example") == "" && time.Now().Before(end); {
				time.Sleep(20 * time.Millisecond)
			}
			w.resolves("after somebody else's change", splitView)
			g.killWorkers(t)
			w.waitState(10*time.Second, "connected again", func(s ipc.State) bool {
				return s.State == "connected" && s.Reconnects != nil && s.Reconnects.Tunnel+s.Reconnects.Session > 0
			})
			w.resolves("after a reconnect", splitView)
			if r := w.cli("", "disconnect"); r.exit != 0 {
				t.Errorf("disconnect: %+v", r)
			}
			w.resolves("after disconnect", outsideView)
			a.cmd.Process.Signal(syscall.SIGTERM)
			_ = a.cmd.Wait()
		})
	}
}

// TestFixedResolvConf: where nothing can be changed and nobody else answers, a connect fails and says why, and leaves nothing.
func TestFixedResolvConf(t *testing.T) {
	t.Parallel()
	w := namedWorld(t, newWorld, func(t *testing.T) {
		testenv.Self(t).Run(t, "mount", "--bind", "/etc/resolv.conf", "/etc/resolv.conf")
		testenv.Self(t).Run(t, "mount", "-o", "remount,bind,ro", "/etc/resolv.conf")
	})
	if w == nil {
		return
	}
	w.startOcserv(t, ocserv{lines: splitRoutes})
	a := w.startAgent()
	r := w.cli(password+"\n", "connect", "vpn.lab.example", "--user", account, "--group", "staff", "--password-stdin", "--ca", w.pki.ca, "--no-input")
	if r.exit != 1 || !strings.Contains(r.stderr, "(HOST-010)") || !strings.Contains(r.stderr, "read-only") {
		t.Errorf("connect: %+v", r)
	}
	w.unchanged("after the refusal")
	if r := w.cli("", "doctor", "vpn.lab.example", "--ca", w.pki.ca); r.exit != 1 || !strings.Contains(r.stderr, "(HOST-010)") {
		t.Errorf("doctor: %+v", r)
	}
	a.stop()
}
