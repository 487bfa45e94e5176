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

// read takes packets from the device until it is closed, by us or by whoever takes the link away.
func (p *Pump) read() {
	defer close(p.ended)
	clean := func(b []byte) bool {
		if !valid(b) {
			return false
		}
		clampMSS(b, int(p.mtu.Load()))
		return true
	}
	for failures := 0; failures < maxFailures; {
		var b *packet.Batch
		select {
		case b = <-p.free:
		case <-p.done:
			return
		}
		b.Reset()
		n, err := p.dev.Read(b.Bufs, b.Sizes, packet.Headroom)
		if errors.Is(err, os.ErrClosed) {
			return
		}
		// An error may come with packets: too many segments for the batch. The rest of them is lost.
		if failures++; err == nil {
			failures = 0
		} else {
			p.drops.Add(1)
		}
		b.SetLen(max(0, n))
		p.drops.Add(uint64(b.Filter(clean)))
		p.full <- b // never blocks: there is room for every batch
	}
}

// send gives packets to the carrier, or holds them.
func (p *Pump) send() {
	var (
		queue  hold
		spare  *packet.Batch // for what was held, made when it is needed
		failed *inbound      // its carrier refused a batch: what comes is held until there is another
	)
	for {
		var b *packet.Batch
		select {
		case b = <-p.full:
		case <-p.changed:
		case <-p.done:
			return
		}
		in := p.target.Load()
		if in != nil && in != failed && len(queue.packets) > 0 {
			if spare == nil {
				spare = packet.New(packet.MaxBatch/4, outPacket)
			}
			p.drops.Add(uint64(queue.trim(time.Now())))
			for in != failed && len(queue.packets) > 0 {
				spare.Reset()
				queue.take(spare)
				if !p.give(in, spare) {
					failed = in
				}
			}
		}
		if b == nil {
			continue
		}
		if in == nil || in == failed {
			p.drops.Add(uint64(queue.put(b, time.Now())))
		} else if !p.give(in, b) {
			failed = in
		}
		p.free <- b // never blocks, as above
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
