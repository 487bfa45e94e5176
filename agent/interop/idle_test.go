package interop

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// idleTime is how long TestIdle watches a tunnel that nobody uses.
var idleTime = flag.Duration("idle.time", 30*time.Second, "how long TestIdle watches")

// field is a number of a file in /proc that holds lines of names and values.
func field(path, name string) int {
	b, _ := os.ReadFile(path)
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, name+":"); ok {
			n, _ := strconv.Atoi(strings.Fields(v)[0])
			return n
		}
	}
	return 0
}

// switches counts for each thread how often it has gone to sleep by itself: every one of them is a wakeup, at one end or the other.
func (a *agentProcess) switches() map[int]int {
	a.w.t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", a.cmd.Process.Pid))
	if err != nil || len(tasks) == 0 {
		a.w.t.Fatalf("no threads: %v", err)
	}
	n := map[int]int{}
	for _, task := range tasks {
		tid, _ := strconv.Atoi(filepath.Base(task))
		n[tid] = field(task+"/status", "voluntary_ctxt_switches")
	}
	return n
}

// resident is the memory of the process, in KiB.
func (a *agentProcess) resident() int {
	return field(fmt.Sprintf("/proc/%d/status", a.cmd.Process.Pid), "VmRSS")
}

// rest watches an agent for some time: how often its threads woke, and how often the runtime's monitor did besides. The monitor, the first thread that the runtime makes, naps for 20 µs at a time for
// as long as others work, or want to on a busy machine: that is no sleep to be woken from.
func (a *agentProcess) rest(d time.Duration) (wakeups, naps int) {
	a.w.t.Helper()
	before := a.switches()
	time.Sleep(d)
	after := a.switches()
	threads := slices.Sorted(maps.Keys(after))
	for i, tid := range threads {
		n := after[tid] - before[tid]
		if i == 1 {
			naps = n
			continue
		}
		wakeups += n
	}
	return wakeups, naps
}

// TestIdle: a tunnel by TLS and DTLS that nobody uses costs one wakeup a second at most and 30 MiB, also after it was busy; without a tunnel it costs less.
func TestIdle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	w.startOcserv(t, pskOnly)
	a := w.startAgent()
	hold := func(what string, d time.Duration, most float64) {
		t.Helper()
		time.Sleep(3 * time.Second)
		wakeups, naps := a.rest(d)
		rate, rss := float64(wakeups)/d.Seconds(), a.resident()
		t.Logf("%-20s %5.2f wakeups a second (%d in %v, and %d naps of the runtime's monitor), %.1f MiB", what, rate, wakeups, d, naps, float64(rss)/1024)
		if rate > most || rss > 30<<10 {
			t.Errorf("%s: more than %v wakeups a second, or than 30 MiB", what, most)
		}
	}
	hold("never connected", *idleTime/3, 0.5)
	w.connect("vpn4.lab.example")
	w.travels("dtls", 5*time.Second)
	w.downloadByUDP(60_000_000)
	t.Logf("%.1f MiB under load", float64(a.resident())/1024)
	hold("connected", *idleTime, 1)
	w.leave()
	hold("disconnected again", *idleTime/3, 0.5)
	a.stop()
}
