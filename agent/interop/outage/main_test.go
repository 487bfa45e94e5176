package outage

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/interop/lab"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

var (
	quick    = flag.Bool("quick", false, "two runs of everything: to see that it works, not how fast")
	only     = flag.String("only", "", "only scenarios whose key begins with one of these, with commas between them")
	runs     = flag.Int("runs", 5, "runs of each scenario")
	alone    = flag.Bool("alone", false, "the agent only, nothing beside it")
	svg      = flag.String("svg", "", "file for the picture of the table")
	timeline = flag.String("timeline", "", "folder for the agent's timeline of every run")
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
	testenv.Require(b, "tun", "ocserv", "openconnect", "nft")
	if !testenv.Namespace(b) {
		return
	}
	if *quick {
		*runs = min(*runs, 2)
	}
	r := newReport(chosen())
	lanes := []lane{{"holdfast", *runs, 30 * time.Second, newAgent}}
	if !*alone {
		lanes = append(lanes, lane{"openconnect", *runs, 20 * time.Second, openconnectWith("--force-dpd=5")})
	}
	if !*alone && !*quick {
		lanes = append(lanes, lane{"unforced", 1, 75 * time.Second, openconnectWith()})
	}
	var wg sync.WaitGroup
	for i, lane := range lanes {
		w := newWorld(b, lane.name, i)
		wg.Go(func() { lane.measure(w, r) })
	}
	wg.Wait()
	fmt.Fprint(os.Stderr, "\n", r)
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
	p.close()
}
