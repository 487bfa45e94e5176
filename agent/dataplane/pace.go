package dataplane

import "time"

const (
	// fast is the rate, in packets per millisecond, from which on it pays to collect: below it a rest would bring no second packet or third.
	fast = 16
	// plenty is a batch that costs little per packet as it is.
	plenty = 32
	// moment is how long to rest. At 16 packets a millisecond it brings three, at 200 forty; beside the queue that such a flow has of its own nobody notices it.
	moment = 200 * time.Microsecond
)

// pacer decides when one side of the pump rests between two batches.
type pacer struct {
	last time.Time
	rate float64 // packets per millisecond, of the last few batches
}

// rest is called after a batch of n packets and returns at once, or after a moment.
func (p *pacer) rest(n int) {
	if p.due(n, time.Now()) {
		pause(moment)
	}
}

// due reports whether resting pays after a batch of n packets at now.
func (p *pacer) due(n int, now time.Time) bool {
	passed := now.Sub(p.last)
	p.last = now
	if passed <= 0 { // the clock of a test stands still
		return false
	}
	p.rate += (float64(n)/(float64(passed)/1e6) - p.rate) / 4
	return n < plenty && p.rate >= fast
}
