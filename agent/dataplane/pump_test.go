package dataplane

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// pipe is a device or a carrier in memory: what the pump reads is put into in, what it writes comes out of out.
type pipe struct {
	in, out chan []byte
	closed  chan struct{}
	once    sync.Once
	fail    error       // of writes, when set before use
	oddity  error       // returned together with every packet read
	broken  atomic.Bool // reads fail at once
}

func newPipe() *pipe {
	return &pipe{in: make(chan []byte, 1024), out: make(chan []byte, 4096), closed: make(chan struct{})}
}

// device and carrier are the pipe's two faces.
type (
	device  struct{ *pipe }
	carrier struct{ *pipe }
)

func (p *pipe) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (device) BatchSize() int { return 32 }

func (d device) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	if d.broken.Load() {
		return 0, errors.New("broken")
	}
	select {
	case b := <-d.in:
		sizes[0] = copy(bufs[0][offset:], b)
	case <-d.closed:
		return 0, os.ErrClosed
	}
	for n := 1; ; n++ {
		if n == len(bufs) {
			return n, d.oddity
		}
		select {
		case b := <-d.in:
			sizes[n] = copy(bufs[n][offset:], b)
		default:
			return n, d.oddity
		}
	}
}

// Write is as rude as a real device: it grows and swaps the slots it was given, and loses what nobody takes.
func (d device) Write(bufs [][]byte, offset int) (int, error) {
	if d.fail != nil {
		return 0, d.fail
	}
	for i, b := range bufs {
		if len(b) == offset {
			return i, errors.New("an empty packet makes all of them fail")
		}
		select {
		case d.out <- append([]byte(nil), b[offset:]...):
		default:
		}
		bufs[i] = b[:cap(b)]
	}
	bufs[0], bufs[len(bufs)-1] = bufs[len(bufs)-1], bufs[0]
	return len(bufs), nil
}

func (c carrier) ReadBatch(b *packet.Batch) error {
	select {
	case p := <-c.in:
		b.Append(p)
	case <-c.closed:
		return net.ErrClosed
	}
	for !b.Full() {
		select {
		case p := <-c.in:
			b.Append(p)
		default:
			return nil
		}
	}
	return nil
}

func (c carrier) WriteBatch(b *packet.Batch) error {
	if c.fail != nil {
		return c.fail
	}
	for i := range b.Len() {
		c.out <- append([]byte(nil), b.Packet(i)...)
	}
	return nil
}

func (carrier) Overhead() int { return 0 }

// ip makes an IPv4 packet of size bytes with a number in it.
func ip(size int, number byte) []byte {
	p := make([]byte, size)
	p[0], p[size-1] = 0x45, number
	return p
}

func number(p []byte) byte { return p[len(p)-1] }

func TestBothWays(t *testing.T) {
	dev, c := device{newPipe()}, carrier{newPipe()}
	p := New(dev, 1400)
	p.SetCarrier(c)
	for i := range 200 {
		dev.in <- ip(100, byte(i))
		c.in <- ip(200, byte(i))
	}
	for i := range 200 {
		if got := number(<-c.out); got != byte(i) {
			t.Fatalf("out: packet %d is %d", i, got)
		}
		if got := <-dev.out; number(got) != byte(i) || len(got) != 200 {
			t.Fatalf("in: packet %d is %d, %d bytes", i, number(got), len(got))
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	want := Counters{TxBytes: 20000, RxBytes: 40000, TxPackets: 200, RxPackets: 200}
	if got := p.Counters(); got != want {
		t.Errorf("%+v", got)
	}
}

// What is no IP packet reaches neither side, and does not take others with it.
func TestGarbageIsDropped(t *testing.T) {
	dev, c := device{newPipe()}, carrier{newPipe()}
	p := New(dev, 1400)
	bad := [][]byte{{}, {0x45}, make([]byte, 60), append([]byte{0x60}, make([]byte, 30)...), append([]byte{0xff}, make([]byte, 60)...)}
	for _, b := range bad {
		dev.in <- b
		c.in <- b
	}
	dev.in <- ip(20, 1)
	c.in <- ip(20, 1)
	p.SetCarrier(c)
	if number(<-c.out) != 1 || number(<-dev.out) != 1 {
		t.Error("something else came through")
	}
	_ = p.Close()
	if got := p.Counters(); got.Drops != uint64(2*len(bad)) || got.TxPackets != 1 || got.RxPackets != 1 {
		t.Errorf("%+v", got)
	}
}

// Without a carrier the device is drained; the packets of the last two seconds go to the next carrier, in order.
func TestHoldsWithoutCarrier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev, c := device{newPipe()}, carrier{newPipe()}
		p := New(dev, 1400)
		dev.in <- ip(100, 1)
		time.Sleep(holdAge)
		for i := range 100 {
			dev.in <- ip(100, byte(2+i))
		}
		synctest.Wait()
		if len(dev.in) != 0 {
			t.Errorf("%d packets wait in the device", len(dev.in))
		}
		time.Sleep(time.Second)
		p.SetCarrier(c)
		synctest.Wait()
		for i := range 100 {
			if got := number(<-c.out); got != byte(2+i) {
				t.Fatalf("packet %d is %d", i, got)
			}
		}
		dev.in <- ip(100, 200)
		if got := number(<-c.out); got != 200 {
			t.Errorf("then came %d", got)
		}
		_ = p.Close()
		if got := p.Counters(); got.Drops != 1 || got.TxPackets != 101 {
			t.Errorf("%+v", got)
		}
	})
}

