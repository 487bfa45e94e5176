package checkup

import (
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// causes is the order of blame: what comes first breaks what comes later. A portal answers in the gateway's place; a wrong clock breaks the certificate; packets
// that do not fit break the handshake.
var causes = []string{Link, DNS, Portal, Clock, MTU, TCP, TLS, Certificate, Gateway}

// drift is how far two clocks may be apart before it is worth a word.
const drift = 2 * time.Minute

// Judge makes the report. It leaves Target and Session to the caller.
func Judge(o Observations) Report {
	r := Report{Layers: []Layer{
		o.link(), o.portal(), o.dns(), o.tcp(), o.tls(), o.certificate(), o.gateway(), o.udp(), o.mtu(), o.clock(),
	}}
	blamed := -1
	for _, name := range causes {
		i := slices.IndexFunc(r.Layers, func(l Layer) bool { return l.Layer == name })
		l := &r.Layers[i]
		switch {
		case l.OK || l.Skipped:
		case blamed < 0:
			blamed = i
		default:
			l.Skipped = true // a consequence, or not to be known before the cause is mended
		}
	}
	for i := range r.Layers {
		r.Layers[i].Detail = fault.Clean(r.Layers[i].Detail)
	}
	switch {
	case blamed < 0 && o.Hello.Elsewhere != "":
		r.Verdict = Verdict{Message: "the way is clear, and the gateway sends us on", Hint: fault.Clean("look there too: holdfast doctor " + o.Hello.Elsewhere)}
		return r
	case blamed < 0:
		r.Verdict = Verdict{Message: "nothing stands in the way of a login", Hint: "log in with: holdfast connect"}
		return r
	}
	l := r.Layers[blamed]
	r.Verdict = Verdict{Layer: l.Layer, Code: l.Code, Message: fault.Clean(titles[l.Layer] + ": " + l.Detail), Hint: hint(l)}
	return r
}

// titles begin a verdict.
var titles = map[string]string{
	Link: "link", Portal: "captive portal", DNS: "name resolution", TCP: "connection", TLS: "TLS", Certificate: "certificate", Gateway: "gateway", MTU: "packet size", Clock: "clock",
}

// hints stand where those of the registry speak of a session.
var hints = map[fault.Code]string{
	fault.NetNoPath:  "connect this machine to a network: cable, Wi-Fi, mobile",
	fault.NetNoRoute: "check that this machine has a default route: its network may still be starting",
	fault.NetLost:    "try again; if it stays, something on the way cuts the connection",
	fault.NetTimeout: "try again, with more time: --timeout",
}

func hint(l Layer) string {
	if l.Layer == DNS && l.Code == fault.NetSilent {
		return "check that this machine knows the name servers of its network"
	}
	if h := hints[l.Code]; h != "" {
		return h
	}
	return fault.Lookup(l.Code).Hint
}

// ok, failed and open are the three kinds of row.
func ok(layer string, took time.Duration, format string, args ...any) Layer {
	return Layer{Layer: layer, OK: true, Detail: fmt.Sprintf(format, args...), TookMS: took.Milliseconds()}
}

func failed(layer string, took time.Duration, f *fault.Error) Layer {
	detail := fault.Lookup(f.Code).Sentence
	if f.Detail != "" {
		detail += ": " + f.Detail
	}
	return Layer{Layer: layer, Detail: detail, TookMS: took.Milliseconds(), Code: f.Code}
}

func open(layer string, format string, args ...any) Layer {
	return Layer{Layer: layer, Skipped: true, Detail: fmt.Sprintf(format, args...)}
}

// Best is the path that a report speaks of: the first that went furthest.
func (o Observations) Best() (Path, bool) {
	if len(o.Paths) == 0 {
		return Path{}, false
	}
	return slices.MaxFunc(o.Paths, func(a, b Path) int { return a.reached() - b.reached() }), true
}

// reached ranks how far a path went.
func (p Path) reached() int {
	switch {
	case p.believed() && !p.Small:
		return 6
	case p.believed():
		return 5
	case p.Secured:
		return 4
	case p.Refused == nil:
		return 3
	case p.Refused.Code == fault.NetRefused:
		return 2
	case !p.NoRoute:
		return 1
	}
	return 0
}
