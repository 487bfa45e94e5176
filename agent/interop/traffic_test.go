package interop

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
)

var updateTraffic = flag.Bool("traffic.update", false, "rewrite the table of docs/security.md")

// columns of the table, and the talks that each of them stands for.
var columns = []struct {
	name  string
	talks []string
}{
	{"IPv4", []string{"IPv4", "IPv4, old address"}},
	{"IPv6", []string{"IPv6", "IPv6, old address"}},
	{"bound to the uplink", []string{"IPv4, bound", "IPv4, by interface", "IPv6, bound", "IPv6, by interface"}},
	{"DNS, the network's servers", []string{"DNS", "DNS, bound", "DNS, IPv6", "DNS, IPv6, bound", "DNS, public"}},
	{"DNS, as resolv.conf says", []string{"DNS, as resolv.conf says"}},
	{"local network", []string{"local", "multicast", "broadcast"}},
	{"network that calls a public range local", []string{"local, public address", "local, IPv6"}},
	{"inside", []string{"inside", "inside, bound"}},
	{"excluded", []string{"excluded", "excluded, bound"}},
}

// leaves says for every phase which columns leave by the uplink. What does not leave goes into the tunnel, waits for it, or is refused.
var leaves = []struct {
	phase string
	what  []string
}{
	{"disconnected; connecting and authenticating", []string{"IPv4", "IPv6", "bound to the uplink", "DNS, the network's servers", "DNS, as resolv.conf says", "local network", "network that calls a public range local", "inside", "excluded"}},
	{"connected, everything through the tunnel", nil},
	{"the same, with routes that a DHCP server pushed", nil},
	{"the same, IPv4 alone inside", nil},
	{"the same, with local access", []string{"local network"}},
	{"the same, with networks excluded", []string{"excluded"}},
	{"connected, networks included", []string{"IPv4", "IPv6", "bound to the uplink", "DNS, the network's servers", "DNS, as resolv.conf says", "local network", "network that calls a public range local", "excluded"}},
	{"reconnecting, everything through the tunnel", nil},
	{"the same, on another uplink", nil},
	{"the agent stopped or frozen", nil},
	{"the agent killed, until its next start or `rescue`", nil},
	{"after `rescue`", []string{"IPv4", "IPv6", "bound to the uplink", "DNS, the network's servers", "DNS, as resolv.conf says", "local network", "network that calls a public range local", "inside", "excluded"}},
}

// may lists the talks that leave by the uplink in a phase.
func may(t *testing.T, phase string) []string {
	t.Helper()
	for _, l := range leaves {
		if l.phase != phase {
			continue
		}
		var out []string
		for _, c := range columns {
			if slices.Contains(l.what, c.name) {
				out = append(out, c.talks...)
			}
		}
		return out
	}
	t.Fatalf("no phase %q", phase)
	return nil
}

// TestTrafficTable: the table of docs/security.md is the one that the tests below hold.
func TestTrafficTable(t *testing.T) {
	t.Parallel()
	const path, begin, end = "../../docs/security.md", "<!-- traffic: begin -->\n", "<!-- traffic: end -->"
	var b strings.Builder
	b.WriteString("| phase |")
	for _, c := range columns {
		b.WriteString(" " + c.name + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(columns)) + "\n")
	for _, l := range leaves {
		b.WriteString("| " + l.phase + " |")
		for _, c := range columns {
			cell := "no"
			if slices.Contains(l.what, c.name) {
				cell = "**leaves**"
			}
			b.WriteString(" " + cell + " |")
		}
		b.WriteString("\n")
	}
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(doc), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("docs/security.md has no place for the table")
	}
	want := head + begin + b.String() + end + tail
	if *updateTraffic {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(doc) {
		t.Error("docs/security.md differs: go test ./agent/interop -run TestTrafficTable -traffic.update")
	}
}

// newTrafficWorld has a private network beside the public one on the uplink, and somebody who talks all the time.
func newTrafficWorld(t *testing.T) (*world, *uplinkWatch) {
	t.Helper()
	w := newWorld(t)
	if w == nil {
		return nil, nil
	}
	w.ip(w.client, "addr add 192.168.7.2/24 dev wan0")
	w.ip(w.router, "addr add 192.168.7.1/24 dev lan0", "addr add 192.0.2.77/24 dev lan0", "addr add 2001:db8:1::77/64 dev lan0 nodad")
	u := w.watch(w.router, "lan0")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w.startReady(w.client.Command(self, "role", "chatter"), "ready")
	return w, u
}

