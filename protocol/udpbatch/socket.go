package udpbatch

import (
	"errors"
	"net"
	"sync/atomic"
)

const (
	// maxDatagram is the longest UDP payload over IPv4, and with it the longest run.
	maxDatagram = 65507
	// maxSegments is how many datagrams the oldest kernel with UDP_SEGMENT cuts a run into.
	maxSegments = 64
	// buffers is how much the kernel is asked to hold each way, in bytes: 20 ms of 1.6 Gbit/s.
	buffers = 4 << 20
)

// Socket is a connected socket. Make one with New.
type Socket struct {
	conn   net.Conn
	fast   *fast // nil: one datagram a call
	gate   Gate  // nil without one; only with fast: else it is asked by conn itself
	tooBig atomic.Bool

	// The receiver's own.
	buf     []byte // without fast: where datagrams go
	pending []byte // what is left of a message
	segment int    // its datagrams' size
	gated   bool   // the gate has to be asked for each
}

// Gate is a net.Conn around a socket that may lose datagrams or send them later (protocol/impair). Its own Read and Write do that for one datagram; who moves many at a time goes to the
// socket below and asks.
type Gate interface {
	Below() net.Conn
	// Impaired reports whether In and Out must be asked at all. It is asked once a batch.
	Impaired() bool
	// In reports whether a datagram that came gets through.
	In(size int) bool
	// Out returns those that go now. It keeps none of them, and leaves the list as it is.
	Out(datagrams [][]byte) [][]byte
}

// New takes a connected socket over. It sets options for speed, which may fail without harm, and on Linux the rule that datagrams are never cut on their way
// (IP_PMTUDISC_PROBE).
func New(conn net.Conn) *Socket {
	s := &Socket{conn: conn}
	if c, ok := conn.(interface {
		SetReadBuffer(int) error
		SetWriteBuffer(int) error
	}); ok {
		_, _ = c.SetReadBuffer(buffers), c.SetWriteBuffer(buffers)
	}
	if g, ok := conn.(Gate); ok {
		s.gate, conn = g, g.Below()
	}
	s.fast = newFast(conn)
	if s.fast == nil {
		s.gate = nil
		s.buf = make([]byte, maxDatagram+1)
	}
	return s
}

// Receive waits for datagrams, for Next to return. Error: the socket's end.
func (s *Socket) Receive() error {
	if s.fast != nil {
		err := s.fast.receive(true)
		s.gated = s.gate != nil && s.gate.Impaired()
		return err
	}
	for {
		n, err := s.conn.Read(s.buf)
		if err == nil {
			s.pending, s.segment = s.buf[:n], n
			return nil
		}
		if !passes(err) {
			return err
		}
	}
}

// More gets what has come in the meantime, for Next to return, and does not wait. It asks the system only if the last call left something there, as far as one can tell. more: there may
// be something. Error: the socket's end.
func (s *Socket) More() (more bool, err error) {
	if s.fast == nil || !s.fast.filled() {
		return false, nil
	}
	err = s.fast.receive(false)
	return s.fast.came > 0, err
}

// Next returns the next datagram of the last Receive, nil if there is none. It may be written to, and is valid until Receive or More is called. Empty datagrams are left
// out.
func (s *Socket) Next() []byte {
	for {
		for len(s.pending) == 0 {
			if s.fast == nil {
				return nil
			}
			var ok bool
			if s.pending, s.segment, ok = s.fast.next(); !ok {
				return nil
			}
		}
		n := min(s.segment, len(s.pending))
		d := s.pending[:n:n]
		s.pending = s.pending[n:]
		if !s.gated || s.gate.In(n) {
			return d
		}
	}
}

// Send sends datagrams in their order. They must not be empty. Error: the socket's end.
func (s *Socket) Send(datagrams [][]byte) error {
	if s.gate != nil && s.gate.Impaired() {
		if datagrams = s.gate.Out(datagrams); len(datagrams) == 0 {
			return nil
		}
	}
	if s.fast != nil {
		big, err := s.fast.send(datagrams)
		if big {
			s.tooBig.Store(true)
		}
		return err
	}
	for _, d := range datagrams {
		if err := s.Write(d); err != nil {
			return err
		}
	}
	return nil
}

// Write sends one datagram. Any goroutine may call it, beside Send too. Error: the socket's end.
func (s *Socket) Write(d []byte) error {
	_, err := s.conn.Write(d)
	if err == nil || !passes(err) {
		return err
	}
	if errors.Is(err, errTooBig) {
		s.tooBig.Store(true)
	}
	return nil
}

// TooBig reports whether a datagram did not fit the way out since the last call.
func (s *Socket) TooBig() bool { return s.tooBig.Swap(false) }

// Conn is the socket itself.
func (s *Socket) Conn() net.Conn { return s.conn }

// Close closes the socket. It ends Receive and Send.
func (s *Socket) Close() error { return s.conn.Close() }

// run is how many datagrams at the head of d can go as one: equal in size, but the last may be shorter. At least one.
func run(d [][]byte) int {
	size, total, n := len(d[0]), len(d[0]), 1
	for n < min(len(d), maxSegments) {
		l := len(d[n])
		if l > size || total+l > maxDatagram {
			break
		}
		total += l
		n++
		if l < size {
			break
		}
	}
	return n
}
