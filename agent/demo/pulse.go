package demo

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol/netstack"
)

const (
	beat  = 20 * time.Millisecond
	block = 4096 // bytes the stream sends at each beat
)

// pulse is what a user would notice of the tunnel: a datagram to the inside echo at every beat, and one TCP connection whose every byte comes back in order.
type pulse struct {
	mu     sync.Mutex
	beats  []time.Time // when answers came
	broken error       // why the stream ended

	sent, received atomic.Uint64
	cancel         context.CancelFunc
	running        sync.WaitGroup
}

// startPulse begins both on the stack. It ends with stop.
func startPulse(ctx context.Context, s *netstack.Stack, echo netip.AddrPort) (*pulse, error) {
	udp, err := s.DialUDP(echo)
	if err != nil {
		return nil, err
	}
	tcp, err := s.DialTCP(ctx, echo)
	if err != nil {
		return nil, errors.Join(err, udp.Close())
	}
	ctx, cancel := context.WithCancel(ctx)
	p := &pulse{cancel: cancel}
	p.running.Go(func() { p.ask(ctx, udp) })
	p.running.Go(func() { p.hear(udp) })
	p.running.Go(func() { p.write(ctx, tcp) })
	p.running.Go(func() { p.read(tcp) })
	p.running.Go(func() {
		<-ctx.Done()
		_ = udp.Close()
		_ = tcp.Close()
	})
	return p, nil
}

// stop ends the pulse and waits for it.
func (p *pulse) stop() {
	p.cancel()
	p.running.Wait()
}

func (p *pulse) ask(ctx context.Context, c net.Conn) {
	t := time.NewTicker(beat)
	defer t.Stop()
	for ctx.Err() == nil {
		_, _ = c.Write([]byte("beat")) // what is lost is what the demo shows
		select {
		case <-t.C:
		case <-ctx.Done():
		}
	}
}

func (p *pulse) hear(c net.Conn) {
	buf := make([]byte, 16)
	for {
		if _, err := c.Read(buf); err != nil {
			if errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) {
				return
			}
			time.Sleep(beat) // an unreachable port is told once per datagram
			continue
		}
		p.mu.Lock()
		p.beats = append(p.beats, time.Now())
		p.mu.Unlock()
	}
}

// write sends numbered words for as long as the stream lives.
func (p *pulse) write(ctx context.Context, c net.Conn) {
	t := time.NewTicker(beat)
	defer t.Stop()
	var next uint64
	buf := make([]byte, block)
	for ctx.Err() == nil {
		for i := 0; i < block; i += 8 {
			binary.BigEndian.PutUint64(buf[i:], next)
			next++
		}
		n, err := c.Write(buf)
		p.sent.Add(uint64(n))
		if err != nil {
			return
		}
		select {
		case <-t.C:
		case <-ctx.Done():
		}
	}
}

// read checks that every word comes back in order.
func (p *pulse) read(c net.Conn) {
	word := make([]byte, 8)
	for want := uint64(0); ; want++ {
		_, err := io.ReadFull(c, word)
		if err == nil && binary.BigEndian.Uint64(word) != want {
			err = errors.New("a byte came back in the wrong place")
		}
		if err != nil {
			p.mu.Lock()
			p.broken = err
			p.mu.Unlock()
			return
		}
		p.received.Add(8)
	}
}

// continues puts what was heard of the session before in front, so that the strip shows both.
func (p *pulse) continues(was *pulse) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.beats = append(was.beats, p.beats...)
}

// intact waits until everything that had been sent at the call has come back. Its error says what did not.
func (p *pulse) intact(ctx context.Context, within time.Duration) error {
	sent, end := p.sent.Load(), time.Now().Add(within)
	for p.received.Load() < sent && time.Now().Before(end) && ctx.Err() == nil {
		_ = pause(ctx, beat)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if back := p.received.Load(); p.broken == nil && back < sent {
		return fmt.Errorf("%d of %d bytes came back in %s", back, sent, within)
	}
	return p.broken
}

// back waits for an answer after t and returns when traffic was back: the end of the longest pause since then. An answer that was already on its way when
// something broke does not count as its end.
func (p *pulse) back(ctx context.Context, t time.Time, within time.Duration) (time.Time, bool) {
	const settled = 300 * time.Millisecond
	for end := t.Add(within); ; {
		p.mu.Lock()
		last, longest, at := t, time.Duration(0), time.Time{}
		for _, b := range p.beats {
			if b.After(t) && b.Sub(last) > longest {
				longest, at = b.Sub(last), b
			}
			if b.After(t) {
				last = b
			}
		}
		p.mu.Unlock()
		now := time.Now()
		if !at.IsZero() && now.Sub(last) < 5*beat && now.Sub(t) > settled && now.Sub(last) < longest {
			return at, true
		}
		if now.After(end) || pause(ctx, beat) != nil {
			return t, false
		}
	}
}

// strip says for each tenth of a second from one time to another whether most answers came.
func (p *pulse) strip(from, to time.Time) []bool {
	const cell = 100 * time.Millisecond
	heard := make([]int, max(0, int(to.Sub(from)/cell)))
	p.mu.Lock()
	for _, b := range p.beats {
		if i := int(b.Sub(from) / cell); b.After(from) && i < len(heard) {
			heard[i]++
		}
	}
	p.mu.Unlock()
	cells := make([]bool, len(heard))
	for i, n := range heard {
		cells[i] = n > int(cell/beat)/2
	}
	return cells
}
