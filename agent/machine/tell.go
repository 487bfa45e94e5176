package machine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// Told is one step as a timeline tells it: cause, evidence, decision, cost.
type Told struct {
	Phase    Phase // after the step
	Event    EventKind
	Reason   Reason // ReasonNone where there was nothing to decide
	Evidence string
	Effects  []string      // by kind, in order, without notices of a changed state
	Took     time.Duration // from the start of what the event answers, 0 where it answers nothing
	Fault    fault.Code    // of what failed; "" where nothing did
	Level    Level         // of the reconnect that ends with the step; LevelNone where none does
	Outage   time.Duration // for how long that kept packets from travelling
}

// Tell puts one step in words. before is the State that Step was called with, s and fx are what it returned. It is false for a tick that found nothing to do.
// The agent's timeline and a replay are made of it, so that they read alike.
func Tell(before State, ev Event, s State, fx []Effect) (Told, bool) {
	t := Told{Phase: s.Phase, Event: ev.Kind, Reason: s.Reason, Evidence: ev.evidence(), Took: before.took(ev, s.Now), Fault: ev.Fault.Code}
	for _, f := range fx {
		if f.Kind != FxPublish {
			t.Effects = append(t.Effects, f.Kind.String())
		}
	}
	if r := s.LastReconnect; s.Tunnels+s.Sessions > before.Tunnels+before.Sessions && r.Code != int(ReasonNewMTU) {
		t.Level, t.Outage = r.Level, r.Outage
		noticed := "noticed at once"
		if r.Detected > 0 {
			noticed = "noticed after " + short(r.Detected)
		}
		t.Evidence = sentence(t.Evidence, fmt.Sprintf("%v level, %s without packets, %s", r.Level, short(r.Outage), noticed))
	}
	return t, len(t.Effects) > 0 || before.Phase != s.Phase || ev.Kind != EvTick
}

// Why is the reason in words, nothing where nothing was decided.
func (t Told) Why() string {
	if t.Reason == ReasonNone {
		return ""
	}
	return t.Reason.String()
}

// evidence is the event's own words and what stands in its fields.
func (ev Event) evidence() string {
	where := ""
	switch {
	case ev.Kind == EvNetworkChanged && len(ev.Paths) == 0:
		where = "no network"
	case ev.Kind == EvNetworkChanged:
		var ways []string
		for _, p := range ev.Paths {
			ways = append(ways, p.String())
		}
		where = strings.Join(ways, ", ")
	case ev.Path != (Path{}):
		where = ev.Path.String()
	}
	slept := ""
	if ev.Slept > 0 {
		slept = "asleep for " + short(ev.Slept)
	}
	why := ""
	if c := ev.Fault.Code; c != "" {
		why = string(c) + " " + fault.Lookup(c).Sentence
	}
	return sentence(where, slept, ev.Evidence, why)
}

// sentence joins what there is.
func sentence(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), ": ")
}

// short is a duration without digits that nobody reads.
func short(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	case d < 10*time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	s := d.Round(time.Second).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// took is how long what the event answers has been under way.
func (s State) took(ev Event, now Instant) time.Duration {
	for _, j := range s.Jobs {
		if j.ID == ev.Attempt && ev.Attempt != 0 || ev.Kind == EvTunnelClosed && j.Kind == FxCloseTunnel && j.Tunnel == ev.Tunnel {
			return now.Mono - j.Start
		}
	}
	return 0
}
