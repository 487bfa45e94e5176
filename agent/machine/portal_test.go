package machine

import (
	"slices"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// atPortal is a session on a network whose portal has just been found, and the reach that comes next.
func atPortal(t *testing.T, p Policy) (State, Instant) {
	t.Helper()
	s, now := up(t, p)
	s, _ = Step(s, Event{Kind: EvCarrierDown, Tunnel: 1}, now)
	s, fx := Step(s, Event{Kind: EvReachFailed, Attempt: s.LastID, Path: eth, Fault: faultOf(fault.TLSChanged)}, now)
	if p.IgnorePortals {
		return s, now
	}
	if !has(fx, FxLook) {
		t.Fatalf("no look: %v", fx)
	}
	s, fx = Step(s, Event{Kind: EvLooked, Attempt: s.LastID, Path: eth, Fault: faultOf(fault.NetPortal)}, now)
	if !s.Portal() || s.Err.Code != fault.NetPortal || !has(fx, FxRaiseNotice) || has(fx, FxCommit) {
		t.Fatalf("portal %v, %v, %v", s.Portal(), s.Err, fx)
	}
	return s, now
}

// TestPortalPace: tries come every two seconds for five minutes, then ever more rarely; the portal is told once.
func TestPortalPace(t *testing.T) {
	s, now := atPortal(t, Policy{AutoReconnect: true})
	begun, last, notices := now.Mono, now.Mono, 0
	for now.Mono-begun < 12*time.Minute {
		wait, ok := s.Wait(now)
		if !ok || s.Phase != Reconnecting {
			t.Fatalf("no more tries after %v: %v", now.Mono-begun, s.Phase)
		}
		now.Mono, now.Boot = now.Mono+wait, now.Boot+wait
		var fx []Effect
		s, fx = Step(s, Event{Kind: EvTick}, now)
		for i := 0; i < len(fx); i++ {
			var more []Effect
			switch f := fx[i]; f.Kind {
			case FxStartReach:
				gap := now.Mono - last
				last = now.Mono
				if since := now.Mono - begun; since < 5*time.Minute && (gap < 1500*time.Millisecond || gap > 2500*time.Millisecond) || since > 7*time.Minute && gap < 20*time.Second {
					t.Fatalf("after %v a pause of %v", since, gap)
				}
				s, more = Step(s, Event{Kind: EvReachFailed, Attempt: f.Attempt, Path: f.Path, Fault: faultOf(fault.TLSChanged)}, now)
			case FxLook:
				s, more = Step(s, Event{Kind: EvLooked, Attempt: f.Attempt, Path: f.Path, Fault: faultOf(fault.NetPortal)}, now)
			case FxRaiseNotice:
				notices++
			}
			fx = append(fx, more...)
		}
	}
	if notices > 0 {
		t.Errorf("told %d times more", notices)
	}
}

// TestPortalLetsGo: the next reach that is answered ends it, and a portal that is gone without one is none any more.
func TestPortalLetsGo(t *testing.T) {
	s, now := atPortal(t, Policy{AutoReconnect: true})
	now.Mono += 3 * time.Second
	s, fx := Step(s, Event{Kind: EvTick}, now)
	if !has(fx, FxStartReach) {
		t.Fatal("no try")
	}
	if s, fx := Step(s, Event{Kind: EvReached, Attempt: s.LastID, Path: eth}, now); s.Portal() || !has(fx, FxCommit) {
		t.Errorf("portal %v, %v", s.Portal(), fx)
	}
	now.Mono += 3 * time.Second
	s, fx = Step(s, Event{Kind: EvReachFailed, Attempt: s.LastID, Path: eth, Fault: faultOf(fault.NetRefused)}, now)
	if !has(fx, FxLook) {
		t.Fatal("no other look")
	}
	look := s.Jobs[slices.IndexFunc(s.Jobs, func(j Job) bool { return j.Kind == FxLook })].ID
	if s, _ := Step(s, Event{Kind: EvLooked, Attempt: look, Path: eth}, now); s.Portal() {
		t.Error("still a portal")
	}
}

// TestPortalIgnored: with DisableCaptivePortalDetection nothing is looked for, and what answers is told as it is.
func TestPortalIgnored(t *testing.T) {
	if s, _ := atPortal(t, Policy{AutoReconnect: true, IgnorePortals: true}); s.has(FxLook) || s.Portal() || s.Err.Code != fault.TLSChanged {
		t.Errorf("%v, %v", s.Jobs, s.Err)
	}
}

// TestPortalAtLogin: a login that fails before the gateway has answered waits for a look, within its own time; one that the gateway answered does not.
func TestPortalAtLogin(t *testing.T) {
	for name, tt := range map[string]struct {
		before []Event
		fault  fault.Code
		looks  bool
	}{
		"refused certificate": {nil, fault.TLSUntrusted, true},
		"silence":             {nil, fault.NetSilent, true},
		"no such name":        {nil, fault.NetNoName, false},
		"no network":          {nil, fault.NetNoRoute, false},
		"wrong password":      {nil, fault.AuthRefused, false},
		"the gateway spoke":   {[]Event{{Kind: EvAnswered, Attempt: 1}}, fault.NetMalformed, false},
	} {
		now := Instant{Mono: time.Minute, Boot: time.Hour}
		s, _ := Step(New(1), Event{Kind: EvConnectRequested, Policy: Policy{AutoReconnect: true, Backups: 1}}, now)
		for _, ev := range tt.before {
			s, _ = Step(s, ev, now)
		}
		s, fx := Step(s, Event{Kind: EvAttemptFailed, Attempt: 1, Fault: faultOf(tt.fault)}, now)
		if has(fx, FxLook) != tt.looks {
			t.Errorf("%s: %v", name, fx)
		}
		if !tt.looks {
			continue
		}
		if s, fx := Step(s, Event{Kind: EvLooked, Attempt: s.LastID, Fault: faultOf(fault.NetPortal)}, now); s.Phase != Disconnected || s.Err.Code != fault.NetPortal || has(fx, FxStartAttempt) {
			t.Errorf("%s, a portal: %v %v %v", name, s.Phase, s.Err, fx)
		}
		late := now
		late.Mono += lookTime
		s, fx = Step(s, Event{Kind: EvTick}, late) // nobody answers the look
		if retry := faultOf(tt.fault).Kind == fault.Retryable; has(fx, FxStartAttempt) != retry || !retry && s.Err.Code != tt.fault {
			t.Errorf("%s, no portal: %v %v %v", name, s.Phase, s.Err, fx)
		}
	}
}