func TestHoldIsBounded(t *testing.T) {
	var h hold
	b := packet.New(32, 1500)
	forgot, now := 0, time.Now()
	for range 100 {
		b.Reset()
		for b.Append(ip(1500, 0)) {
		}
		forgot += h.put(b, now)
	}
	if h.bytes > holdBytes || h.bytes < holdBytes-1500 || forgot+len(h.packets) != 3200 {
		t.Errorf("%d bytes in %d packets, %d forgotten", h.bytes, len(h.packets), forgot)
	}
	if h.trim(now.Add(holdAge + 1)); h.bytes != 0 || h.packets != nil {
		t.Errorf("%d bytes are left", h.bytes)
	}
}

// A carrier that refuses ends nothing: what comes after is held for the next.
func TestFailedCarrierIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev, bad, good := device{newPipe()}, carrier{newPipe()}, carrier{newPipe()}
		bad.fail = net.ErrClosed
		p := New(dev, 1400)
		p.SetCarrier(bad)
		synctest.Wait()
		dev.in <- ip(100, 1)
		synctest.Wait()
		dev.in <- ip(100, 2)
		synctest.Wait()
		p.SetCarrier(good)
		if got := number(<-good.out); got != 2 {
			t.Errorf("packet %d came first", got)
		}
		_ = p.Close()
		if got := p.Counters(); got.Drops != 1 || got.TxPackets != 1 {
			t.Errorf("%+v", got)
		}
	})
}

// alone is a carrier that cannot be read by two at once, as a TLS connection cannot.
type alone struct {
	carrier
	reading *atomic.Int32
	t       *testing.T
}

func (a alone) ReadBatch(b *packet.Batch) error {
	if a.reading.Add(1) > 1 {
		a.t.Error("two read one carrier")
	}
	defer a.reading.Add(-1)
	return a.carrier.ReadBatch(b)
}

// Hold stops what goes out only: what comes is still delivered, by the one reader that there is before, meanwhile and after.
func TestHoldGoesOnReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev, c := device{newPipe()}, alone{carrier{newPipe()}, new(atomic.Int32), t}
		p := New(dev, 1400)
		p.SetCarrier(c)
		for round := range byte(3) {
			p.Hold()
			dev.in <- ip(100, round)
			for i := range byte(5) {
				c.in <- ip(100, i)
				if got := number(<-dev.out); got != i {
					t.Fatalf("held: packet %d is %d", i, got)
				}
			}
			synctest.Wait()
			if len(c.out) != 0 {
				t.Fatal("something was sent")
			}
			p.SetCarrier(c)
			if got := number(<-c.out); got != round {
				t.Fatalf("then came %d", got)
			}
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if got := p.Counters(); got != (Counters{TxBytes: 300, RxBytes: 1500, TxPackets: 3, RxPackets: 15}) {
			t.Errorf("%+v", got)
		}
	})
}

// A carrier that was replaced is read until its owner closes it, so that he sees how it ends; what comes on it reaches nobody.
func TestReplacedCarrierIsReadToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev, old, next := device{newPipe()}, carrier{newPipe()}, carrier{newPipe()}
		p := New(dev, 1400)
		p.SetCarrier(old)
		p.SetCarrier(next)
		for i := range byte(10) {
			old.in <- ip(100, i)
			synctest.Wait()
		}
		if len(old.in) != 0 || len(dev.out) != 0 {
			t.Errorf("%d packets wait, %d were delivered", len(old.in), len(dev.out))
		}
		_ = old.Close()
		next.in <- ip(100, 1)
		if got := number(<-dev.out); got != 1 {
			t.Errorf("packet %d", got)
		}
		_ = p.Close()
		if got := p.Counters(); got.Drops != 10 || got.RxPackets != 1 {
			t.Errorf("%+v", got)
		}
	})
}

