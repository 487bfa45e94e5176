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

// way is what one client's datagrams come and go by, wherever the client is at the moment: where there can be one, a socket of the kernel's for this client alone; else it is itself a
// net.Conn, made of the socket that all share.
type way struct {
	s    *outlet
	sock *net.UDPConn // nil: none of its own
	at   atomic.Pointer[netip.AddrPort]
	ch   atomic.Pointer[channel] // nil until the handshake is done
	hung atomic.Bool             // nothing goes out, and what comes is of no use

	mu       sync.Mutex
	more     *sync.Cond
	in, free [][]byte
	closed   bool
	deadline time.Time
	alarm    *time.Timer
}

// conn is what to read from and write to.
func (w *way) conn() net.Conn {
	if w.sock != nil {
		return w.sock
	}
	return w
}

// cut makes a socket of the way's own lose everything, both ways, or ends that: it is made to talk to nobody.
func (w *way) cut(on bool) {
	if w.sock == nil {
		return
	}
	to := *w.at.Load()
	if on {
		const discard = 9
		to = netip.AddrPortFrom(w.sock.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), discard)
	}
	_ = reconnect(w.sock, to)
}

// feed takes a datagram from the reader of the socket that all share, or drops it.
func (w *way) feed(d []byte) {
	if w.sock != nil || w.hung.Load() {
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

// Close ends the way; the socket that all share goes on.
func (w *way) Close() error {
	w.s.forget(w)
	if w.sock != nil {
		_ = w.sock.Close()
	}
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
