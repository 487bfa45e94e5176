package gateway

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// wayQueue is how many datagrams of one client may wait for its reader; more are dropped.
const wayQueue = 512

// maxDatagram is the longest datagram that means anything: a packet of full size in a record, and to spare.
const maxDatagram = 2048

// way is what one client's datagrams come and go by: a net.Conn made of the socket that all share and the address that the client has at the moment.
type way struct {
	s    *outlet
	at   atomic.Pointer[netip.AddrPort]
	hung atomic.Bool // nothing goes out, and what comes is of no use

	mu       sync.Mutex
	more     *sync.Cond
	in, free [][]byte
	closed   bool
	deadline time.Time
	alarm    *time.Timer
}

func newWay(s *outlet, at netip.AddrPort) *way {
	w := &way{s: s}
	w.more = sync.NewCond(&w.mu)
	w.at.Store(&at)
	return w
}

// feed takes a datagram from the socket's reader, or drops it.
func (w *way) feed(d []byte) {
	if w.hung.Load() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || len(w.in) == wayQueue {
		return
	}
	var b []byte
	if k := len(w.free); k > 0 {
		b, w.free = w.free[k-1], w.free[:k-1]
	}
	w.in = append(w.in, append(b[:0], d...))
	w.more.Signal()
}

// Read takes the next datagram; what does not fit into b is lost.
func (w *way) Read(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		switch {
		case w.closed:
			return 0, net.ErrClosed
		case !w.deadline.IsZero() && !time.Now().Before(w.deadline):
			return 0, os.ErrDeadlineExceeded
		case len(w.in) > 0:
			d := w.in[0]
			w.in = append(w.in[:0], w.in[1:]...)
			w.free = append(w.free, d)
			return copy(b, d), nil
		}
		w.more.Wait()
	}
}

// Write sends a datagram to where the client is now.
func (w *way) Write(b []byte) (int, error) {
	if w.hung.Load() {
		return len(b), nil
	}
	return w.s.send(b, *w.at.Load())
}

// Close ends the way; the socket goes on.
func (w *way) Close() error {
	w.s.forget(w)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.in, w.free = nil, nil
	if w.alarm != nil {
		w.alarm.Stop()
	}
	w.more.Broadcast()
	return nil
}

// LocalAddr is the socket's.
func (w *way) LocalAddr() net.Addr { return w.s.LocalAddr() }

// RemoteAddr is where the client is now.
func (w *way) RemoteAddr() net.Addr { return net.UDPAddrFromAddrPort(*w.at.Load()) }

// SetDeadline sets the deadline of reading; writing does not wait.
func (w *way) SetDeadline(t time.Time) error { return w.SetReadDeadline(t) }

// SetWriteDeadline does nothing: writing does not wait.
func (w *way) SetWriteDeadline(time.Time) error { return nil }

// SetReadDeadline sets the deadline of reading.
func (w *way) SetReadDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return net.ErrClosed
	}
	if w.alarm != nil {
		w.alarm.Stop()
	}
	if w.deadline = t; !t.IsZero() {
		w.alarm = time.AfterFunc(time.Until(t), func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.more.Broadcast()
		})
	}
	w.more.Broadcast()
	return nil
}