// TestTraffic: what leaves by the uplinks in each phase of a session that takes everything, seen at the other end of the wire.
func TestTraffic(t *testing.T) {
	t.Parallel()
	w, u := newTrafficWorld(t)
	if w == nil {
		return
	}
	w.startOcserv(t, ocserv{psk: true, lines: []string{"route = default"}})
	h := w.newHotel()
	a := w.startAgent()
	free := may(t, "disconnected; connecting and authenticating")
	u.expect(t, "disconnected", free)
	w.ask(t)
	u.expect(t, "authenticating", free)
	if r := w.cli(password+"\n", "connect", "--password-stdin", "--accept-banner", "--no-input"); r.exit != 0 {
		t.Fatalf("answering: %+v", r)
	}
	w.reachesInside()
	u.expect(t, "connected", may(t, "connected, everything through the tunnel"))

	// From here on nothing leaves, and the moments between the phases count, too.
	w.ip(w.client, "route add 0.0.0.0/1 via 192.0.2.1 dev wan0", "route add 128.0.0.0/1 via 192.0.2.1 dev wan0", "route add 203.0.113.200/32 via 192.0.2.1 dev wan0",
		"route add 2000::/3 via 2001:db8:1::1 dev wan0", "route add 2001:db8:ffff::1/128 via 2001:db8:1::1 dev wan0")
	time.Sleep(300 * time.Millisecond)
	u.judge(t, "while routes were pushed", nil, u.since())
	u.expect(t, "with pushed routes", may(t, "the same, with routes that a DHCP server pushed"))
	w.ip(w.client, "route del 0.0.0.0/1", "route del 128.0.0.0/1", "route del 203.0.113.200/32", "route del 2000::/3", "route del 2001:db8:ffff::1/128")

	w.router.Run(t, "nft", "add table inet cut; add chain inet cut forward { type filter hook forward priority 0; }; add rule inet cut forward iifname lan0 drop; add rule inet cut forward oifname lan0 drop")
	w.waitState(20*time.Second, "reconnecting", func(s ipc.State) bool { return s.State == "reconnecting" })
	u.judge(t, "while the way broke", nil, u.since())
	u.expect(t, "reconnecting", may(t, "reconnecting, everything through the tunnel"))

	_ = a.cmd.Process.Signal(syscall.SIGSTOP)
	u.judge(t, "while it was stopped", nil, u.since())
	u.expect(t, "stopped", may(t, "the agent stopped or frozen"))
	_ = a.cmd.Process.Signal(syscall.SIGCONT)

	u2 := w.watch(h.router, "lan0")
	h.moveIn()
	w.waitState(20*time.Second, "back", func(s ipc.State) bool { return s.State == "connected" && !s.Probing })
	u2.judge(t, "on the way to another uplink", may(t, "the same, on another uplink"), u2.since())
	u2.expect(t, "on another uplink", may(t, "the same, on another uplink"))

	_ = a.cmd.Process.Signal(syscall.SIGKILL)
	_ = a.cmd.Wait()
	u2.judge(t, "while it was killed", nil, u2.since())
	u2.expect(t, "killed", may(t, "the agent killed, until its next start or `rescue`"))
	w.client.Run(t, "ip", "link", "set", "wan0", "up")
	w.ip(w.client, "addr replace 2001:db8:1::2/64 dev wan0 nodad", "route replace default via 192.0.2.1 dev wan0", "route replace default via 2001:db8:1::1 dev wan0")
	u.since()
	u.expect(t, "killed, on the first uplink", may(t, "the agent killed, until its next start or `rescue`"))
	if r := w.cli("", "rescue", "--state-dir", w.stateDir(), "--runtime-dir", w.runtimeDir()); r.exit != 0 {
		t.Fatalf("rescue: %+v", r)
	}
	w.client.Run(t, "ip", "link", "set", "wlan0", "down")
	u.expect(t, "rescued", may(t, "after `rescue`"))
}

// ask begins a login that waits for its password.
func (w *world) ask(t *testing.T) {
	t.Helper()
	ca, err := os.ReadFile(w.pki.ca)
	if err != nil {
		t.Fatal(err)
	}
	body := filepath.Join(w.dir, "connect.json")
	if err := os.WriteFile(body, fmt.Appendf(nil, `{"target":"vpn4.lab.example","group":"staff","user":%q,"ca_pem":%q}`, account, ca), 0o600); err != nil {
		t.Fatal(err)
	}
	w.client.Run(t, "curl", "-sS", "--fail", "--unix-socket", filepath.Join(w.runtimeDir(), "agent.sock"), "-H", "Content-Type: application/json", "-d", "@"+body, "http://agent/v1/connect")
	w.waitState(10*time.Second, "asking", func(s ipc.State) bool { return s.Prompt != nil })
}

// TestTrafficPolicies: what leaves by the uplink while connected, by what the gateway gave.
func TestTrafficPolicies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, phase string
		o           ocserv
	}{
		{"IPv4 alone", "the same, IPv4 alone inside", ocserv{only4: true, lines: []string{"route = default"}}},
		{"local access", "the same, with local access", ocserv{lines: []string{"route = default", "no-route = 0.0.0.0/255.255.255.255"}}},
		{"excluded", "the same, with networks excluded", ocserv{lines: []string{"route = default", "no-route = 203.0.113.201/255.255.255.255"}}},
		{"included", "connected, networks included", ocserv{lines: splitRoutes}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w, u := newTrafficWorld(t)
			if w == nil {
				return
			}
			w.startOcserv(t, c.o)
			a := w.startAgent()
			w.connect("vpn4.lab.example")
			u.expect(t, c.phase, may(t, c.phase))
			if c.name == "local access" { // of the networks that are there: what was local elsewhere is not
				w.ip(w.client, "addr del 192.168.7.2/24 dev wan0", "addr add 192.168.8.2/24 dev wan0")
				time.Sleep(500 * time.Millisecond)
				u.expect(t, "in another local network", []string{"multicast", "broadcast"})
				w.ip(w.client, "addr add 192.168.7.2/24 dev wan0")
			}
			if r := w.cli("", "disconnect"); r.exit != 0 {
				t.Errorf("disconnect: %+v", r)
			}
			u.expect(t, "disconnected", may(t, "after `rescue`"))
			_ = a.cmd.Process.Signal(syscall.SIGTERM)
			_ = a.cmd.Wait()
		})
	}
}
