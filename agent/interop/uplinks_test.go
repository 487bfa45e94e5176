package interop

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// newUplinksWorld is a world whose client has a second uplink, wifi0, by a NAT router of its own, down at first. Its first one gives way to metrics.
//
//	          wan0 192.0.2.2 --- router (NAT) ---.
//	client                                       gateway --- inside
//	          wifi0 203.0.113.2 - other (NAT) ---'
func newUplinksWorld(t *testing.T) (w *world, other *testenv.NS) {
	if w = newWorld(t); w == nil {
		return nil, nil
	}
	other = testenv.NewNS(t, "other")
	testenv.Veth(t, w.client, "wifi0", other, "lan0")
	testenv.Veth(t, other, "net0", w.gateway, "net1")
	w.ip(w.gateway, "addr add 198.18.0.1/24 dev net1")
	w.ip(other, "addr add 203.0.113.1/24 dev lan0", "addr add 198.18.0.2/24 dev net0", "route add 198.51.100.0/24 via 198.18.0.1")
	other.Sysctl(t, "ipv4.ip_forward", "1")
	other.Run(t, "nft", "add table ip nat; add chain ip nat post { type nat hook postrouting priority 100; }; add rule ip nat post oifname net0 masquerade")
	w.ip(w.client, "link set wifi0 down", "route del default via 192.0.2.1", "route add default via 192.0.2.1 metric 300")
	w.before = testenv.Dump(t, w.client)
	return w, other
}

// plug brings the second uplink.
func (w *world) plug(metric int) {
	w.ip(w.client, "link set wifi0 up", "addr replace 203.0.113.2/24 dev wifi0", fmt.Sprintf("route replace default via 203.0.113.1 dev wifi0 metric %d", metric))
}

// unplug takes it away.
func (w *world) unplug() { w.ip(w.client, "link set wifi0 down", "addr flush dev wifi0") }

// rewire brings the first one back as it was.
func (w *world) rewire() {
	w.ip(w.client, "link set wan0 up", "addr flush dev wan0 scope global", "addr add 192.0.2.2/24 dev wan0", "addr add 2001:db8:1::2/64 dev wan0 nodad",
		"route replace default via 192.0.2.1 dev wan0 metric 300", "route replace default via 2001:db8:1::1 dev wan0")
}

// hostWatch writes down what the kernel says of our device, our routes and our rules.
type hostWatch struct {
	mu    sync.Mutex
	lines []string
}

func (w *world) watchHost() *hostWatch {
	w.t.Helper()
	h := &hostWatch{}
	cmd := w.client.Command("ip", "-o", "monitor", "link", "address", "route", "rule")
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = cmd.Wait() })
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			if l := s.Text(); strings.Contains(l, "holdfast0") || strings.Contains(l, "18502") || strings.Contains(l, "18501") {
				h.mu.Lock()
				h.lines = append(h.lines, l)
				h.mu.Unlock()
			}
		}
	}()
	return h
}

// take returns what was said since the last call.
func (h *hostWatch) take() []string {
	time.Sleep(100 * time.Millisecond) // what was done is said by then
	h.mu.Lock()
	defer h.mu.Unlock()
	lines := h.lines
	h.lines = nil
	return lines
}

// step is one thing that happens to a session that is up, and what must come of it.
type step struct {
	name            string
	do              func()
	settles         func(ipc.State) bool // when it is over
	code            int                  // of the reconnect; 0 for none
	tunnel, session uint64               // at most, and exactly
	silent          bool                 // the machine is not even told of it
	back            func()               // puts the network back; the session may move again
}

