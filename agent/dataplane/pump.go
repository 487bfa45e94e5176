package dataplane

import (
	"sync"
	"sync/atomic"

	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// Device is what the pump needs of a TUN device: Read and Write are shaped as those of golang.zx2c4.com/wireguard/tun. Close ends a Read that waits, and may come again.
type Device interface {
	Read(bufs [][]byte, sizes []int, offset int) (int, error)
	Write(bufs [][]byte, offset int) (int, error)
	BatchSize() int
	Close() error
}

// Counters count packets inside the tunnel. Drops are packets that were read from one side and not given to the other.
type Counters struct {
	TxBytes, RxBytes, TxPackets, RxPackets, Drops uint64
}

// Pump moves packets between a device and the carrier of the moment. Its methods may be called from any goroutine.
type Pump struct {
	dev Device
	mtu atomic.Int32

	turn    chan struct{} // one token: who has it may send
	out     outbound      // of who has the turn
	changed chan struct{} // one token: target is another one
	done    chan struct{}
	ended   chan struct{} // closed by the reader: nothing comes from the device any more
	wg      sync.WaitGroup

	current atomic.Pointer[inbound] // whose packets reach the device; nil before the first carrier
	target  atomic.Pointer[inbound] // who gets the device's packets; nil while they are held

	mu      sync.Mutex // of the two below
	closed  bool
	running map[*inbound]int // those that are being read, by how many receivers

	// writing is held around each Write into the device, so that nothing of an old carrier follows SetCarrier.
	writing sync.Mutex

	txBytes, rxBytes, txPackets, rxPackets, drops atomic.Uint64
}

// inbound is one carrier on the pump.
type inbound struct{ carrier protocol.Carrier }

// New starts a pump on dev. mtu is the tunnel's, for the MSS.
func New(dev Device, mtu int) *Pump {
	p := &Pump{
		dev:     dev,
		turn:    make(chan struct{}, 1),
		changed: make(chan struct{}, 1),
		done:    make(chan struct{}),
		ended:   make(chan struct{}),
		running: map[*inbound]int{},
	}
	p.mtu.Store(int32(mtu))
	p.turn <- struct{}{}
	p.wg.Go(func() { p.read(min(max(1, dev.BatchSize()), packet.MaxBatch)) })
	p.wg.Go(p.resend)
	return p
}

// SetMTU changes the MTU that the MSS is clamped to.
func (p *Pump) SetMTU(mtu int) { p.mtu.Store(int32(mtu)) }

// SetCarrier lets packets flow on c from now on, also when it is the one that was held; carriers are told apart by ==. After it returned, no packet of an older
// carrier reaches the device. The older one is read until it ends, and what comes is dropped: whoever made it closes it, and can wait for its peer's last word
// before. SetCarrier never waits for a carrier, at most for one write into the device.
func (p *Pump) SetCarrier(c protocol.Carrier) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.writing.Lock()
	in := p.reading(c) // its first packet waits for the lock
	p.current.Store(in)
	p.writing.Unlock()
	p.aim(in)
}

// Hold keeps the device's packets for the next SetCarrier, the newest of them. The carrier is still read and what comes on it delivered: it may be one that is
// only in doubt, and what its gateway sends is as good as before.
func (p *Pump) Hold() { p.aim(nil) }

// aim gives what comes from the device to in.
func (p *Pump) aim(in *inbound) {
	p.target.Store(in)
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// reading returns c as it is being read, and starts its receivers if nobody reads c. p.mu is held.
func (p *Pump) reading(c protocol.Carrier) *inbound {
	for in := range p.running {
		if in.carrier == c {
			return in
		}
	}
	in := &inbound{carrier: c}
	ways := []protocol.Receiver{c}
	if d, ok := c.(protocol.Doubled); ok {
		ways = append(ways, d.Beside())
	}
	p.running[in] = len(ways)
	for _, w := range ways {
		p.wg.Go(func() { p.receive(in, w) })
	}
	return in
}

// Ended is closed when the device is not read any more: it was taken away, it fails, or Close was called. Carriers are read on.
func (p *Pump) Ended() <-chan struct{} { return p.ended }

// Counters returns the counters of now.
func (p *Pump) Counters() Counters {
	return Counters{TxBytes: p.txBytes.Load(), RxBytes: p.rxBytes.Load(), TxPackets: p.txPackets.Load(), RxPackets: p.rxPackets.Load(), Drops: p.drops.Load()}
}

// Close closes the device and every carrier that is still in use, and waits for the pump's goroutines. The error is the device's.
func (p *Pump) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		p.wg.Wait()
		return nil
	}
	p.closed = true
	left := make([]protocol.Carrier, 0, len(p.running))
	for in := range p.running {
		left = append(left, in.carrier)
	}
	p.mu.Unlock()
	close(p.done)
	err := p.dev.Close()
	for _, c := range left {
		_ = c.Close()
	}
	p.wg.Wait()
	return err
}
