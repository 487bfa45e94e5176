package machine

import (
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	simSeeds = flag.Uint64("sim.seeds", 3000, "how many random scenarios TestSim runs")
	simFirst = flag.Uint64("sim.first", 1, "the first seed")
	update   = flag.Bool("update", false, "write goldens and generated documents")
)

// simulate plays a script that ends calm.
func simulate(s script, step stepper) *world { return simulated(s, step, false) }

// retell is simulate with every decision written down.
func retell(s script, step stepper) *world { return simulated(s, step, true) }

func simulated(s script, step stepper, trace bool) *world {
	w := play(s, step, trace)
	w.checkRest()
	return w
}

// fails reports whether a script breaks an invariant, with its seed or another: what is dropped from a script moves all that was left to chance.
func fails(s script, step stepper) (script, bool) {
	for try := range uint64(6) {
		if try > 0 {
			s.seed = try
		}
		if len(simulate(s, step).errs) > 0 {
			return s, true
		}
	}
	return s, false
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
			if again, ok := fails(t, step); ok {
				s, smaller = again, true
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

// failure is a seed that broke an invariant, and the shortest script found that still does.
type failure struct {
	seed  uint64
	short script
	told  string
}

// examine plays one seed, and shrinks and retells it where it fails.
func examine(seed uint64, step stepper) (w *world, f *failure) {
	s := randomScript(seed)
	if w = simulate(s, step); len(w.errs) == 0 {
		return w, nil
	}
	return w, tell(s, step)
}

// tell shrinks a script that fails and says what happens in it.
func tell(s script, step stepper) *failure {
	short := shrink(s, step)
	w := retell(short, step)
	return &failure{s.seed, short, fmt.Sprintf("seed %d: %s\n%s\n%s", s.seed, strings.Join(w.errs, "\n"), short, strings.Join(tail(w.log, 40), "\n"))}
}

// TestSim plays random scenarios on all processors. A failure prints its seed and the shortest script that still fails, which can be kept in testdata/scenarios.
func TestSim(t *testing.T) {
	var next, simulated, steps atomic.Uint64
	var failed atomic.Int64
	next.Store(*simFirst)
	begun := time.Now()
	defer debug.SetGCPercent(debug.SetGCPercent(800)) // worlds are small and live for a fraction of a millisecond
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for range workers {
		wg.Go(func() {
			for failed.Load() < 3 {
				seed := next.Add(1) - 1
				if seed >= *simFirst+*simSeeds {
					return
				}
				w, f := examine(seed, Step)
				if f != nil && failed.Add(1) <= 3 {
					t.Error(f.told)
				}
				simulated.Add(uint64(w.now.Boot - worldBegins.Boot))
				steps.Add(uint64(w.steps))
			}
		})
	}
	wg.Wait()
	took := time.Since(begun)
	t.Logf("%d scenarios, %d decisions, %.1f years of simulated time in %v on %d processors: %.0f scenarios a second", *simSeeds, steps.Load(),
		time.Duration(simulated.Load()).Hours()/24/365, took.Round(time.Millisecond), workers, float64(*simSeeds)/took.Seconds())
}

func tail(lines []string, n int) []string { return lines[max(0, len(lines)-n):] }