// TestUplinks takes one session through everything that a laptop does to it: no login, the same address, nothing of the host touched, levels and codes as they are
// documented, and a TCP download goes on all the while.
func TestUplinks(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"tls", "dtls"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			w, other := newUplinksWorld(t)
			if w == nil {
				return
			}
			g := w.startOcserv(t, ocserv{psk: transport == "dtls", lines: splitRoutes})
			w.startAgent()
			w.connect("vpn4.lab.example")
			was := w.travels(transport, 5*time.Second)
			logins := g.logins(t)
			// Little at a time: by TLS an ocserv worker that has more to send than fits its socket when the path goes keeps the inside addresses' routes from the worker that takes over,
			// until its own connection times out. On a busy machine what piles up in an outage was enough for that.
			wait := w.download("http://10.99.0.2/slow?n=1600000&ms=50&chunk=2048")
			watch := w.watchHost()
			resolv, _ := os.ReadFile("/etc/resolv.conf")
			for _, s := range w.uplinkSteps(other) {
				w.take(s)
			}
			wait()
			w.take(w.silentStep())
			is := w.state()
			if got := g.logins(t); got != logins {
				t.Errorf("%d logins, then %d", logins, got)
			}
			if strings.Join(is.Addresses, " ") != strings.Join(was.Addresses, " ") || is.Interface != was.Interface || is.MTU != was.MTU {
				t.Errorf("%v %s %d, then %v %s %d", was.Addresses, was.Interface, was.MTU, is.Addresses, is.Interface, is.MTU)
			}
			if said := watch.take(); len(said) > 0 {
				t.Errorf("our device, routes or rules were touched:\n%s", strings.Join(said, "\n"))
			}
			if now, _ := os.ReadFile("/etc/resolv.conf"); string(now) != string(resolv) {
				t.Errorf("resolv.conf was touched:\n%s", now)
			}
		})
	}
}

// uplinkSteps is a day with a laptop.
func (w *world) uplinkSteps(other *testenv.NS) []step {
	return []step{
		{name: "containers come and go", do: func() {
			for i := range 10 {
				w.ip(w.client, "link add docker0 type bridge", "addr add 172.17.0.1/16 dev docker0", "link set docker0 up", "link add veth9 type veth peer name veth8",
					"link set veth9 master docker0 up", "link set veth8 up", fmt.Sprintf("route add 172.18.%d.0/24 via 172.17.0.2 dev docker0", i))
				w.ip(w.client, "link del veth9", "link del docker0")
			}
		}, settles: uses, silent: true},
		{name: "the link is down for a second", do: func() {
			w.ip(w.client, "link set wan0 down")
			time.Sleep(time.Second)
			w.rewire()
		}, settles: uses, code: 151, tunnel: 1},
		{name: "another address in the same network", do: func() {
			w.ip(w.client, "addr flush dev wan0 scope global", "addr add 192.0.2.77/24 dev wan0", "route replace default via 192.0.2.1 dev wan0 metric 300")
		}, settles: uses, code: 151, session: 1},
		{name: "an address in another network, the old one a moment longer", do: func() {
			w.ip(w.router, "addr add 192.0.3.1/24 dev lan0")
			w.ip(w.client, "addr add 192.0.3.2/24 dev wan0", "route replace default via 192.0.3.1 dev wan0 metric 300")
			time.Sleep(200 * time.Millisecond)
			w.ip(w.client, "addr del 192.0.2.77/24 dev wan0")
		}, settles: uses, code: 151, session: 1, back: w.rewire},
		{name: "a worse network comes and goes", do: func() {
			w.plug(600)
			time.Sleep(300 * time.Millisecond)
			w.unplug()
		}, settles: uses},
		{name: "a better network comes", do: func() { w.plug(100) }, settles: uses, code: 15, session: 1},
		{name: "it goes again", do: w.unplug, settles: uses, code: 151, session: 1},
		{name: "a better network that leads nowhere", do: func() {
			w.sever(other, true)
			w.plug(100)
			time.Sleep(time.Second)
		}, settles: uses, back: func() { w.unplug(); w.sever(other, false) }},
	}
}

