package agent

import (
	"time"

	"github.com/holdfast-vpn/holdfast/agent/dataplane"
	"github.com/holdfast-vpn/holdfast/agent/machine"
)

// use knows since when no packet has gone through the pump. It looks whenever the loop does, which is every calmTime at least, and is early by no more than that.
type use struct {
	packets uint64        // when it last looked
	looked  time.Duration // Boot
	last    time.Duration // Boot, the look before the last packet
}

// look notes whether packets have gone since the last look. Where there is no pump, nothing is unused.
func (u *use) look(p *dataplane.Pump, now machine.Instant) {
	packets := uint64(0)
	if p != nil {
		c := p.Counters()
		packets = c.TxPackets + c.RxPackets
	}
	if p == nil || packets != u.packets {
		u.last = u.looked
	}
	u.packets, u.looked = packets, now.Boot
}

// since is for how long there has been no packet, sleep included.
func (u *use) since(now machine.Instant) time.Duration { return now.Boot - u.last }
