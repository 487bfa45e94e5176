package demo

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol/gateway"
)

// Bounds of an order.
const (
	maxOrder  = 64 // bytes
	leastTime = 100 * time.Millisecond
	mostTime  = 10 * time.Minute
	// udpHeaders is what is before a datagram in an IPv4 packet.
	udpHeaders = 20 + 8
)

// order is one line for a rehearsal: what breaks, with its value where that is a number or a time, and for how long.
type order struct {
	what  string
	value int
	late  time.Duration
	lasts time.Duration // 0 for what is over at once
}

// trouble is what an order does. end mends it and is nil for what is over at once.
type trouble struct {
	timed bool
	help  string
	begin func(r *stage, o order) (end func())
}

// troubles are the orders that there are, by name.
var troubles = map[string]trouble{
	"restart=keep": {true, "the gateway is away, and then has its sessions", func(r *stage, _ order) func() { r.g.Restart(true); return r.back }},
	"restart=lose": {true, "the gateway is away, and then knows nobody", func(r *stage, _ order) func() { r.g.Restart(false); return r.back }},
	"gateway=refuse": {true, "new connections are closed", func(r *stage, o order) func() {
		r.g.Refuse(o.lasts)
		return func() { r.g.Refuse(0) }
	}},
	"udp=drop": {true, "UDP is lost", func(r *stage, _ order) func() {
		r.g.BlockUDP(true)
		return func() { r.g.BlockUDP(false) }
	}},
	"udp=refuse":  {true, "the UDP port is closed", func(r *stage, _ order) func() { r.g.RefuseUDP(); return r.back }},
	"dtls=hang":   {false, "DTLS goes dumb", func(r *stage, _ order) func() { r.g.HangDTLS(); return nil }},
	"dtls=forget": {false, "DTLS is forgotten", func(r *stage, _ order) func() { r.g.DropDTLS(); return nil }},
	"tls=hang":    {false, "TLS goes dumb", func(r *stage, _ order) func() { r.g.HangTLS(); return nil }},
	"tls=close":   {false, "every connection is closed", func(r *stage, _ order) func() { r.g.DropConnections(); return nil }},
	"connect=503": {true, "the token is answered by 503", misbehaves(gateway.Misdeed{Kind: gateway.Unavailable, Reason: "Rehearsal"}, gateway.StageConnect)},
	"connect=401": {true, "the token is answered by 401", misbehaves(gateway.Misdeed{Kind: gateway.Unauthorized}, gateway.StageConnect)},
	"connect=html": {true, "the token is answered by a web page, as a portal does",
		misbehaves(gateway.Misdeed{Kind: gateway.HTML}, gateway.StageConnect)},
	"login=503": {true, "logins are answered by 503", misbehaves(gateway.Misdeed{Kind: gateway.Unavailable, Reason: "Rehearsal"}, gateway.StageLogin)},
	"late=":     {true, "every answer comes so much later: late=3s,30s", late},
	"mtu=": {true, "longer UDP packets are lost: mtu=1280,30s", func(r *stage, o order) func() {
		r.g.LimitUDP(o.value - udpHeaders)
		return func() { r.g.LimitUDP(0) }
	}},
	"session=revoke": {false, "every session is forgotten", each(func(g *gateway.Gateway, id uint32) { g.Revoke(id) })},
	"session=kick":   {false, "every session is ended, as by an administrator", each(func(g *gateway.Gateway, id uint32) { g.Kick(id) })},
	"address=change": {false, "every session gets other addresses, by a new connection", func(r *stage, _ order) func() {
		r.g.Renumber()
		r.g.DropConnections()
		return nil
	}},
}

// misbehaves answers some requests wrongly.
func misbehaves(m gateway.Misdeed, stages ...gateway.Stage) func(*stage, order) func() {
	return func(r *stage, _ order) func() {
		for _, s := range stages {
			r.g.Misbehave(s, &m)
		}
		return func() {
			for _, s := range stages {
				r.g.Misbehave(s, nil)
			}
		}
	}
}

// late has every request answered later.
func late(r *stage, o order) func() {
	return misbehaves(gateway.Misdeed{Kind: gateway.Late, Delay: o.late}, gateway.StageLogin, gateway.StageConnect)(r, o)
}

// each does something to every session.
func each(do func(*gateway.Gateway, uint32)) func(*stage, order) func() {
	return func(r *stage, _ order) func() {
		for _, s := range r.g.Sessions() {
			do(r.g, s.ID)
		}
		return nil
	}
}

// parseOrder reads a line: NAME=VALUE, then a comma and a time where it lasts. why says what is wrong with it.
func parseOrder(line string) (o order, why string) {
	if len(line) > maxOrder {
		return o, "the line is too long"
	}
	what, lasts, timed := strings.Cut(line, ",")
	o.what = what
	name, value, _ := strings.Cut(what, "=")
	ok := true
	switch name {
	case "late":
		o.what = "late="
		o.late, ok = orderTime(value)
	case "mtu":
		o.what = "mtu="
		var err error
		o.value, err = strconv.Atoi(value)
		ok = err == nil && o.value >= 576 && o.value <= 1500
	}
	b, known := troubles[o.what]
	switch {
	case !known:
		return o, fmt.Sprintf("there is no %q; help lists what there is", what)
	case !ok:
		return o, fmt.Sprintf("%q has no value that fits", what)
	case b.timed != timed && b.timed:
		return o, fmt.Sprintf("how long is missing: %s,10s", what)
	case b.timed != timed:
		return o, fmt.Sprintf("%q takes no time", what)
	}
	if b.timed {
		if o.lasts, ok = orderTime(lasts); !ok {
			return o, fmt.Sprintf("a time is from %v to %v", leastTime, mostTime)
		}
	}
	return o, ""
}

func orderTime(s string) (time.Duration, bool) {
	d, err := time.ParseDuration(s)
	return d, err == nil && leastTime <= d && d <= mostTime
}

// orderHelp lists what there is.
func orderHelp() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(troubles)) {
		what := name
		switch {
		case strings.HasSuffix(name, "="):
			what = name + "…,TIME"
		case troubles[name].timed:
			what += ",TIME"
		}
		fmt.Fprintf(&b, "%-24s %s\n", what, troubles[name].help)
	}
	fmt.Fprintf(&b, "%-24s %s\n", "off", "everything is mended")
	return b.String()
}
