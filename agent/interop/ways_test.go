package interop

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// TestOnlyTheDifference: a gateway that gives other routes when the session comes back has those applied, and nothing else of the host is touched.
func TestOnlyTheDifference(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	g := w.startOcserv(t, ocserv{lines: append([]string{"route = 10.77.0.0/255.255.0.0"}, splitRoutes...)})
	w.startAgent()
	w.connect("vpn4.lab.example")
	was := w.state()
	watch := w.watchHost()
	g.change(t, "route = 10.77.0.0/255.255.0.0", "route = 10.78.0.0/255.255.0.0")
	g.killWorkers(t)
	is := w.waitState(10*time.Second, "back", func(s ipc.State) bool { return s.State == "connected" && s.LastReconnect != nil })
	if is.LastReconnect.Level != "session" || is.LastReconnect.Code != 6 || strings.Join(is.Addresses, " ") != strings.Join(was.Addresses, " ") || is.Interface != was.Interface {
		t.Errorf("%+v, addresses %v", is.LastReconnect, is.Addresses)
	}
	said := watch.take()
	for _, l := range said {
		if !strings.Contains(l, "10.77.0.0/16") && !strings.Contains(l, "10.78.0.0/16") {
			t.Errorf("touched: %s", l)
		}
	}
	if len(said) != 2 {
		t.Errorf("the difference is one route less and one more:\n%s", strings.Join(said, "\n"))
	}
	w.reachesInside()
}

// TestOtherFamily: a session that goes by IPv6 goes on by IPv4 where only that is left, and the other way round, on one uplink and on another.
func TestOtherFamily(t *testing.T) {
	t.Parallel()
	w, _ := newUplinksWorld(t)
	if w == nil {
		return
	}
	g := w.startOcserv(t, ocserv{psk: true, lines: splitRoutes})
	w.startAgent()
	w.connect("vpn.lab.example")
	was := w.travels("dtls", 5*time.Second)
	logins := g.logins(t)
	at := func(family string) func(ipc.State) bool {
		return func(s ipc.State) bool { return uses(s) && strings.HasPrefix(s.Gateway, "[") == (family == "IPv6") }
	}
	if !at("IPv6")(was) {
		t.Fatalf("at first at %s", was.Gateway)
	}
	for _, s := range []step{
		{name: "IPv6 goes", do: func() { w.ip(w.client, "addr del 2001:db8:1::2/64 dev wan0") }, settles: at("IPv4"), code: 151, session: 1},
		{name: "only IPv6 is there", do: func() {
			w.ip(w.client, "addr add 2001:db8:1::2/64 dev wan0 nodad", "route replace default via 2001:db8:1::1 dev wan0", "addr del 192.0.2.2/24 dev wan0")
		}, settles: at("IPv6"), code: 151, session: 1},
		{name: "another uplink, with IPv4 only", do: func() {
			w.ip(w.client, "link set wan0 down")
			w.plug(100)
		}, settles: at("IPv4"), code: 151, session: 1},
	} {
		w.take(s)
	}
	if is := w.state(); g.logins(t) != logins || strings.Join(is.Addresses, " ") != strings.Join(was.Addresses, " ") {
		t.Errorf("%d logins, then %d; %v, then %v", logins, g.logins(t), was.Addresses, is.Addresses)
	}
}

// TestConnectBesideADeadUplink: the uplink that the system likes best leads nowhere when the user connects; the login goes by the other one, and so do the datagrams.
func TestConnectBesideADeadUplink(t *testing.T) {
	t.Parallel()
	w, _ := newUplinksWorld(t)
	if w == nil {
		return
	}
	w.startOcserv(t, ocserv{psk: true, lines: splitRoutes})
	w.startAgent()
	w.sever(w.router, true)
	w.plug(600)
	w.before = testenv.Dump(t, w.client)
	begun := time.Now()
	w.connect("vpn4.lab.example")
	if took := time.Since(begun); took > 6*time.Second {
		t.Errorf("it took %v", took)
	}
	w.travels("dtls", 5*time.Second)
	w.carries()
	if r := w.cli("", "timeline"); !strings.Contains(r.out, "wifi0") {
		t.Errorf("not by the other uplink:\n%s", r.out)
	}
}
