package dataplane

import "time"

const (
	// fast is the rate, in packets per millisecond, from which on it pays to collect. A call and its video have one.
	fast = 6
	// plenty is a batch that costs little per packet as it is.
	plenty = 32
	// longest is the longest rest. Beside the queue that a flow of such a rate has of its own nobody notices it.
	longest = 300 * time.Microsecond
)

// pacer decides when one side of the pump rests between two batches, and how long.
type pacer struct {
	last time.Time
	rate float64 // packets per millisecond, of the last few batches
}

// rest is called after a batch of n packets and returns at once, or after a moment.
func (p *pacer) rest(n int) {
	if d := p.due(n, time.Now()); d > 0 {
		pause(d)
	}
}

// due is how long to rest after a batch of n packets at now: until plenty have come, as far as can be told; 0 where that does not pay.
func (p *pacer) due(n int, now time.Time) time.Duration {
	passed := now.Sub(p.last)
	p.last = now
	if passed <= 0 { // the clock of a test stands still
		return 0
	}
	p.rate += (float64(n)/(float64(passed)/1e6) - p.rate) / 4
	if n >= plenty || p.rate < fast {
		return 0
	}
	return min(longest, time.Duration(plenty/p.rate*1e6))
}
