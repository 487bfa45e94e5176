package machine

import (
	"net/netip"
	"time"
)

// This file holds what can happen to the world beyond single links and the gateway's life: more ways to reach it, transports, time that passes unseen.

// moreLinks gives the machine IPv6 beside IPv4 and a slow modem that is up.
func (w *world) moreLinks() {
	if len(w.links) > 2 {
		return
	}
	w.links = append(w.links,
		&link{path: Path{IfIndex: 2, Name: "eth0", Local: netip.MustParseAddr("2001:db8:2::10"), NextHop: netip.MustParseAddr("fe80::1")}, up: w.links[0].up},
		&link{path: Path{IfIndex: 3, Name: "wlan0", Local: netip.MustParseAddr("2001:db8:3::7"), NextHop: netip.MustParseAddr("fe80::1")}, up: w.links[1].up},
		&link{path: Path{IfIndex: 4, Name: "wwan0", Local: netip.MustParseAddr("203.0.113.99"), NextHop: netip.MustParseAddr("203.0.113.1")}, up: true, lag: 60 * time.Millisecond},
	)
	w.feed(Event{Kind: EvNetworkChanged, Paths: w.paths()})
}

// datagrams is a new tunnel's DTLS coming up beside TLS, where UDP gets through.
func (w *world) datagrams(t *tunnel) {
	w.after(200*time.Millisecond, func() { w.carrier(t, w.gw.udp && !w.gw.noUDP) })
}

// carrier is a tunnel whose packets find another transport by themselves.
func (w *world) carrier(t *tunnel, dtls bool) {
	if w.flows(t) && t.dtls != dtls {
		t.dtls = dtls
		w.feed(Event{Kind: EvCarrierChanged, Tunnel: t.id, Evidence: map[bool]string{true: "dtls", false: "tls: UDP is not answered"}[dtls]})
	}
}

// udp blocks UDP or lets it through. The tunnel notices a block by silence, moves to TLS and would like a new tunnel, as package cstp does; it finds the way back at its
// own pace.
func (w *world) udp(passes bool) {
	w.gw.udp, w.gw.noUDP = true, !passes
	t := w.tunnels[w.s.Tunnel]
	if t == nil {
		return
	}
	if passes {
		w.after(20*time.Second, func() { w.carrier(t, !w.gw.noUDP) })
		return
	}
	w.after(300*time.Millisecond, func() {
		if w.carrier(t, !w.gw.noUDP); w.flows(t) && w.gw.noUDP {
			w.feed(Event{Kind: EvRenewDue, Tunnel: t.id, Evidence: "the gateway may still send by UDP, where nothing arrives"})
		}
	})
}

// freeze stops the process and not the world: both clocks go on, and nothing that was due in between has been heard of. The agent sees it by a timer that is late.
func (w *world) freeze(arg string) {
	d, err := time.ParseDuration(arg)
	if err != nil {
		d = 10 * time.Second
	}
	w.now.Mono, w.frozen = w.now.Mono+d, w.frozen+d
	w.now.Boot += d
	w.kept.good = 0 // who stands still cannot keep a promise
	w.forget()
	if d > 2*time.Second {
		w.feed(Event{Kind: EvResumed})
	}
	w.sense()
}

// crowd is what other programs do to a machine's network: forty changes of which none is about our way.
func (w *world) crowd() {
	for i := range 40 {
		w.after(time.Duration(i)*10*time.Millisecond, func() { w.feed(Event{Kind: EvNetworkChanged, Paths: w.paths()}) })
	}
}
