package machine

import (
	"slices"
	"testing"
)

// TestSimFindsPlantedBugs: a simulator that finds nothing may be blind. Each of these machines has one fault.
func TestSimFindsPlantedBugs(t *testing.T) {
	without := func(drop func(Event, Effect) bool) stepper {
		return func(s State, ev Event, now Instant) (State, []Effect) {
			s, fx := Step(s, ev, now)
			return s, slices.DeleteFunc(fx, func(f Effect) bool { return drop(ev, f) })
		}
	}
	bugs := []struct {
		name string
		step stepper
	}{
		{"a late login is not closed", func(s State, ev Event, now Instant) (State, []Effect) {
			if ev.Kind == EvTunnelOpened && s.job(FxStartAttempt, ev.Attempt) < 0 {
				return s, nil
			}
			return Step(s, ev, now)
		}},
		{"losers of a race are not cancelled", without(func(ev Event, f Effect) bool {
			return f.Kind == FxCancelAttempt && (ev.Kind == EvReached || ev.Kind == EvProbed)
		})},
		{"the pump is not stopped", without(func(_ Event, f Effect) bool { return f.Kind == FxStopPump })},
		{"the host is not reverted", without(func(_ Event, f Effect) bool { return f.Kind == FxRevertNetwork })},
		{"retries stop when offline", func(s State, ev Event, now Instant) (State, []Effect) {
			s, fx := Step(s, ev, now)
			if s.Phase == Reconnecting && len(s.Paths) == 0 {
				s.Timers = slices.DeleteFunc(s.Timers, func(t Timer) bool { return t.Kind == TimerRetry })
			}
			return s, fx
		}},
		{"a carrier that is alive is given up", func(s State, ev Event, now Instant) (State, []Effect) {
			if ev.Kind == EvProbed || ev.Kind == EvHeard {
				return s, nil
			}
			return Step(s, ev, now)
		}},
	}
	for _, bug := range bugs {
		t.Run(bug.name, func(t *testing.T) {
			for seed := uint64(1); seed < 2000; seed++ {
				s := randomScript(seed)
				if len(simulate(s, bug.step).errs) == 0 {
					continue
				}
				short := shrink(s, bug.step)
				w := simulate(short, bug.step)
				if len(w.errs) == 0 {
					t.Fatalf("seed %d fails, its shrunk script does not", seed)
				}
				if len(short.actions) > 8 {
					t.Errorf("seed %d: shrunk to %d actions only:\n%s", seed, len(short.actions), short)
				}
				if len(simulate(short, Step).errs) > 0 {
					t.Errorf("the script fails without the bug too:\n%s", short)
				}
				return
			}
			t.Error("not found")
		})
	}
}
