//go:build !race

// The race detector makes pools forget on purpose: allocations are counted without it.

package dataplane

import (
	"os"
	"testing"

	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// loop is a device and a carrier that hand the same packets over and over, a batch per token, and count what comes back; they allocate nothing.
type loop struct {
	p      []byte
	n      int
	tokens chan struct{}
	got    chan int
	closed chan struct{}
}

func newLoop(n int) *loop {
	return &loop{p: syn(1460, 0), n: n, tokens: make(chan struct{}), got: make(chan int, 64), closed: make(chan struct{})}
}

func (l *loop) wait() bool {
	select {
	case <-l.tokens:
		return true
	case <-l.closed:
		return false
	}
}

type (
	loopDevice  struct{ *loop }
	loopCarrier struct{ *loop }
)

func (l loopDevice) BatchSize() int { return l.n }
func (l loopDevice) Close() error   { close(l.closed); return nil }

func (l loopDevice) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	if !l.wait() {
		return 0, os.ErrClosed
	}
	for i := range l.n {
		sizes[i] = copy(bufs[i][offset:], l.p)
	}
	return l.n, nil
}

func (l loopDevice) Write(bufs [][]byte, _ int) (int, error) {
	l.got <- len(bufs)
	return len(bufs), nil
}

func (l loopCarrier) Close() error  { close(l.closed); return nil }
func (l loopCarrier) Overhead() int { return 0 }

func (l loopCarrier) ReadBatch(b *packet.Batch) error {
	if !l.wait() {
		return os.ErrClosed
	}
	for range l.n {
		if !b.Append(l.p) {
			break
		}
	}
	return nil
}

func (l loopCarrier) WriteBatch(b *packet.Batch) error {
	l.got <- b.Len()
	return nil
}

func TestPumpDoesNotAllocate(t *testing.T) {
	dev, car := newLoop(32), newLoop(32)
	p := New(loopDevice{dev}, 1400)
	p.SetCarrier(loopCarrier{car})
	for name, run := range map[string]func(){
		"out": func() { dev.tokens <- struct{}{}; <-car.got },
		"in":  func() { car.tokens <- struct{}{}; <-dev.got },
	} {
		run()
		if n := testing.AllocsPerRun(200, run); n != 0 {
			t.Errorf("%s: %v allocations per batch of 32", name, n)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}