// After SetCarrier returned nothing of the older carrier reaches the device.
func TestNothingOfAnOldCarrier(t *testing.T) {
	dev := device{newPipe()}
	p := New(dev, 1400)
	defer func() { _ = p.Close() }()
	for round := range byte(50) {
		old, next := carrier{newPipe()}, carrier{newPipe()}
		p.SetCarrier(old)
		stop := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			for {
				select {
				case old.in <- ip(64, 255):
				case <-stop:
					return
				}
			}
		})
		<-dev.out
		p.SetCarrier(next)
		for len(dev.out) > 0 {
			<-dev.out
		}
		next.in <- ip(64, round)
		if got := number(<-dev.out); got != round {
			t.Fatalf("round %d: a packet of the old carrier arrived", round)
		}
		close(stop)
		wg.Wait()
		_ = old.Close()
	}
}

func TestTooManySegmentsStillCarries(t *testing.T) {
	dev, c := device{newPipe()}, carrier{newPipe()}
	dev.oddity = errors.New("too many segments")
	p := New(dev, 1400)
	p.SetCarrier(c)
	for i := range 10 {
		dev.in <- ip(100, byte(i))
		if got := number(<-c.out); got != byte(i) {
			t.Fatalf("packet %d is %d", i, got)
		}
	}
	_ = p.Close()
}

func TestDeviceWriteErrorDropsTheBatchOnly(t *testing.T) {
	dev, c := device{newPipe()}, carrier{newPipe()}
	dev.fail = errors.New("odd packet")
	p := New(dev, 1400)
	p.SetCarrier(c)
	c.in <- ip(100, 1)
	dev.in <- ip(100, 2)
	if got := number(<-c.out); got != 2 {
		t.Errorf("packet %d", got)
	}
	for p.Counters().Drops == 0 {
		time.Sleep(time.Millisecond)
	}
	_ = p.Close()
}

// A device that ends by itself, or fails for good, is told of; one that is only odd at times is not.
func TestDeviceEndsByItself(t *testing.T) {
	for name, end := range map[string]func(device){
		"taken away": func(d device) { _ = d.Close() },
		"failing":    func(d device) { d.broken.Store(true); d.in <- ip(100, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dev, c := device{newPipe()}, carrier{newPipe()}
				dev.oddity = errors.New("too many segments")
				p := New(dev, 1400)
				p.SetCarrier(c)
				for range maxFailures - 1 {
					dev.in <- ip(100, 1)
					synctest.Wait()
				}
				select {
				case <-p.Ended():
					t.Fatal("told too early")
				default:
				}
				end(dev)
				<-p.Ended()
				c.in <- ip(100, 1)
				synctest.Wait()
				if len(c.in) != 0 {
					t.Error("the carrier is not read to its end")
				}
				_ = p.Close()
			})
		})
	}
}

// Close ends everything, whatever it waits for, and may come twice.
func TestCloseEndsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev, old, c := device{newPipe()}, carrier{newPipe()}, carrier{newPipe()}
		p := New(dev, 1400)
		p.SetCarrier(old)
		p.SetCarrier(c)
		synctest.Wait()
		if err := errors.Join(p.Close(), p.Close()); err != nil {
			t.Error(err)
		}
		p.SetCarrier(c)
	})
}

// A burst takes the large arena, calm gives it back; both carry.
func TestBurstAndCalm(t *testing.T) {
	dev, c := device{newPipe()}, carrier{newPipe()}
	for i := range 900 {
		c.in <- ip(300, byte(i))
	}
	p := New(dev, 1400)
	p.SetCarrier(c)
	for i := range 900 {
		if got := number(<-dev.out); got != byte(i) {
			t.Fatalf("packet %d is %d", i, got)
		}
	}
	for i := range 3 * calm {
		c.in <- ip(300, byte(i))
		if got := number(<-dev.out); got != byte(i) {
			t.Fatalf("calm: packet %d is %d", i, got)
		}
	}
	_ = p.Close()
}

// doubled is a carrier with a second way for packets to come.
type doubled struct {
	carrier
	beside *pipe
}

func (d doubled) Beside() protocol.Receiver { return carrier{d.beside} }

func (d doubled) Close() error {
	_ = d.beside.Close()
	return d.carrier.Close()
}

// TestTwoWays: what comes by either way of a carrier reaches the device, also when one of them has ended; Close ends both.
func TestTwoWays(t *testing.T) {
	dev, c := newPipe(), doubled{carrier{newPipe()}, newPipe()}
	p := New(device{dev}, 1400)
	p.SetCarrier(c)
	first, second := ip(40, 1), ip(60, 2)
	c.in <- first
	if got := <-dev.out; len(got) != 40 {
		t.Errorf("%d bytes", len(got))
	}
	_ = c.carrier.Close()
	c.beside.in <- second
	if got := <-dev.out; len(got) != 60 {
		t.Errorf("%d bytes", len(got))
	}
	if err := p.Close(); err != nil { // would wait for ever for a way that is left
		t.Error(err)
	}
}
