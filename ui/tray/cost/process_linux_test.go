package cost

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/ui/tray/desk"
)

// process is a tray that runs.
type process struct {
	t     testing.TB
	cmd   *exec.Cmd
	icon  *desk.Icon
	start time.Duration // from the start of the program to an icon that has been read
}

// tray starts one as an icon and waits until the panel has read it.
func (w *world) tray() *process {
	w.t.Helper()
	p := &process{t: w.t, cmd: exec.CommandContext(w.t.Context(), filepath.Join(w.bin, "holdfast-tray"), "--background")}
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = w.env, os.Stderr, os.Stderr
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	p.icon = w.panel.Icon()
	p.icon.Await("a picture", func(l desk.Look) bool { return l.Picture != nil })
	p.start = time.Since(began)
	return p
}

// quit ends it by its menu, and waits.
func (p *process) quit() {
	p.t.Helper()
	quit := "" // it says more while there is a session
	p.icon.Await("an end in its menu", func(l desk.Look) bool {
		for _, m := range l.Menu.Children {
			if strings.HasPrefix(m.Label, "Quit") {
				quit = m.Label
			}
		}
		return quit != ""
	})
	p.icon.Click(quit)
	late := time.AfterFunc(desk.Patience, func() { _ = p.cmd.Process.Signal(syscall.SIGQUIT) }) // it says where it is
	defer late.Stop()
	if err := p.cmd.Wait(); err != nil {
		p.t.Fatalf("the tray ended with %v", err)
	}
}

// usage is what a process has taken so far.
type usage struct {
	cpu      time.Duration
	switches map[int]int // by thread: how often it went to sleep by itself
	memory   int         // resident, in bytes
}

// usage reads what it has taken.
func (p *process) usage() (u usage) {
	p.t.Helper()
	dir := fmt.Sprintf("/proc/%d", p.cmd.Process.Pid)
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		p.t.Fatal(err)
	}
	// proc(5): after the name in brackets the fields begin with the third; utime and stime are the 14th and 15th, in hundredths of a second
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		if err != nil {
			p.t.Fatal(err)
		}
		u.cpu += time.Duration(n) * 10 * time.Millisecond
	}
	u.memory = number(dir+"/status", "VmRSS") << 10
	tasks, err := filepath.Glob(dir + "/task/*")
	if err != nil || len(tasks) == 0 {
		p.t.Fatalf("no threads: %v", err)
	}
	u.switches = map[int]int{}
	for _, task := range tasks {
		tid, _ := strconv.Atoi(filepath.Base(task))
		u.switches[tid] = number(task+"/status", "voluntary_ctxt_switches")
	}
	return u
}

// number is one of a file in /proc that holds lines of names and values.
func number(path, name string) int {
	b, _ := os.ReadFile(path)
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, name+":"); ok {
			n, _ := strconv.Atoi(strings.Fields(v)[0])
			return n
		}
	}
	return 0
}

// rest watches the process for a time: its share of a processor, and how often its threads woke; the naps of the runtime's monitor, the first thread that it makes, are no sleep to be woken from.
func (p *process) rest(d time.Duration) (share float64, wakeups, naps, memory int) {
	p.t.Helper()
	before := p.usage()
	time.Sleep(d)
	after := p.usage()
	for i, tid := range slices.Sorted(maps.Keys(after.switches)) {
		n := after.switches[tid] - before.switches[tid]
		if i == 1 {
			naps = n
			continue
		}
		wakeups += n
	}
	return float64(after.cpu-before.cpu) / float64(d), wakeups, naps, after.memory
}
