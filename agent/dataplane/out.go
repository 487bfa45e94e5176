package dataplane

import (
	"errors"
	"os"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

const (
	// outPacket is the largest packet read from the device: a slot is 2 KiB.
	outPacket = 2048 - packet.Headroom - packet.Tailroom
	// maxFailures is how many reads in a row may fail before the device counts as gone: single ones do, when the kernel hands over what cannot be split.
	maxFailures = 64
)

// outbound is what sending remembers; it belongs to whoever has the turn.
type outbound struct {
	queue  hold
	spare  *packet.Batch // for what was held, made when it is needed
	failed *inbound      // its carrier refused a batch: what comes is held until there is another
}

// read takes packets from the device until it is closed, by us or by whoever takes the link away, and sends them.
func (p *Pump) read(slots int) {
	defer close(p.ended)
	clean := func(b []byte) bool {
		if !valid(b) {
			return false
		}
		clampMSS(b, int(p.mtu.Load()))
		return true
	}
	b := packet.New(slots, outPacket)
	var pace pacer
	for failures := 0; failures < maxFailures; {
		b.Reset()
		n, err := p.dev.Read(b.Bufs, b.Sizes, packet.Headroom)
		if errors.Is(err, os.ErrClosed) {
			return
		}
		// An error may come with packets, and stands for one that is lost.
		if failures++; err == nil {
			failures = 0
		} else {
			p.drops.Add(1)
		}
		b.SetLen(max(0, n))
		p.drops.Add(uint64(b.Filter(clean)))
		select {
		case <-p.turn:
		case <-p.done:
			return
		}
		p.send(b)
		p.turn <- struct{}{} // never blocks: it was ours
		pace.rest(n)
	}
}

// resend sends what was held as soon as there is another carrier, though the device may be silent.
func (p *Pump) resend() {
	for {
		select {
		case <-p.changed:
		case <-p.done:
			return
		}
		select {
		case <-p.turn:
		case <-p.done:
			return
		}
		p.send(nil)
		p.turn <- struct{}{}
	}
}

// send gives what was held and then b, which may be nil, to the carrier, or holds it. The turn is the caller's.
func (p *Pump) send(b *packet.Batch) {
	o := &p.out
	in := p.target.Load()
	if in != nil && in != o.failed && len(o.queue.packets) > 0 {
		if o.spare == nil {
			o.spare = packet.New(packet.MaxBatch/4, outPacket)
		}
		p.drops.Add(uint64(o.queue.trim(time.Now())))
		for in != o.failed && len(o.queue.packets) > 0 {
			o.spare.Reset()
			o.queue.take(o.spare)
			if !p.give(in, o.spare) {
				o.failed = in
			}
		}
	}
	if b == nil {
		return
	}
	if in == nil || in == o.failed {
		p.drops.Add(uint64(o.queue.put(b, time.Now())))
	} else if !p.give(in, b) {
		o.failed = in
	}
}

// give sends one batch. false: the carrier refused it, and its packets are lost, or on their way; which of them, nobody knows.
func (p *Pump) give(in *inbound, b *packet.Batch) bool {
	if b.Len() == 0 {
		return true
	}
	size := uint64(0)
	for i := range b.Len() {
		size += uint64(b.Sizes[i])
	}
	if err := in.carrier.WriteBatch(b); err != nil {
		p.drops.Add(uint64(b.Len()))
		return false
	}
	p.txBytes.Add(size)
	p.txPackets.Add(uint64(b.Len()))
	return true
}
