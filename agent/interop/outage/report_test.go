package outage

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// report collects results and prints them.
type report struct {
	scenarios []scenario
	mu        sync.Mutex
	results   map[string][]result // by key of scenario and name of lane
	latest    time.Duration       // the most that the measuring was kept waiting
	disturbed int                 // runs in which that was longer than a silence
	total     int
}

func newReport(s []scenario) *report { return &report{scenarios: s, results: map[string][]result{}} }

func (r *report) add(s scenario, lane string, x result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.results[s.key+" "+lane] = append(r.results[s.key+" "+lane], x)
	r.total++
	r.latest = max(r.latest, x.noise)
	if x.noise > none {
		r.disturbed++
	}
}

// of is what a lane did in a scenario.
func (r *report) of(s scenario, lane string) cell { return cell{s, r.results[s.key+" "+lane]} }

// cell is the runs of one client in one scenario.
type cell struct {
	s    scenario
	runs []result
}

// figure is what a run is measured by.
func (s scenario) figure(x result) time.Duration {
	if s.lost {
		return x.asked
	}
	return x.outage
}

// quantile is that of the nearest rank: of five runs the 95th percentile is the worst.
func (c cell) quantile(q float64, of func(result) time.Duration) time.Duration {
	v := make([]time.Duration, 0, len(c.runs))
	for _, x := range c.runs {
		v = append(v, of(x))
	}
	slices.Sort(v)
	return v[max(0, int(math.Ceil(q*float64(len(v))))-1)]
}

func (c cell) count(is func(result) bool) (n int) {
	for _, x := range c.runs {
		if is(x) {
			n++
		}
	}
	return n
}

// took is median and worst of a figure, or why there is none.
func (c cell) took(of func(result) time.Duration) string {
	gave, late := c.count(func(x result) bool { return x.ended }), c.count(func(x result) bool { return x.late })
	switch {
	case len(c.runs) == 0:
		return ""
	case gave*2 > len(c.runs):
		return "gives up"
	case late*2 > len(c.runs):
		return "> " + brief(c.quantile(0, of))
	case len(c.runs) == 1:
		return brief(of(c.runs[0]))
	}
	return fmt.Sprintf("%s (%s)", brief(c.quantile(0.5, of)), brief(c.quantile(0.95, of)))
}

// kept is in how many runs nobody inside noticed more than a pause.
func (c cell) kept() string {
	switch {
	case len(c.runs) == 0:
		return ""
	case c.s.lost:
		return fmt.Sprintf("asked in %d of %d", c.count(func(x result) bool { return x.asked > 0 && x.logins == 1 }), len(c.runs))
	}
	return fmt.Sprintf("%d of %d", c.count(result.kept), len(c.runs))
}

// met reports whether the agent reached the target and nobody inside noticed more.
func (c cell) met() bool {
	good := func(x result) bool {
		if c.s.lost {
			return x.asked > 0 && x.logins == 1
		}
		return x.kept() && x.dtls < time.Minute
	}
	want := c.s.want
	return len(c.runs) > 0 && c.count(good) == len(c.runs) && (want.p50 == 0 || c.quantile(0.5, c.s.figure) <= want.p50) && (want.p95 == 0 || c.quantile(0.95, c.s.figure) <= want.p95)
}

// String is two tables, in Markdown.
func (r *report) String() string {
	var b strings.Builder
	b.WriteString("| | what happens | holdfast | kept | openconnect, DPD 5 s | kept | DPD 30 s | want | |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, s := range r.scenarios {
		ours, theirs, unforced := r.of(s, "holdfast"), r.of(s, "openconnect"), r.of(s, "unforced")
		want := "≤ " + brief(s.want.p50)
		if s.want.p95 > 0 {
			want += " (" + brief(s.want.p95) + ")"
		}
		verdict := "**missed**"
		if ours.met() {
			verdict = "met"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", s.key[:1], s.name, ours.took(s.figure), ours.kept(), theirs.took(s.figure), theirs.kept(), unforced.took(s.figure), want, verdict)
	}
	b.WriteString("\n| | what happens | the download goes on: holdfast | openconnect, DPD 5 s | by DTLS again: holdfast | openconnect, DPD 5 s |\n|---|---|---|---|---|---|\n")
	stall, dtls := func(x result) time.Duration { return x.stall }, func(x result) time.Duration { return x.dtls }
	for _, s := range r.scenarios {
		ours, theirs := r.of(s, "holdfast"), r.of(s, "openconnect")
		if s.lost {
			continue
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |", s.key[:1], s.name, ours.took(stall), theirs.took(stall))
		if s.then == nil {
			b.WriteString(" | |\n")
			continue
		}
		fmt.Fprintf(&b, " %s | %s |\n", ours.took(dtls), theirs.took(dtls))
	}
	return b.String()
}
