package outage

import (
	"fmt"
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
}

func newReport(s []scenario) *report { return &report{scenarios: s, results: map[string][]result{}} }

func (r *report) add(s scenario, lane string, x result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.results[s.key+" "+lane] = append(r.results[s.key+" "+lane], x)
}

func (r *report) of(s scenario, lane string) []result { return r.results[s.key+" "+lane] }

// figure is what a run is measured by.
func (s scenario) figure(x result) time.Duration {
	if s.lost {
		return x.asked
	}
	return x.outage
}

// quantile is that of the nearest rank: of five runs the 95th percentile is the worst.
func quantile(s scenario, of []result, q float64) time.Duration {
	v := make([]time.Duration, len(of))
	for i, x := range of {
		v[i] = s.figure(x)
	}
	slices.Sort(v)
	return v[min(len(v)-1, int(q*float64(len(v))))]
}

// cell is what a lane did in a scenario.
func cell(s scenario, of []result) string {
	if len(of) == 0 {
		return "|  | "
	}
	count := func(f func(result) bool) (n int) {
		for _, x := range of {
			if f(x) {
				n++
			}
		}
		return n
	}
	var b strings.Builder
	b.WriteString("| ")
	gave, late := count(func(x result) bool { return x.ended }), count(func(x result) bool { return x.late })
	switch {
	case gave*2 > len(of):
		b.WriteString("gives up")
	case late*2 > len(of):
		fmt.Fprintf(&b, "> %s", brief(quantile(s, of, 0)))
	default:
		b.WriteString(brief(quantile(s, of, 0.5)))
		if len(of) > 1 {
			fmt.Fprintf(&b, " (%s)", brief(quantile(s, of, 0.95)))
		}
	}
	if s.lost {
		fmt.Fprintf(&b, " | %d/%d asked ", count(func(x result) bool { return x.asked > 0 }), len(of))
		return b.String()
	}
	fmt.Fprintf(&b, " | %d/%d ", count(result.kept), len(of))
	return b.String()
}

// met reports whether the agent reached the target and nobody inside noticed more.
func (r *report) met(s scenario) bool {
	of := r.of(s, "holdfast")
	if len(of) == 0 {
		return false
	}
	for _, x := range of {
		if s.lost && (x.asked == 0 || x.logins != 1) || !s.lost && !x.kept() || x.dtls >= time.Minute {
			return false
		}
	}
	return (s.want.p50 == 0 || quantile(s, of, 0.5) <= s.want.p50) && (s.want.p95 == 0 || quantile(s, of, 0.95) <= s.want.p95)
}

// String is the table, in Markdown.
func (r *report) String() string {
	var b strings.Builder
	b.WriteString("| | | holdfast: p50 (p95) | kept | openconnect, DPD 5 s | kept | DPD 30 s | kept | want | |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for _, s := range r.scenarios {
		want := "≤ " + brief(s.want.p50)
		if s.want.p95 > 0 {
			want += " (" + brief(s.want.p95) + ")"
		}
		verdict := "**missed**"
		if r.met(s) {
			verdict = "met"
		}
		fmt.Fprintf(&b, "| %s | %s %s%s%s| %s | %s |\n", s.key[:1], s.name, cell(s, r.of(s, "holdfast")), cell(s, r.of(s, "openconnect")), cell(s, r.of(s, "unforced")), want, verdict)
	}
	return b.String()
}
