package cstp

import (
	"sync/atomic"
	"time"
)

// dawn is how long after waking what is read may have come before the night.
const dawn = 50 * time.Millisecond

// night is the sleep of the machine as the goroutines know it that ask the gateway by themselves. They hold still in it, and afterwards nothing counts that was due before.
type night struct {
	asleep atomic.Bool
	turns  atomic.Uint64 // how often it began or ended
	turned signal
	woke   atomic.Pointer[time.Time] // when it ended; nil: it never did
}

// turn begins or ends it; to end what never began is to say that time was lost.
func (n *night) turn(asleep bool) {
	if now := time.Now(); !asleep {
		n.woke.Store(&now)
	}
	n.asleep.Store(asleep)
	n.turns.Add(1)
	n.turned.fire()
}

// dawn is what is left of it.
func (n *night) dawn() time.Duration {
	if at := n.woke.Load(); at != nil {
		return dawn - time.Since(*at)
	}
	return 0
}

// Sleep makes Tunnel a protocol.Sleeper.
func (t *Tunnel) Sleep(asleep bool) { t.udp.night.turn(asleep) }
