package simnet

import (
	"cmp"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// window is how many bytes one direction of a stream takes before Write waits for the reader: 200 Mbit/s at a round trip of 40 ms.
const window = 1 << 20

// minRTO is the shortest retransmission time-out, that of Linux.
const minRTO = 200 * time.Millisecond

// maxRTO is where the time-out stops doubling.
const maxRTO = 120 * time.Second

// stream is one connection: ends[0] dialled, ends[1] was accepted.
type stream struct {
	n      *Net
	number uint64
	rng    *rand.Rand
	ends   [2]*end
	age    int // of the dialler's mapping when the stream was made
	packet int // the longest that either end sends, headers included
}

// newStream joins two links. n.mu is held.
func (n *Net) newStream(from, to *Link, local, remote netip.AddrPort, packet int) *stream {
	n.made++
	s := &stream{n: n, number: n.made, rng: rand.New(rand.NewPCG(n.seed, n.made)), age: from.mapping(), packet: packet}
	outside := netip.AddrPortFrom(from.outside(local.Addr()), local.Port())
	up, down := &pipe{s: s}, &pipe{s: s}
	s.ends[0] = &end{s: s, link: from, local: local, remote: remote, in: down, out: up, cond: sync.NewCond(&n.mu)}
	s.ends[1] = &end{s: s, link: to, local: remote, remote: outside, in: up, out: down, cond: sync.NewCond(&n.mu)}
	up.to, down.to = s.ends[1], s.ends[0]
	n.streams[s] = struct{}{}
	return s
}

// inOrder lists the streams by age, so that what happens to many happens in the same order every time. n.mu is held.
func (n *Net) inOrder() []*stream {
	all := make([]*stream, 0, len(n.streams))
	for s := range n.streams {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *stream) int { return cmp.Compare(a.number, b.number) })
	return all
}

// kick lets stalled streams go on that can. n.mu is held.
func (n *Net) kick() {
	for _, s := range n.inOrder() {
		if s.open() {
			s.ends[0].in.resume()
			s.ends[1].in.resume()
		}
	}
}

// open reports whether segments of the stream pass now.
func (s *stream) open() bool {
	return s.age == s.ends[0].link.mapping() && s.ends[0].link.works() && s.ends[1].link.works()
}

// carries reports whether a write of n bytes, cut into packets, passes both links: one that is lost for its length is lost every time it is sent.
func (s *stream) carries(n int) bool {
	const headers = 20 + 20
	longest := min(n+headers, s.packet)
	for _, e := range s.ends {
		if mtu := e.link.mtu; mtu > 0 && longest > mtu {
			return false
		}
	}
	return true
}

// delay is the time one segment takes now; lost says that it must be sent twice.
func (s *stream) delay() (d time.Duration, lost bool) {
	a, b := s.ends[0].link, s.ends[1].link
	loss := 1 - (1-a.loss)*(1-b.loss)
	return a.latency + b.latency, loss > 0 && s.rng.Float64() < loss
}

// rto is the stream's retransmission time-out.
func (s *stream) rto() time.Duration {
	return max(minRTO, 4*(s.ends[0].link.latency+s.ends[1].link.latency))
}

// end is one side of a stream: a net.Conn.
type end struct {
	s             *stream
	link          *Link
	local, remote netip.AddrPort
	in, out       *pipe
	cond          *sync.Cond // anything of this end changed
	closed        bool
	finished      bool  // nothing is written any more
	err           error // reset, or the network was closed
	rd, wd        deadline
}

var _ net.Conn = (*end)(nil)

// Read returns what has arrived.
func (e *end) Read(b []byte) (int, error) {
	e.s.n.mu.Lock()
	defer e.s.n.mu.Unlock()
	for {
		switch {
		case e.closed:
			return 0, e.error("read", net.ErrClosed)
		case e.rd.expired():
			return 0, e.error("read", os.ErrDeadlineExceeded)
		case e.err != nil:
			return 0, e.error("read", e.err)
		case len(b) == 0:
			return 0, nil
		case e.in.ready > 0:
			return e.in.take(b), nil
		case e.in.eof:
			return 0, io.EOF
		}
		e.cond.Wait()
	}
}

