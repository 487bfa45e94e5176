package dataplane

import (
	"runtime"
	"time"
)

const (
	// fast is the rate, in packets per millisecond, from which on it pays to collect. A call and its video have one.
	fast = 6
	// plenty is a batch that costs little per packet as it is.
	plenty = 32
	// longest is the longest rest. Beside the queue that a flow of such a rate has of its own nobody notices it.
	longest = 450 * time.Microsecond
	// turn is how long a busy side keeps its processor before it goes through the scheduler. The runtime's monitor takes processors away that have run one goroutine for 10 ms, also one that
	// is between two short calls of the system, and after each it looks again every 20 µs for a while: with two sides always busy that was a twelfth of the agent's time.
	turn = 4 * time.Millisecond
	// doubts is how many rests in a row must have brought a single packet before there are none for a while: for few batches at first, for many at most.
	doubts    = 8
	few, many = 64, 1 << 14
)

// pacer decides when one side of the pump rests between two batches, and how long.
type pacer struct {
	last time.Time
	went time.Time // through the scheduler
	rate float64   // packets per millisecond, of the last few batches

	rested bool // before the batch to come
	lone   int  // rests in a row that brought a single packet
	skip   int  // so many batches without a rest
	barren int  // how many that were when a rest last brought nothing
}

// rest is called after a batch of n packets and returns at once, or after a moment.
func (p *pacer) rest(n int) {
	now := time.Now()
	if d := p.due(n, now); d > 0 {
		pause(d)
	}
	if p.rate >= fast && now.Sub(p.went) >= turn {
		p.went = now
		runtime.Gosched()
	}
}

// due is how long to rest after a batch of n packets at now: until plenty have come, as far as can be told; 0 where that does not pay. It never pays where each call brings one packet
// whatever has come, as with a socket that is no system's or on systems without batches: that is noticed, and forgotten when it is no longer so.
func (p *pacer) due(n int, now time.Time) time.Duration {
	passed := now.Sub(p.last)
	p.last = now
	if passed <= 0 { // the clock of a test stands still
		return 0
	}
	p.rate += (float64(n)/(float64(passed)/1e6) - p.rate) / 4
	switch {
	case n > 1:
		p.lone, p.skip, p.barren = 0, 0, 0
	case p.rested:
		if p.lone++; p.lone >= doubts {
			p.barren = min(max(few, 2*p.barren), many)
			p.skip = p.barren
		}
	}
	if p.rested = false; p.skip > 0 {
		p.skip--
		return 0
	}
	if n >= plenty || p.rate < fast {
		return 0
	}
	p.rested = true
	return min(longest, time.Duration(plenty/p.rate*1e6))
}
