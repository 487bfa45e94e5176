package impair

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// retransmission is how late what TCP has lost comes (RFC 6298 §2: the least that Linux waits).
const retransmission = 200 * time.Millisecond

// Stream is a TCP connection that can be impaired, for one reader and one writer.
type Stream struct {
	faults *Faults
	number uint64
	inner  atomic.Pointer[net.Conn]
	out    *outbox
	broken atomic.Bool
	once   sync.Once

	mu       sync.Mutex
	finish   time.Time     // of Write
	deadline time.Time     // of Read
	moved    chan struct{} // closed and made anew when deadline changes
}

// stream wraps a connection.
func (f *Faults) stream(c net.Conn) *Stream {
	s := &Stream{faults: f, number: f.sockets.Add(1), moved: make(chan struct{})}
	s.inner.Store(&c)
	s.out = newOutbox(func(b []byte) (int, error) { return s.conn().Write(b) })
	f.mu.Lock()
	f.streams[s] = struct{}{}
	f.mu.Unlock()
	return s
}

func (s *Stream) conn() net.Conn { return *s.inner.Load() }

// Under lets what is below be moved (pollconn.Take). Nobody may be using the connection.
func (s *Stream) Under(move func(net.Conn) net.Conn) {
	c := move(s.conn())
	s.inner.Store(&c)
}

// stalls is the rule by which this connection stands still, nil when it does not.
func (s *Stream) stalls(r *rules) *rule {
	switch {
	case r == nil:
		return nil
	case r[LinkDown] != nil:
		return r[LinkDown]
	case r[TLSStall] != nil && s.number <= r[TLSStall].since:
		return r[TLSStall]
	}
	return nil
}

// Read reads. What came while the connection stands still is handed on when that is over.
func (s *Stream) Read(b []byte) (int, error) {
	n, err := s.conn().Read(b)
	if s.broken.Load() {
		return 0, reset("read")
	}
	for {
		stop := s.stalls(s.faults.now.Load())
		if stop == nil {
			return n, err
		}
		if err := s.await(stop.over); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) && n > 0 {
				break // bytes are in hand: better early than lost
			}
			return 0, err
		}
	}
	return n, err
}

// await waits for the end of a rule, of the connection, or for the deadline of Read.
func (s *Stream) await(over <-chan struct{}) error {
	for {
		s.mu.Lock()
		deadline, moved := s.deadline, s.moved
		s.mu.Unlock()
		var due <-chan time.Time
		if !deadline.IsZero() {
			t := time.NewTimer(time.Until(deadline))
			defer t.Stop()
			due = t.C
		}
		select {
		case <-over:
			return nil
		case <-s.out.closed:
			return net.ErrClosed
		case <-due:
			return os.ErrDeadlineExceeded
		case <-moved:
			if s.broken.Load() {
				return reset("read")
			}
		}
	}
}

// Write writes, now or later. It waits only when more is held than a socket's buffer would take.
func (s *Stream) Write(b []byte) (int, error) {
	r := s.faults.now.Load()
	if r == nil && !s.out.busy.Load() {
		return s.conn().Write(b)
	}
	var over <-chan struct{}
	var late time.Duration
	if stop := s.stalls(r); stop != nil {
		over = stop.over
	}
	if r != nil && r[Latency] != nil {
		late += r[Latency].Delay
	}
	if r != nil && r[Loss].unlucky() {
		late += retransmission
	}
	if late == 0 && over == nil && !s.out.busy.Load() {
		return s.conn().Write(b)
	}
	due := time.Now().Add(late)
	for {
		if s.broken.Load() {
			return 0, reset("write")
		}
		room, ok, err := s.out.put(b, due, over)
		switch {
		case err != nil:
			return 0, err
		case ok:
			return len(b), nil
		}
		select {
		case <-room:
		case <-s.out.closed:
			return 0, net.ErrClosed
		}
	}
}

// past is a deadline with which what waits returns.
var past = time.Unix(1, 0)

// reset ends the connection as its peer or somebody on the way would. The lock of Faults is held: it is no call of the connection's own goroutines.
func (s *Stream) reset() {
	s.broken.Store(true)
	_ = s.conn().SetDeadline(past)
	s.mu.Lock()
	close(s.moved)
	s.moved = make(chan struct{})
	s.mu.Unlock()
}

func reset(op string) error { return &net.OpError{Op: op, Net: "tcp", Err: syscall.ECONNRESET} }

// Close closes the connection; what was held is forgotten.
func (s *Stream) Close() error {
	err := net.ErrClosed
	s.once.Do(func() {
		s.faults.mu.Lock()
		delete(s.faults.streams, s)
		s.faults.mu.Unlock()
		s.out.close()
		err = s.conn().Close()
		s.out.wait()
	})
	return err
}

// CloseWrite ends what is sent, where the connection below can. What is to be sent later comes first, until the deadline of Write.
func (s *Stream) CloseWrite() error {
	s.mu.Lock()
	finish := s.finish
	s.mu.Unlock()
	if !s.out.empty(finish) {
		return os.ErrDeadlineExceeded
	}
	half, ok := s.conn().(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}

// SetLinger is the connection's, where it has one.
func (s *Stream) SetLinger(sec int) error {
	c, ok := s.conn().(interface{ SetLinger(sec int) error })
	if !ok {
		return errors.ErrUnsupported
	}
	return c.SetLinger(sec)
}

// SyscallConn is that of the connection below, for its options.
func (s *Stream) SyscallConn() (syscall.RawConn, error) {
	c, ok := s.conn().(syscall.Conn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return c.SyscallConn()
}

// LocalAddr is the connection's.
func (s *Stream) LocalAddr() net.Addr { return s.conn().LocalAddr() }

// RemoteAddr is the connection's.
func (s *Stream) RemoteAddr() net.Addr { return s.conn().RemoteAddr() }

// SetDeadline sets both.
func (s *Stream) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}

// SetReadDeadline sets that of Read, which holds while the connection stands still too.
func (s *Stream) SetReadDeadline(t time.Time) error {
	s.mu.Lock()
	s.deadline = t
	close(s.moved)
	s.moved = make(chan struct{})
	s.mu.Unlock()
	err := s.conn().SetReadDeadline(t)
	if s.broken.Load() {
		return s.conn().SetReadDeadline(past) // nobody waits on what is broken
	}
	return err
}

// SetWriteDeadline sets that of the connection below, and of CloseWrite.
func (s *Stream) SetWriteDeadline(t time.Time) error {
	s.mu.Lock()
	s.finish = t
	s.mu.Unlock()
	return s.conn().SetWriteDeadline(t)
}
