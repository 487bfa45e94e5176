package machine

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// planted is a machine with one fault.
type planted struct {
	name string
	step stepper
	says string // in what the simulator finds, one of the texts between bars; "" for anything
}

// without is Step with some effects lost.
func without(drop func(Event, Effect) bool) stepper {
	return func(s State, ev Event, now Instant) (State, []Effect) {
		s, fx := Step(s, ev, now)
		return s, slices.DeleteFunc(fx, func(f Effect) bool { return drop(ev, f) })
	}
}

// misheard is Step that takes some events for others; nil is not heard at all.
func misheard(as func(State, Event) *Event) stepper {
	return func(s State, ev Event, now Instant) (State, []Effect) {
		e := as(s, ev)
		if e == nil {
			return s, nil
		}
		return Step(s, *e, now)
	}
}

// meddled is Step with something done to the State and the effects that it returns.
func meddled(with func(ev Event, before State, s *State, fx []Effect) []Effect) stepper {
	return func(s State, ev Event, now Instant) (State, []Effect) {
		after, fx := Step(s, ev, now)
		return after, with(ev, s, &after, fx)
	}
}

var plantedBugs = []planted{
	{"a late login is not closed", misheard(func(s State, ev Event) *Event {
		if ev.Kind == EvTunnelOpened && s.job(FxStartAttempt, ev.Attempt) < 0 {
			return nil
		}
		return &ev
	}), "leaks|open"},
	{"a late commit is not closed", misheard(func(s State, ev Event) *Event {
		if ev.Kind == EvRebound && s.job(FxCommit, ev.Attempt) < 0 {
			return nil
		}
		return &ev
	}), "leaks|open"},
	{"losers of a race are not cancelled", without(func(ev Event, f Effect) bool {
		return f.Kind == FxCancelAttempt && (ev.Kind == EvReached || ev.Kind == EvProbed)
	}), ""},
	{"the pump is not stopped", without(func(_ Event, f Effect) bool { return f.Kind == FxStopPump }), "the pump is on tunnel"},
	{"the host is not reverted", without(func(_ Event, f Effect) bool { return f.Kind == FxRevertNetwork }), "changes on the host"},
	{"retries stop when offline", meddled(func(_ Event, _ State, s *State, fx []Effect) []Effect {
		if s.Phase == Reconnecting && len(s.Paths) == 0 {
			s.Timers = slices.DeleteFunc(s.Timers, func(t Timer) bool { return t.Kind == TimerRetry })
		}
		return fx
	}), "not trying"},
	{"a carrier that is alive is given up", misheard(func(_ State, ev Event) *Event {
		if ev.Kind == EvProbed || ev.Kind == EvHeard {
			return nil
		}
		return &ev
	}), ""},
	{"a commit has no deadline", meddled(func(_ Event, _ State, s *State, fx []Effect) []Effect {
		for i := range s.Jobs {
			if s.Jobs[i].Kind == FxCommit {
				s.Jobs[i].At = Never
			}
		}
		return fx
	}), "stuck in reconnecting|no packets flow"},
	{"the token is presented twice", meddled(func(_ Event, _ State, _ *State, fx []Effect) []Effect {
		if i := slices.IndexFunc(fx, func(f Effect) bool { return f.Kind == FxCommit }); i >= 0 {
			fx = append(fx, fx[i])
		}
		return fx
	}), ""},
	{"a 401 is taken for a bad moment", misheard(func(_ State, ev Event) *Event {
		if ev.Kind == EvRebindFailed && ev.Fault.Kind == fault.SessionLost {
			ev.Fault = faultOf(fault.GwUnavailable)
		}
		return &ev
	}), "stuck in reconnecting|no packets flow"},
	{"a 503 is taken for a 401", misheard(func(_ State, ev Event) *Event {
		if ev.Kind == EvRebindFailed && ev.Fault.Code == fault.GwUnavailable {
			ev.Fault = faultOf(fault.GwSession)
		}
		return &ev
	}), "a login although the gateway keeps the session"},
	{"a session that is lost again at once is logged in again", meddled(func(_ Event, _ State, s *State, fx []Effect) []Effect {
		s.Relogin = false
		return fx
	}), "two logins that nobody asked for"},
	{"an answer is asked for again", meddled(func(ev Event, before State, _ *State, fx []Effect) []Effect {
		if ev.Kind == EvPromptAnswered && ev.Prompt == before.Prompt {
			fx = append(fx, Effect{Kind: FxAskUser, Attempt: ev.Attempt, Prompt: ev.Prompt})
		}
		return fx
	}), "was answered and is asked again"},
	{"retries come too fast", meddled(func(_ Event, before State, s *State, fx []Effect) []Effect {
		if i := s.timer(TimerRetry); i >= 0 && before.timer(TimerRetry) < 0 {
			s.Timers[i].At = s.Now.Mono + 50*time.Millisecond + time.Duration(s.Rand%1e6)
		}
		return fx
	}), "is tried again after"},
	{"retries do not slow down", meddled(func(_ Event, _ State, s *State, fx []Effect) []Effect {
		if i := s.timer(TimerRetry); i >= 0 {
			s.Timers[i].At = min(s.Timers[i].At, s.Now.Mono+600*time.Millisecond+time.Duration(s.Rand%1e8))
		}
		return fx
	}), "although there has been no news"},
	{"retries have no jitter", meddled(func(_ Event, before State, s *State, fx []Effect) []Effect {
		if i := s.timer(TimerRetry); i >= 0 && s.Loss.Delay > 0 && (before.timer(TimerRetry) < 0 || s.Rand != before.Rand) {
			s.Timers[i].At = s.Now.Mono + s.Loss.Delay
		}
		return fx
	}), "in step"},
	{"noise is taken for news", meddled(func(ev Event, before State, s *State, fx []Effect) []Effect {
		if ev.Kind == EvNetworkChanged && s.Phase == Connected && before.Phase == Connected && len(fx) == 1 {
			fx = append(fx, Effect{Kind: FxProbe, Tunnel: s.Tunnel})
		}
		return fx
	}), ""},
	{"dead peer detection ends the session", misheard(func(_ State, ev Event) *Event {
		if ev.Kind == EvPeerDead {
			ev.Kind = EvDisconnectRequested
		}
		return &ev
	}), "dead peer detection ended the session"},
}

