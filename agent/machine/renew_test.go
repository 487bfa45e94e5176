package machine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// TestAFastNewWayDoesNotHurryASlowOldOne: the old carrier gets three of its own round trips where those are longer than the new way's.
func TestAFastNewWayDoesNotHurryASlowOldOne(t *testing.T) {
	s, now := up(t, Policy{AutoReconnect: true})
	wait := func(d time.Duration) { now.Mono, now.Boot = now.Mono+d, now.Boot+d }
	probe := func() (id ID) {
		for _, j := range s.Jobs {
			if j.Kind == FxProbe {
				id = j.ID
			}
		}
		return id
	}
	s, _ = Step(s, Event{Kind: EvSilence, Tunnel: 1}, now)
	wait(140 * time.Millisecond)
	s, _ = Step(s, Event{Kind: EvProbed, Attempt: probe(), Tunnel: 1, RTT: 140 * time.Millisecond}, now)
	if s.Probing {
		t.Fatal("still in doubt")
	}
	s, _ = Step(s, Event{Kind: EvSilence, Tunnel: 1}, now)
	wait(210 * time.Millisecond) // before that it is asked alone
	s, _ = Step(s, Event{Kind: EvTick}, now)
	reach := s.LastID
	wait(30 * time.Millisecond)
	s, _ = Step(s, Event{Kind: EvReached, Attempt: reach, RTT: 10 * time.Millisecond}, now)
	wait(170 * time.Millisecond)
	if s, _ = Step(s, Event{Kind: EvTick}, now); s.Phase != Connected {
		t.Errorf("%v after 410 ms", s.Phase)
	}
	wait(11 * time.Millisecond)
	if s, _ = Step(s, Event{Kind: EvTick}, now); s.Phase != Reconnecting {
		t.Errorf("%v after 421 ms", s.Phase)
	}
}

// TestRenewIsOurs: a tunnel that we want to replace is not called the gateway's wish, and new keys are no reconnect.
func TestRenewIsOurs(t *testing.T) {
	s, now := up(t, Policy{})
	s, fx := Step(s, Event{Kind: EvKeysChanged, Tunnel: 1}, now)
	if s.Reason != ReasonKeys || len(fx) != 1 || s.Tunnels+s.Sessions != 0 {
		t.Errorf("new keys: %v, %v", s.Reason, fx)
	}
	s, fx = Step(s, Event{Kind: EvRenewDue, Tunnel: 1}, now)
	if s.Reason != ReasonRenew || s.Phase != Connected || !s.Pump || !has(fx, FxStartReach) {
		t.Fatalf("%v in %v, %v", s.Reason, s.Phase, fx)
	}
	s, _ = Step(s, Event{Kind: EvReached, Attempt: s.LastID}, now)
	s, _ = Step(s, Event{Kind: EvRebound, Attempt: s.LastID, Tunnel: s.LastID, Plan: NetPlan{MTU: 1400}}, now)
	if s.Phase != Connected || s.LastReconnect.Code != int(ReasonRenew) || s.Planned {
		t.Errorf("%v, %+v", s.Phase, s.LastReconnect)
	}
}

// TestRekey: the old tunnel works until the commit, is told that we come back, and where nothing answers it simply goes on.
func TestRekey(t *testing.T) {
	s, now := up(t, Policy{})
	s, fx := Step(s, Event{Kind: EvRekeyDue, Tunnel: 1}, now)
	if s.Phase != Connected || !s.Pump || !has(fx, FxStartReach) || has(fx, FxProbe) {
		t.Fatalf("%v %v", s.Phase, fx)
	}
	if later, _ := Step(s, Event{Kind: EvReachFailed, Attempt: s.LastID, Fault: faultOf(fault.NetRefused)}, now); later.Phase != Connected || !later.Planned {
		t.Errorf("a refusal: %v", later.Phase)
	}
	s, _ = Step(s, Event{Kind: EvReached, Attempt: s.LastID}, now)
	commit := s.LastID
	// The gateway ends the old tunnel before it has answered on the new one.
	s, fx = Step(s, Event{Kind: EvServerClosed, Tunnel: 1}, now)
	if s.Phase != Reconnecting || s.Closed || len(fx) > 1 {
		t.Errorf("the old tunnel's end: %v %v", s.Phase, fx)
	}
	s, fx = Step(s, Event{Kind: EvRebound, Attempt: commit, Tunnel: commit, Plan: NetPlan{MTU: 1400}}, now)
	if s.Phase != Connected || s.Tunnels != 1 || s.LastReconnect.Code != int(ReasonRekey) || s.Planned {
		t.Errorf("%v %+v", s.Phase, s.LastReconnect)
	}
	if got := fmt.Sprint(fx); !strings.Contains(got, "close-tunnel tunnel 1") {
		t.Error(got)
	}
}
