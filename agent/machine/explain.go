package machine

import (
	"fmt"
	"strings"
)

// Explain puts one step in a line of text: the phases, the event with its evidence, the decision, the effects. before is the phase that Step was called in, s and fx
// are what it returned. Notices of a changed state are left out. The demo's timeline, a replay and the simulator's goldens read like this:
//
//	connected > reconnecting | carrier-down tunnel 1 NET-005 | (6) the connection to the gateway broke: … | stop-pump, start-reach 7 eth0
func Explain(before Phase, ev Event, s State, fx []Effect) string {
	var b strings.Builder
	b.WriteString(before.String())
	if s.Phase != before {
		b.WriteString(" > " + s.Phase.String())
	}
	b.WriteString(" | " + ev.String())
	if s.Reason != ReasonNone {
		fmt.Fprintf(&b, " | (%d) %v", s.Reason, s.Reason)
	} else {
		b.WriteString(" | -")
	}
	sep := " | "
	for _, f := range fx {
		if f.Kind == FxPublish {
			continue
		}
		b.WriteString(sep + f.String())
		sep = ", "
	}
	return b.String()
}

// String is the event with what identifies it and its evidence.
func (ev Event) String() string {
	var b strings.Builder
	b.WriteString(ev.Kind.String())
	number(&b, "", ev.Attempt)
	number(&b, " tunnel", ev.Tunnel)
	number(&b, " prompt", ev.Prompt)
	if ev.Kind == EvNetworkChanged {
		for _, p := range ev.Paths {
			b.WriteString(" " + p.String())
		}
		if len(ev.Paths) == 0 {
			b.WriteString(" offline")
		}
	} else if ev.Path != (Path{}) {
		b.WriteString(" " + ev.Path.String())
	}
	if ev.RTT != 0 {
		fmt.Fprintf(&b, " rtt %v", ev.RTT)
	}
	if ev.Slept != 0 {
		fmt.Fprintf(&b, " slept %v", ev.Slept)
	}
	if ev.Fault.Code != "" {
		b.WriteString(" " + string(ev.Fault.Code))
	}
	if ev.Evidence != "" {
		b.WriteString(" (" + ev.Evidence + ")")
	}
	return b.String()
}

// String is the effect with what identifies it.
func (fx Effect) String() string {
	var b strings.Builder
	b.WriteString(fx.Kind.String())
	number(&b, "", fx.Attempt)
	number(&b, " on", fx.Reach)
	number(&b, " tunnel", fx.Tunnel)
	number(&b, " prompt", fx.Prompt)
	if fx.Server != 0 {
		fmt.Fprintf(&b, " server %d", fx.Server)
	}
	if fx.Path != (Path{}) {
		b.WriteString(" " + fx.Path.String())
	}
	if fx.Kind == FxCloseTunnel {
		b.WriteString(" " + fx.Close.String())
	}
	if fx.Fault.Code != "" {
		b.WriteString(" " + string(fx.Fault.Code))
	}
	return b.String()
}

// String is the interface and the address used on it.
func (p Path) String() string {
	switch {
	case p == Path{}:
		return "any"
	case !p.Local.IsValid():
		return p.Name
	}
	return p.Name + "/" + p.Local.String()
}

// String says which goodbye it is.
func (c Close) String() string {
	switch c {
	case CloseUser:
		return "for good"
	case CloseReconnect:
		return "to come back"
	}
	return "without a word"
}

// number appends a number unless it is none.
func number(b *strings.Builder, label string, id ID) {
	if id != 0 {
		fmt.Fprintf(b, "%s %d", label, id)
	}
}
