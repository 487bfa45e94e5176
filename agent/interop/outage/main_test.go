package outage

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/agent/interop/lab"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

var (
	quick    = flag.Bool("quick", false, "two runs of everything: to see that it works, not how fast")
	only     = flag.String("only", "", "only scenarios whose key begins with one of these, with commas between them")
	runs     = flag.Int("runs", 5, "runs of each scenario")
	alone    = flag.Bool("alone", false, "the agent only, nothing beside it")
	svg      = flag.String("svg", "", "file for the picture of the table")
	timeline = flag.String("timeline", "", "folder for each client's own account of every run")
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m, nil, func() bool { return true })) }

// chosen are the scenarios that -only leaves.
func chosen() []scenario {
	all := scenarios()
	if *only == "" {
		return all
	}
	return slices.DeleteFunc(all, func(s scenario) bool {
		return !slices.ContainsFunc(strings.Split(*only, ","), func(key string) bool { return strings.HasPrefix(s.key, key) })
	})
}

// BenchmarkReconnect measures everything and prints the table.
func BenchmarkReconnect(b *testing.B) {
	testenv.Require(b, "tun", "ocserv", "openconnect", "nft", "dbus-daemon")
	if !testenv.Namespace(b) {
		return
	}
	if err := first(); err != nil {
		b.Fatal(err)
	}
	patience := 20 * time.Second
	if *quick {
		*runs, patience = min(*runs, 2), 12*time.Second
	}
	r := newReport(chosen())
	lanes := []lane{{"holdfast", *runs, patience, newAgent}}
	if !*alone {
		const share = 3 // so many lanes: its runs take longer
		for i := range share {
			lanes = append(lanes, lane{"openconnect", (*runs + i) / share, patience, openconnectWith("--force-dpd=5")})
		}
	}
	if !*alone && !*quick {
		lanes = append(lanes, lane{"unforced", 1, 75 * time.Second, openconnectWith()})
	}
	testenv.SystemBus(b)
	logind := testenv.NewLogind(b, false)
	begun := time.Now()
	var wg sync.WaitGroup
	for i, lane := range lanes {
		w := newWorld(b, i)
		w.logind = logind
		wg.Go(func() { lane.measure(w, r) })
	}
	wg.Wait()
	fmt.Fprintf(os.Stderr, "\n%s\nIn %s; load %s; whoever asks was late by %s once, and by more than %s in %d of %d runs\n", r, time.Since(begun).Round(time.Second), load(), brief(r.latest), none, r.disturbed, r.total)
	if *svg != "" {
		if err := os.WriteFile(*svg, r.picture(), 0o644); err != nil {
			b.Error(err)
		}
	}
}

// lane is one client in a network of its own.
type lane struct {
	name  string
	runs  int
	limit time.Duration // so long a run waits for the tunnel to work again
	peer  func(*world) peer
}

// first has this process, and whatever it starts, go before others: who measures beside other work measures that, too. All clients are measured alike.
func first() error {
	const urgent = -15
	tasks, err := os.ReadDir("/proc/self/task")
	for _, t := range tasks {
		if id, bad := strconv.Atoi(t.Name()); bad == nil {
			err = errors.Join(err, unix.Setpriority(unix.PRIO_PROCESS, id, urgent))
		}
	}
	return err
}

// load is the machine's, over the last minutes.
func load() string {
	b, _ := os.ReadFile("/proc/loadavg")
	return strings.Join(strings.Fields(string(b))[:3], " ")
}

// measure does the lane's runs: of every scenario one, then again.
func (n lane) measure(w *world, r *report) {
	p := n.peer(w)
	for i := range n.runs {
		for _, s := range r.scenarios {
			if s.suits != nil && !s.suits(n.name) {
				continue
			}
			x := w.run(s, p, n.limit)
			r.add(s, n.name, x)
			fmt.Fprintf(os.Stderr, "  %-11s %d  %-34s %s\n", n.name, i+1, s.name, x)
		}
	}
}
