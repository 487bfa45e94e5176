package machine

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// TestTell: a timeline names the cause, its evidence, what was decided and what it cost; it leaves out ticks that found nothing to do, and notices of a changed state.
func TestTell(t *testing.T) {
	s, now := up(t, Policy{AutoReconnect: true})
	tell := func(after time.Duration, ev Event) (Told, bool) {
		before := s
		now.Mono, now.Boot = now.Mono+after, now.Boot+after
		var fx []Effect
		s, fx = Step(s, ev, now)
		return Tell(before, ev, s, fx)
	}
	if _, ok := tell(time.Second, Event{Kind: EvTick}); ok {
		t.Error("a tick that found nothing to do is told")
	}
	down, _ := tell(0, Event{Kind: EvCarrierDown, Tunnel: 1, Fault: faultOf(fault.NetLost), Evidence: "read: connection reset"})
	if down.Phase != Reconnecting || down.Reason != ReasonDisrupted || down.Evidence != "read: connection reset: NET-005 the connection to the gateway was lost" ||
		strings.Join(down.Effects, " ") != "stop-pump start-reach" || down.Took != 0 {
		t.Errorf("a loss: %+v", down)
	}
	reached, _ := tell(62*time.Millisecond, Event{Kind: EvReached, Attempt: s.LastID, Path: eth, RTT: time.Millisecond})
	if reached.Took != 62*time.Millisecond || !strings.HasPrefix(reached.Evidence, "eth0/192.0.2.10") {
		t.Errorf("a reach: %+v", reached)
	}
	back, _ := tell(20*time.Millisecond, Event{Kind: EvRebound, Attempt: s.LastID, Tunnel: s.LastID, Path: eth, Plan: s.Plan})
	if back.Took != 20*time.Millisecond || back.Evidence != "eth0/192.0.2.10: tunnel level, 82 ms without packets, noticed at once" {
		t.Errorf("the end of it: %+v", back)
	}
	for _, ev := range []struct {
		ev   Event
		want string
	}{
		{Event{Kind: EvNetworkChanged, Paths: []Path{eth, {Name: "wlan0"}}}, "eth0/192.0.2.10, wlan0"},
		{Event{Kind: EvNetworkChanged}, "no network"},
		{Event{Kind: EvResumed, Slept: 8 * time.Hour, Evidence: "told by the system"}, "asleep for 8h: told by the system"},
		{Event{Kind: EvResumed, Slept: 90*time.Minute + 4*time.Second}, "asleep for 1h30m4s"},
		{Event{Kind: EvTick}, ""},
	} {
		if got := ev.ev.evidence(); got != ev.want {
			t.Errorf("%v: %q, want %q", ev.ev, got, ev.want)
		}
	}
	if (Told{}).Why() != "" || (Told{Reason: ReasonAlive}).Why() == "" {
		t.Error("why")
	}
}