// silentStep has the network in use stop carrying without a word while another is there. It is no part of the day before: where ocserv's worker has more to send by TLS than
// fits the socket, it keeps the old device, and with it the IPv4 route, until that connection times out.
func (w *world) silentStep() step {
	traffic := w.client.Command("sh", "-c", "while :; do curl -s -m 1 http://10.99.0.2/; sleep 0.1; done")
	return step{name: "the network in use stops carrying, and says nothing", do: func() {
		w.plug(600)
		time.Sleep(200 * time.Millisecond)
		if err := traffic.Start(); err != nil {
			w.t.Fatal(err)
		}
		w.sever(w.router, true)
	}, settles: uses, code: 121, session: 1, back: func() {
		w.sever(w.router, false)
		_ = traffic.Process.Kill()
		_ = traffic.Wait()
	}}
}

// sever has a router drop what it should pass on.
func (w *world) sever(n *testenv.NS, on bool) {
	if on {
		n.Run(w.t, "nft", "add table inet cut; add chain inet cut through { type filter hook forward priority 0; policy drop; }")
	} else {
		n.Run(w.t, "nft", "delete table inet cut")
	}
}

// uses reports a session that is up and not in doubt.
func uses(s ipc.State) bool { return s.State == "connected" && !s.Probing }

// take does one step and looks at what came of it.
func (w *world) take(s step) {
	w.t.Helper()
	was := w.state()
	before, at, told := reconnects(was), lastReconnect(was), w.told()
	begun := time.Now()
	s.do()
	w.waitState(15*time.Second, "settled after: "+s.name, func(is ipc.State) bool {
		return s.settles(is) && is.VerifiedAt != nil && is.VerifiedAt.After(begun) && (s.session == 0 || newer(is, at))
	})
	w.carries()
	is := w.state()
	after := reconnects(is)
	if tunnel, session := after.Tunnel-before.Tunnel, after.Session-before.Session; tunnel > s.tunnel || session != s.session {
		w.t.Errorf("%s: %d reconnects of the tunnel and %d of the session, want %d at most and %d\n%s", s.name, tunnel, session, s.tunnel, s.session, w.cli("", "timeline").out)
	}
	if r := is.LastReconnect; newer(is, at) && r.Code != s.code {
		w.t.Errorf("%s: code %d (%s), want %d", s.name, r.Code, r.Reason, s.code)
	}
	if now := w.told(); s.silent && now != told {
		w.t.Errorf("%s: %d changes of the network are told of, %d before", s.name, now, told)
	}
	if is.Prompt != nil {
		w.t.Errorf("%s: the user is asked", s.name)
	}
	w.t.Logf("%s: %v, then %v", s.name, before, after)
	if s.back != nil {
		s.back()
		w.carries()
		w.calm(s)
	}
}

// told is how many changes of the network the timeline has.
func (w *world) told() int { return strings.Count(w.cli("", "timeline").out, "network-changed") }

// carries asks inside by address, over both families. Names are no measure here: a question that is lost is asked at the next server after five seconds.
func (w *world) carries() {
	w.t.Helper()
	for _, url := range []string{"http://10.99.0.2/", "http://[2001:db8:99::2]/"} {
		if out, err := w.get(url); err != nil || !strings.HasPrefix(out, "inside ") {
			w.t.Errorf("%s: %v %s", url, err, out)
		}
	}
}

// calm waits until half a second has gone by with nothing new.
func (w *world) calm(s step) {
	w.t.Helper()
	var is ipc.State
	for since := time.Now(); time.Since(since) < 500*time.Millisecond; {
		now := w.waitState(15*time.Second, "calm after: "+s.name, s.settles)
		if reconnects(now) != reconnects(is) {
			is, since = now, time.Now()
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// newer reports a reconnect that ended after another. The times are made from another clock each time they are shown.
func newer(s ipc.State, than time.Time) bool { return lastReconnect(s).Sub(than) > 20*time.Millisecond }

// reconnects are the counters; zero where there were none.
func reconnects(s ipc.State) ipc.Reconnects {
	if s.Reconnects == nil {
		return ipc.Reconnects{}
	}
	return *s.Reconnects
}

// lastReconnect is when the last one ended.
func lastReconnect(s ipc.State) time.Time {
	if s.LastReconnect == nil {
		return time.Time{}
	}
	return s.LastReconnect.At
}
