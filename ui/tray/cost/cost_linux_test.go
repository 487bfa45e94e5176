package cost

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/ui/tray/desk"
)

// costTime is how long TestCost watches, in all.
var costTime = flag.Duration("cost.time", 20*time.Second, "how long TestCost watches")

// What the tray may take with no window open. The agent tells of a session once in a while and at every change: a tray that looked by itself would wake more often.
const (
	mostMemory  = 120 << 20 // bytes
	mostShare   = 0.01      // of a processor
	mostWakeups = 2.0       // a second
)

// TestCost: with its window closed the tray takes next to nothing, without a session, with one, and after somebody has looked.
func TestCost(t *testing.T) {
	w := newWorld(t)
	if w == nil {
		return
	}
	p := w.tray()
	t.Logf("the icon was there after %v", p.start.Round(time.Millisecond))
	hold := func(what string) {
		t.Helper()
		time.Sleep(2 * time.Second) // it has just been busy
		d := *costTime / 3
		share, wakeups, naps, memory := p.rest(d)
		rate := float64(wakeups) / d.Seconds()
		t.Logf("%-22s %5.2f %% of a processor, %5.2f wakeups a second (%d in %v, and %d naps of the runtime's monitor), %.1f MiB", what, 100*share, rate, wakeups, d, naps, float64(memory)/(1<<20))
		if share > mostShare || rate > mostWakeups || memory > mostMemory {
			t.Errorf("%s: more than %v %% of a processor, %v wakeups a second or %d MiB", what, 100*mostShare, mostWakeups, mostMemory>>20)
		}
	}
	hold("never connected")
	w.connect()
	hold("connected")
	p.icon.Activate()
	w.screen.Window("Holdfast.*")
	time.Sleep(time.Second)
	t.Logf("%.1f MiB with the window", float64(p.usage().memory)/(1<<20))
	w.screen.Press("ctrl+w")
	desk.Await(t, "no window", func() bool { return len(w.screen.Windows("Holdfast.*")) == 0 })
	hold("its window was open")
	p.quit()
}

// BenchmarkStart measures from the start of the program to an icon that the panel has read, on a machine that has started it before, and prints it: what runs in namespaces reports no metrics.
func BenchmarkStart(b *testing.B) {
	w := newWorld(b)
	if w == nil {
		return
	}
	w.tray().quit()
	var starts []time.Duration
	for range 20 {
		p := w.tray()
		starts = append(starts, p.start.Round(time.Millisecond))
		p.quit()
	}
	slices.Sort(starts)
	fmt.Fprintf(os.Stderr, "start to icon: %v in the middle of %d, %v at worst\n", starts[len(starts)/2], len(starts), starts[len(starts)-1])
}
