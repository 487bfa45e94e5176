package machine

import (
	"net/netip"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// heir is a machine that has just adopted a session, and what it asked for.
func heir(t *testing.T, change func(*Event)) (State, []Effect, Event, Instant) {
	t.Helper()
	now := Instant{Mono: 2 * time.Hour, Boot: 3 * time.Hour}
	path := Path{IfIndex: 2, Name: "eth0", Local: netip.MustParseAddr("192.0.2.10")}
	s, _ := Step(New(1), Event{Kind: EvNetworkChanged, Paths: []Path{path}}, now)
	ev := Event{
		Kind: EvAdopted, Policy: Policy{AutoReconnect: true}, Plan: NetPlan{Addr4: netip.MustParsePrefix("10.9.0.2/24"), MTU: 1400}, Path: path,
		Limits: Limits{Session: 8 * time.Hour, Disconnected: time.Minute}, Kept: Kept{Login: time.Hour, Expires: 9 * time.Hour, Tunnels: 3, Sessions: 2, Last: Reconnect{Code: 9}},
	}
	if change != nil {
		change(&ev)
	}
	s, fx := Step(s, ev, now)
	if bad := broken(s, now); len(bad) > 0 {
		t.Fatal(bad)
	}
	return s, fx, ev, now
}

// effect returns the number of the first effect of a kind.
func effect(t *testing.T, fx []Effect, k EffectKind) ID {
	t.Helper()
	for _, f := range fx {
		if f.Kind == k {
			return f.Attempt
		}
	}
	t.Fatalf("no %v in %v", k, fx)
	return 0
}

// TestAdoptedKeeps what there was: the session's beginning, end and counters.
func TestAdoptedKeeps(t *testing.T) {
	s, fx, _, now := heir(t, nil)
	end, ok := s.Expires()
	if s.Phase != Reconnecting || s.Reason != ReasonRestarted || s.Login.Boot != time.Hour || !ok || end != 9*time.Hour || s.Tunnels != 3 || s.Sessions != 2 || s.LastReconnect.Code != 9 {
		t.Errorf("%+v", s)
	}
	effect(t, fx, FxApplyNetwork)
	effect(t, fx, FxStartReach)
	if s, _ := Step(s, Event{Kind: EvTick}, Instant{now.Mono + 61*time.Second, now.Boot + 61*time.Second}); s.Phase != Disconnecting || s.Reason != ReasonLostTime {
		t.Errorf("after the gateway's patience: %v, %v", s.Phase, s.Reason)
	}
}

// TestAdoptedInAnyOrder: the host and the gateway answer in either order; packets flow when both have, and the host is changed once.
func TestAdoptedInAnyOrder(t *testing.T) {
	for _, hostFirst := range []bool{true, false} {
		s, fx, ev, now := heir(t, nil)
		apply, reach := effect(t, fx, FxApplyNetwork), effect(t, fx, FxStartReach)
		applies := 0
		step := func(e Event) (out []Effect) {
			now.Mono, now.Boot = now.Mono+10*time.Millisecond, now.Boot+10*time.Millisecond
			s, out = Step(s, e, now)
			for _, f := range out {
				if f.Kind == FxApplyNetwork {
					applies++
				}
			}
			if bad := broken(s, now); len(bad) > 0 {
				t.Fatal(bad)
			}
			return out
		}
		if hostFirst {
			step(Event{Kind: EvNetworkApplied, Attempt: apply})
		}
		commit := effect(t, step(Event{Kind: EvReached, Attempt: reach, Path: ev.Path, RTT: time.Millisecond}), FxCommit)
		step(Event{Kind: EvRebound, Attempt: commit, Tunnel: commit, Plan: ev.Plan, Limits: ev.Limits, Path: ev.Path})
		if !hostFirst {
			if s.Phase != Establishing {
				t.Errorf("the gateway was first: %v", s.Phase)
			}
			step(Event{Kind: EvNetworkApplied, Attempt: apply})
		}
		if s.Phase != Connected || applies != 0 || s.Tunnels != 4 || s.LastReconnect.Code != int(ReasonRestarted) || s.LastReconnect.Level != LevelTunnel {
			t.Errorf("host first %t: %v after %d changes, last %+v", hostFirst, s.Phase, applies, s.LastReconnect)
		}
	}
}

// TestAdoptedOtherSettings: the gateway gives others than there were. What is under way for the old ones is given up.
func TestAdoptedOtherSettings(t *testing.T) {
	s, fx, ev, now := heir(t, nil)
	s, fx2 := Step(s, Event{Kind: EvReached, Attempt: effect(t, fx, FxStartReach), Path: ev.Path, RTT: time.Millisecond}, now)
	commit := effect(t, fx2, FxCommit)
	ev.Plan.MTU = 1300
	s, fx3 := Step(s, Event{Kind: EvRebound, Attempt: commit, Tunnel: commit, Plan: ev.Plan, Limits: ev.Limits, Path: ev.Path}, now)
	if effect(t, fx3, FxCancelAttempt) != effect(t, fx, FxApplyNetwork) || s.Phase != Establishing {
		t.Errorf("%v: %v", s.Phase, fx3)
	}
	if s, _ = Step(s, Event{Kind: EvNetworkApplied, Attempt: effect(t, fx3, FxApplyNetwork)}, now); s.Phase != Connected || s.Applied != ev.Plan {
		t.Errorf("%v with %+v", s.Phase, s.Applied)
	}
}

// TestAdoptedEnds: what ends a session ends this one too, with everything undone.
func TestAdoptedEnds(t *testing.T) {
	for name, ev := range map[string]Event{
		"its owner": {Kind: EvDisconnectRequested}, "the agent": {Kind: EvShutdown}, "the device was taken away": {Kind: EvDeviceGone},
		"the host": {Kind: EvApplyFailed, Fault: faultOf(fault.HostTun)},
	} {
		s, fx, _, now := heir(t, nil)
		if ev.Kind == EvApplyFailed {
			ev.Attempt = effect(t, fx, FxApplyNetwork)
		}
		s, fx = Step(s, ev, now)
		revert := effect(t, fx, FxRevertNetwork)
		effect(t, fx, FxDropSession)
		if s, _ = Step(s, Event{Kind: EvReverted, Attempt: revert}, now); s.Phase != Disconnected {
			t.Errorf("%s: %v", name, s.Phase)
		}
	}
	s, _, _, now := heir(t, func(ev *Event) { ev.Kept.Expires = time.Hour }) // whoever asks should have looked
	if s, _ = Step(s, Event{Kind: EvTick}, Instant{now.Mono + 1, now.Boot + 1}); s.Phase != Disconnecting || s.Reason != ReasonSessionTime {
		t.Errorf("a session that is over: %v, %v", s.Phase, s.Reason)
	}
}

// TestAdoptedOnce: only a machine that is down takes a session up.
func TestAdoptedOnce(t *testing.T) {
	s, _, ev, now := heir(t, nil)
	if _, fx := Step(s, ev, now); len(fx) != 0 {
		t.Errorf("twice: %v", fx)
	}
	s, _ = Step(New(1), Event{Kind: EvShutdown}, now)
	if s, fx := Step(s, ev, now); s.Phase != Disconnected || s.Session {
		t.Errorf("an agent that stops: %v", fx)
	}
}
