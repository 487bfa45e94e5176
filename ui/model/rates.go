package model

import (
	"math"
	"slices"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
)

const (
	// sampleEvery is how often the counters are asked for while somebody looks.
	sampleEvery = time.Second
	// gap is how long a measurement may be behind the one before it: after a longer one the graph begins anew.
	gap = 5 * time.Second
	// leastTop is the least end of the graph's scale, in bytes per second: an idle tunnel's keepalives are no mountains.
	leastTop = 10_000
)

// rates is the throughput of the last minute.
type rates struct {
	down, up []float64 // bytes per second, oldest first; replaced, never changed
	rx, tx   uint64    // the counters at the last measurement
	at       time.Time // when that was; zero before the first
	asked    bool      // one is on its way
	askedAt  time.Time
}

// looking reports that somebody sees the session's numbers.
func (m Model) looking() bool { return m.desk.visible && m.own() && phaseOf(m.state).held() }

// measure asks for the counters, while somebody looks and no more than once in a while.
func (m Model) measure(now time.Time) (Model, []Command) {
	if !m.looking() || m.rates.asked || now.Sub(m.rates.askedAt) < sampleEvery*9/10 && !now.Before(m.rates.askedAt) {
		return m, nil
	}
	m.rates.asked, m.rates.askedAt = true, now
	return m, []Command{Fetch{FetchStats}}
}

// measured adds a measurement. Counters that went back are another session's.
func (r rates) measured(c *ipc.Counters, now time.Time) rates {
	r.asked = false
	if c == nil {
		return r
	}
	since := now.Sub(r.at)
	switch {
	case r.at.IsZero(), since <= 0, since > gap, c.RxBytes < r.rx, c.TxBytes < r.tx:
		if since > 0 && since <= gap/10 { // two of the same instant
			return r
		}
		r.down, r.up = nil, nil
	case since < sampleEvery/2:
		return r
	default:
		n := max(1, int(math.Round(since.Seconds())))
		r.down = sampled(r.down, float64(c.RxBytes-r.rx)/since.Seconds(), n)
		r.up = sampled(r.up, float64(c.TxBytes-r.tx)/since.Seconds(), n)
	}
	r.rx, r.tx, r.at = c.RxBytes, c.TxBytes, now
	return r
}

// sampled is a new slice with a value for n seconds more, GraphSamples at most.
func sampled(old []float64, v float64, n int) []float64 {
	all := slices.Grow(slices.Clone(old), n)
	for range n {
		all = append(all, v)
	}
	return all[max(0, len(all)-GraphSamples):]
}

// graph is the throughput as it is to be seen; nil without a session of ours.
func (m Model) graph(p phase) *Graph {
	if !m.own() || !p.held() {
		return nil
	}
	g := &Graph{Down: slices.Clone(m.rates.down), Up: slices.Clone(m.rates.up)}
	top := float64(leastTop)
	for _, v := range append(slices.Clone(g.Down), g.Up...) {
		top = max(top, v)
	}
	g.Top = round125(top)
	g.TopLabel = m.words.Rate(g.Top)
	var down, up float64
	if n := len(g.Down); n > 0 {
		down, up = g.Down[n-1], g.Up[n-1]
	}
	g.DownLabel, g.UpLabel = m.text("window.graph.down", fill("rate", m.words.Rate(down))), m.text("window.graph.up", fill("rate", m.words.Rate(up)))
	return g
}

// round125 is the next of 1, 2, 5, 10, 20, 50 … that is not less than v.
func round125(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{1, 2, 5, 10} {
		if step*power >= v {
			return step * power
		}
	}
	return 10 * power
}
