package bench

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/interop/lab"
)

// direction is that of a flow, as the client sees it.
type direction struct{ name, code string }

var up, down = direction{"up", "U"}, direction{"down", "D"}

// side is one of two that are compared: its process, and the inside address that is reached through it.
type side struct {
	name string
	proc *lab.Process
	addr string
}

// figure is what one side did: medians, and the extremes of the throughput.
type figure struct {
	rate, least, most float64 // 10^6 bytes a second
	cost              float64 // processor seconds per 10^9 bytes
}

// pair is one run of each side.
type pair struct{ ours, theirs figure }

// compare lets a flow run through one side, then the other, and so on.
func (l *bed) compare(name string, d direction, ours, theirs side, want target) row {
	l.Helper()
	n, long := rounds()
	pairs := make([]pair, 0, n)
	for i := range n + 1 {
		p := pair{l.measure(d, ours, long), l.measure(d, theirs, long)}
		if i == 0 && !*quick {
			continue // both have warmed up
		}
		pairs = append(pairs, p)
		progress("  %-12s %s %6.0f MB/s %5.2f s/GB   %s %6.0f MB/s %5.2f s/GB", name, ours.name, p.ours.rate, p.ours.cost, theirs.name, p.theirs.rate, p.theirs.cost)
	}
	return row{
		name: name, peer: theirs.name, ours: summary(pairs, func(p pair) figure { return p.ours }), theirs: summary(pairs, func(p pair) figure { return p.theirs }),
		rate: median(pairs, func(p pair) float64 { return p.ours.rate / p.theirs.rate }), cost: median(pairs, func(p pair) float64 { return p.ours.cost / p.theirs.cost }), want: want,
	}
}

// measure runs one flow.
func (l *bed) measure(d direction, s side, long time.Duration) figure {
	l.Helper()
	stop := l.profile(s, d)
	before := s.proc.CPU()
	moved := l.flow(d.code, s.addr, long)
	spent := s.proc.CPU() - before
	stop()
	rate := float64(moved.bytes) / moved.took.Seconds() / 1e6
	return figure{rate: rate, least: rate, most: rate, cost: spent.Seconds() / (float64(moved.bytes) / 1e9)}
}

func summary(pairs []pair, of func(pair) figure) figure {
	rates := func(p pair) float64 { return of(p).rate }
	by := func(a, b pair) int { return cmp.Compare(rates(a), rates(b)) }
	return figure{rate: median(pairs, rates), least: rates(slices.MinFunc(pairs, by)), most: rates(slices.MaxFunc(pairs, by)),
		cost: median(pairs, func(p pair) float64 { return of(p).cost })}
}

func median[T any](of []T, value func(T) float64) float64 {
	v := make([]float64, len(of))
	for i, x := range of {
		v[i] = value(x)
	}
	slices.Sort(v)
	if len(v)%2 == 0 {
		return (v[len(v)/2-1] + v[len(v)/2]) / 2
	}
	return v[len(v)/2]
}

// profile has perf(1) look at a side while a flow runs, where that was asked for.
func (l *bed) profile(s side, d direction) (stop func()) {
	if *profiles == "" {
		return func() {}
	}
	name := strings.ReplaceAll(s.name+"-"+s.addr+"-"+d.name+".perf", " ", "-")
	_ = os.MkdirAll(*profiles, 0o755)
	cmd := l.client.Command("perf", "record", "-q", "-F", "1999", "-g", "-o", filepath.Join(*profiles, name), "-p", itoa(s.proc.Pid()))
	if err := cmd.Start(); err != nil {
		l.Fatal(err)
	}
	return func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	}
}
