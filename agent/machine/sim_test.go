package machine

import (
	"flag"
	"slices"
	"strings"
	"testing"
)

var (
	simSeeds = flag.Uint64("sim.seeds", 3000, "how many random scenarios TestSim runs")
	simFirst = flag.Uint64("sim.first", 1, "the first seed")
	update   = flag.Bool("update", false, "write goldens and generated documents")
)

// simulate plays a script that ends calm.
func simulate(s script, step stepper) *world {
	w := play(s, step)
	w.checkRest()
	return w
}

// shrink drops what is not needed to fail, the largest pieces first.
func shrink(s script, step stepper) script {
	for size := len(s.actions) / 2; size > 0; {
		smaller := false
		for i := 0; i+size <= len(s.actions); i++ {
			t := s
			t.actions = slices.Delete(slices.Clone(s.actions), i, i+size)
			if !calmed(t) {
				continue
			}
			if len(simulate(t, step).errs) > 0 {
				s, smaller = t, true
				break
			}
		}
		if !smaller {
			size /= 2
		}
	}
	return s
}

// calmed reports whether a script gives the machine a chance to come to rest.
func calmed(s script) bool { return len(s.actions) > 0 && s.actions[len(s.actions)-1].verb == "calm" }

// TestSim plays random scenarios. A failure prints its seed and the shortest script that still fails, which can be kept in testdata/scenarios.
func TestSim(t *testing.T) {
	failures := 0
	for seed := *simFirst; seed < *simFirst+*simSeeds; seed++ {
		s := randomScript(seed)
		w := simulate(s, Step)
		if len(w.errs) == 0 {
			continue
		}
		short := shrink(s, Step)
		w = simulate(short, Step)
		t.Errorf("seed %d: %s\n%s\n%s", seed, strings.Join(w.errs, "\n"), short, strings.Join(tail(w.log, 40), "\n"))
		if failures++; failures == 3 {
			t.FailNow()
		}
	}
}

func tail(lines []string, n int) []string { return lines[max(0, len(lines)-n):] }

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
