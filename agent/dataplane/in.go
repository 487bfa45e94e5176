package dataplane

import (
	"sync"

	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

const (
	inPacket = outPacket
	fewSlots = 8
	// calm is how many batches in a row must have fitted the small arena before the large one is given back.
	calm = 32
)

// large holds the arenas of 256 KiB that are not in use; the garbage collector empties it.
var large = sync.Pool{New: func() any { return packet.New(packet.MaxBatch, inPacket) }}

// receive takes packets from one carrier, or what is beside it, until it fails or is closed, also when it was replaced or the device is gone: only who reads a connection to its end sees
// how it ends. It reports nothing: the tunnel knows best what happened to its carrier.
func (p *Pump) receive(in *inbound, from protocol.Receiver) {
	defer p.forget(in)
	clean := func(b []byte) bool {
		if !valid(b) {
			return false
		}
		clampMSS(b, int(p.mtu.Load()))
		return true
	}
	few := packet.New(fewSlots, inPacket)
	b, quiet := few, 0
	var pace pacer
	defer func() {
		if b != few {
			large.Put(b)
		}
	}()
	for {
		b.Reset()
		if from.ReadBatch(b) != nil {
			return
		}
		size, n := uint64(0), uint64(b.Len())
		p.drops.Add(uint64(b.Filter(clean)))
		full := b == few && n == fewSlots
		if n <= fewSlots {
			quiet++
		} else {
			quiet = 0
		}
		for i := range b.Len() {
			size += uint64(b.Sizes[i])
		}
		p.deliver(in, b, size)
		switch {
		case full:
			b, quiet = large.Get().(*packet.Batch), 0
		case b != few && quiet >= calm:
			large.Put(b)
			b = few
		}
		pace.rest(int(n))
	}
}

// deliver writes a batch into the device if its carrier is still the one.
func (p *Pump) deliver(in *inbound, b *packet.Batch, size uint64) {
	n := uint64(b.Len())
	if n == 0 {
		return
	}
	p.writing.Lock()
	defer p.writing.Unlock()
	if p.current.Load() != in {
		p.drops.Add(n)
		return
	}
	if _, err := p.dev.Write(b.Trimmed(), packet.Headroom); err != nil {
		// Some of them may have arrived; the device does not say which.
		p.drops.Add(n)
		return
	}
	p.rxBytes.Add(size)
	p.rxPackets.Add(n)
}

// forget counts a receiver that ended; the last one takes its carrier off the list of those Close has to end.
func (p *Pump) forget(in *inbound) {
	p.mu.Lock()
	if p.running[in]--; p.running[in] == 0 {
		delete(p.running, in)
	}
	p.mu.Unlock()
}