// enough is how many random scenarios must find a planted bug, and simple how many actions its shrunk script may have, the calm at the end among them.
const enough, simple = 3000, 8

// TestSimFindsPlantedBugs: a simulator that finds nothing may be blind. Each planted machine is found within a bounded number of scenarios, and what is left of one
// that found it is a few lines, which do no harm to the machine without the bug. They are printed with -v.
func TestSimFindsPlantedBugs(t *testing.T) {
	for _, bug := range plantedBugs {
		t.Run(bug.name, func(t *testing.T) {
			t.Parallel()
			var best *failure
			for seed, found := uint64(1), 0; seed <= enough && found < 10 && (best == nil || len(best.short.actions) > simple); seed++ {
				if _, f := examine(seed, bug.step); f != nil && bug.explains(f) {
					if found++; best == nil || len(f.short.actions) < len(best.short.actions) {
						best = f
					}
				}
			}
			if best == nil {
				t.Fatalf("not found in %d scenarios", enough)
			}
			t.Log(best.told)
			if len(best.short.actions) > simple {
				t.Errorf("shrunk to %d actions only", len(best.short.actions))
			}
			if w := simulate(best.short, Step); len(w.errs) > 0 {
				t.Errorf("the script fails without the bug too: %q\n%s", w.errs, best.short)
			}
		})
	}
}

// explains reports whether a failure is the bug's: it is still there in the shrunk script, and is what the simulator should say of it.
func (b planted) explains(f *failure) bool {
	errs := strings.Join(simulate(f.short, b.step).errs, "\n")
	return errs != "" && slices.ContainsFunc(strings.Split(b.says, "|"), func(says string) bool { return strings.Contains(errs, says) })
}