// Write returns when everything is under way: at most window bytes are, unread, at a time.
func (e *end) Write(b []byte) (int, error) {
	e.s.n.mu.Lock()
	defer e.s.n.mu.Unlock()
	done := 0
	for {
		switch {
		case e.closed:
			return done, e.error("write", net.ErrClosed)
		case e.wd.expired():
			return done, e.error("write", os.ErrDeadlineExceeded)
		case e.err != nil:
			return done, e.error("write", e.err)
		case e.finished:
			return done, e.error("write", syscall.EPIPE)
		case done == len(b):
			return done, nil
		}
		if room := window - len(e.out.buf); room > 0 {
			k := min(room, len(b)-done)
			e.out.send(b[done : done+k])
			done += k
			continue
		}
		e.cond.Wait()
	}
}

// Close ends both directions. What was written still arrives, then the peer reads EOF; what the peer sends from now on is answered with a reset.
func (e *end) Close() error {
	e.s.n.mu.Lock()
	defer e.s.n.mu.Unlock()
	if e.closed {
		return e.error("close", net.ErrClosed)
	}
	e.finish()
	e.shut()
	return nil
}

// CloseWrite ends what this end sends; it can still read.
func (e *end) CloseWrite() error {
	e.s.n.mu.Lock()
	defer e.s.n.mu.Unlock()
	if e.closed {
		return e.error("close", net.ErrClosed)
	}
	e.finish()
	return nil
}

// finish sends the end of the stream once. n.mu is held.
func (e *end) finish() {
	if e.err == nil && !e.finished {
		e.finished = true
		e.out.finish()
	}
}

// abort ends this side as a killed process does, and tells the peer. n.mu is held.
func (e *end) abort() {
	if e.err == nil {
		e.err = syscall.ECONNRESET
		e.reset()
	}
	e.shut()
}

// shut marks the end closed and forgets a stream that nobody holds any more. n.mu is held.
func (e *end) shut() {
	e.closed = true
	e.rd.clear()
	e.wd.clear()
	e.cond.Broadcast()
	if e.s.ends[0].closed && e.s.ends[1].closed {
		delete(e.s.n.streams, e.s)
		e.in.due.stop()
		e.out.due.stop()
	}
}

// reset sends a reset to the peer; nobody sends it again when it is lost. n.mu is held.
func (e *end) reset() {
	d, lost := e.s.delay()
	if lost || !e.s.open() {
		return
	}
	peer := e.out.to
	e.s.n.after(d, func() {
		if e.s.open() {
			peer.fail(syscall.ECONNRESET)
		}
	})
}

// fail makes every Read and Write of this end fail. n.mu is held.
func (e *end) fail(err error) {
	if e.err == nil {
		e.err = err
	}
	e.rd.clear()
	e.wd.clear()
	e.cond.Broadcast()
}

// LocalAddr is the host's own address, inside a translator.
func (e *end) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(e.local) }

// RemoteAddr is the peer's address as it looks from here.
func (e *end) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(e.remote) }

// SetDeadline sets both deadlines.
func (e *end) SetDeadline(t time.Time) error { return e.setDeadline(t, &e.rd, &e.wd) }

// SetReadDeadline sets the deadline of Read.
func (e *end) SetReadDeadline(t time.Time) error { return e.setDeadline(t, &e.rd) }

// SetWriteDeadline sets the deadline of Write.
func (e *end) SetWriteDeadline(t time.Time) error { return e.setDeadline(t, &e.wd) }

func (e *end) setDeadline(t time.Time, ds ...*deadline) error {
	e.s.n.mu.Lock()
	defer e.s.n.mu.Unlock()
	if e.closed {
		return e.error("set", net.ErrClosed)
	}
	for _, d := range ds {
		d.clear()
		d.at = t
		if left := time.Until(t); !t.IsZero() && left > 0 {
			d.due = e.s.n.after(left, e.cond.Broadcast)
		}
	}
	e.cond.Broadcast()
	return nil
}

func (e *end) error(op string, err error) error {
	return opError(op, e.LocalAddr(), e.RemoteAddr(), err)
}

// deadline is a point in time and the event that wakes the waiters then.
type deadline struct {
	at  time.Time
	due *event
}

func (d *deadline) expired() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func (d *deadline) clear() {
	d.due.stop()
	d.due, d.at = nil, time.Time{}
}
