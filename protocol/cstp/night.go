package cstp

import "sync/atomic"

// night is the sleep of the machine as the goroutines know it that ask the gateway by themselves. They hold still in it, and afterwards nothing counts that was due before.
type night struct {
	asleep atomic.Bool
	turns  atomic.Uint64 // how often it began or ended
	turned signal
}

// turn begins or ends it; to end what never began is to say that time was lost.
func (n *night) turn(asleep bool) {
	n.asleep.Store(asleep)
	n.turns.Add(1)
	n.turned.fire()
}

// Sleep makes Tunnel a protocol.Sleeper.
func (t *Tunnel) Sleep(asleep bool) { t.udp.night.turn(asleep) }
