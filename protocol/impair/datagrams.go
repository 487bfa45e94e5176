package impair

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol/udpbatch"
)

// Bytes of the headers before a datagram: IPv4 or IPv6, and UDP.
const (
	before4 = 20 + 8
	before6 = 40 + 8
)

// Datagrams is a connected UDP socket that can be impaired: a net.Conn, and a udpbatch.Gate for who moves many at a time.
type Datagrams struct {
	faults *Faults
	inner  atomic.Pointer[net.Conn]
	before int
	out    *outbox
	once   sync.Once
}

var _ udpbatch.Gate = (*Datagrams)(nil)

// datagrams wraps a socket.
func (f *Faults) datagrams(c net.Conn, six bool) *Datagrams {
	d := &Datagrams{faults: f, before: before4}
	if six {
		d.before = before6
	}
	d.inner.Store(&c)
	d.out = newOutbox(func(b []byte) (int, error) {
		_, _ = d.conn().Write(b) // a lost datagram is no error; a closed socket says so elsewhere
		return len(b), nil
	})
	return d
}

func (d *Datagrams) conn() net.Conn { return *d.inner.Load() }

// Under lets what is below be moved (pollconn.Take). Nobody may be using the socket.
func (d *Datagrams) Under(move func(net.Conn) net.Conn) {
	c := move(d.conn())
	d.inner.Store(&c)
}

// Below is the socket itself.
func (d *Datagrams) Below() net.Conn { return d.conn() }

// Impaired reports whether anything is: while not, Out and In need not be called.
func (d *Datagrams) Impaired() bool { return d.faults.now.Load() != nil }

// lost reports whether a datagram of that size does not get through.
func (d *Datagrams) lost(r *rules, size int) bool {
	return r[DTLSDrop] != nil || r[LinkDown] != nil || r[MTU] != nil && size+d.before > r[MTU].Size || r[Loss].unlucky()
}

// In reports whether a datagram that came gets through.
func (d *Datagrams) In(size int) bool {
	r := d.faults.now.Load()
	return r == nil || !d.lost(r, size)
}

// Out takes datagrams that are to be sent and returns those that go now; what goes late goes by itself.
func (d *Datagrams) Out(list [][]byte) [][]byte {
	r := d.faults.now.Load()
	if r == nil {
		return list
	}
	now := make([][]byte, 0, len(list))
	for _, b := range list {
		switch {
		case d.lost(r, len(b)):
		case r[Latency] != nil:
			_, _, _ = d.out.put(b, time.Now().Add(r[Latency].Delay), nil) // without room it is lost
		default:
			now = append(now, b)
		}
	}
	return now
}

// Read takes the next datagram that gets through.
func (d *Datagrams) Read(b []byte) (int, error) {
	for {
		n, err := d.conn().Read(b)
		if err != nil || d.In(n) {
			return n, err
		}
	}
}

// Write sends one datagram.
func (d *Datagrams) Write(b []byte) (int, error) {
	if d.faults.now.Load() == nil {
		return d.conn().Write(b)
	}
	if len(d.Out([][]byte{b})) == 0 {
		return len(b), nil
	}
	return d.conn().Write(b)
}

// Close closes the socket; what was held is forgotten.
func (d *Datagrams) Close() error {
	err := net.ErrClosed
	d.once.Do(func() {
		d.out.close()
		err = d.conn().Close()
		d.out.wait()
	})
	return err
}

// LocalAddr is the socket's.
func (d *Datagrams) LocalAddr() net.Addr { return d.conn().LocalAddr() }

// RemoteAddr is the socket's.
func (d *Datagrams) RemoteAddr() net.Addr { return d.conn().RemoteAddr() }

// SetDeadline is the socket's.
func (d *Datagrams) SetDeadline(t time.Time) error { return d.conn().SetDeadline(t) }

// SetReadDeadline is the socket's.
func (d *Datagrams) SetReadDeadline(t time.Time) error { return d.conn().SetReadDeadline(t) }

// SetWriteDeadline is the socket's.
func (d *Datagrams) SetWriteDeadline(t time.Time) error { return d.conn().SetWriteDeadline(t) }

// SetReadBuffer is the socket's, where it has one.
func (d *Datagrams) SetReadBuffer(n int) error {
	if c, ok := d.conn().(interface{ SetReadBuffer(int) error }); ok {
		return c.SetReadBuffer(n)
	}
	return errors.ErrUnsupported
}

// SetWriteBuffer is the socket's, where it has one.
func (d *Datagrams) SetWriteBuffer(n int) error {
	if c, ok := d.conn().(interface{ SetWriteBuffer(int) error }); ok {
		return c.SetWriteBuffer(n)
	}
	return errors.ErrUnsupported
}
