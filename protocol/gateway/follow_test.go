package gateway

import (
	"bytes"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// tapped keeps copies of what is sent.
type tapped struct {
	net.Conn
	mu   sync.Mutex
	sent [][]byte
}

func (c *tapped) Write(b []byte) (int, error) {
	c.mu.Lock()
	c.sent = append(c.sent, bytes.Clone(b))
	c.mu.Unlock()
	return c.Conn.Write(b)
}

// last is the newest datagram.
func (c *tapped) last() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sent[len(c.sent)-1]
}

// tap makes a channel of which copies are kept.
func (d *doubleTunnel) tap() (*dtlstun.Channel, *tapped) {
	d.t.Helper()
	conn, err := d.r.dialUDP(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	c := &tapped{Conn: conn}
	ch, err := dtlstun.Dial(d.t.Context(), c, d.cfg)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = ch.Close() })
	return ch, c
}

// TestGatewayFollowsAClient whose translator forgot it: the first packet from the new port moves the channel, and nothing is asked.
func TestGatewayFollowsAClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		nat := r.pc.Link(1).NAT(netip.MustParseAddr("203.0.113.7"))
		d := r.upWithDTLS()
		ch := d.mustChannel()
		for seq := range uint16(5) {
			d.asks(ch, ch, seq)
			nat.RebindUDP()
		}
		began := time.Now()
		d.asks(ch, ch, 99)
		if took := time.Since(began); took > 20*time.Millisecond || r.transport() != "dtls" {
			t.Errorf("after %v by %s", took, r.transport())
		}
	})
}

// TestNobodyElseMovesAChannel: not with a copy of what was sent, nor with anything made up, be it from the client's own host.
func TestNobodyElseMovesAChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		d := r.upWithDTLS()
		ch, tap := d.tap()
		d.asks(ch, ch, 1)
		thief, err := r.pc.Dialer().DialUDP(t.Context(), netip.AddrPortFrom(gwAddr, 443), protocol.Path{})
		if err != nil {
			t.Fatal(err)
		}
		copied := tap.last()
		d.asks(ch, ch, 2)
		newer := bytes.Clone(copied)
		newer[9]++ // a number that was not used yet
		for _, b := range [][]byte{copied, newer, tap.last(), copied[:20], {23}} {
			if _, err := thief.Write(b); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		d.asks(ch, ch, 3)
		_ = thief.SetReadDeadline(time.Now().Add(time.Second))
		if n, err := thief.Read(make([]byte, 2048)); err == nil {
			t.Errorf("%d bytes went to somebody else", n)
		}
	})
}

// TestSuccessor: a channel goes on beside the handshake of its successor until that one is used, and what is still under way on it arrives.
func TestSuccessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		d := r.upWithDTLS()
		old := d.mustChannel()
		d.asks(old, old, 1)
		next := d.mustChannel()
		d.asks(old, old, 2)
		d.asks(next, next, 3)
		d.asks(old, next, 4) // sent late, answered by the new one
		time.Sleep(2 * drain)
		if err := old.ReadBatch(packet.New(1, 2048)); err == nil {
			t.Error("the old channel lives on")
		}
		d.asks(next, next, 5)
	})
}

// mover is a client whose port changes under it.
type mover struct {
	mu sync.Mutex
	net.Conn
}

func (m *mover) now() net.Conn {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.Conn
}

func (m *mover) Write(b []byte) (int, error) { return m.now().Write(b) }
func (m *mover) Read(b []byte) (int, error)  { return m.now().Read(b) }

func (m *mover) move(t *testing.T, r *rig) {
	t.Helper()
	c, err := r.dialUDP(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Conn = c
}

// TestKernelSockets: real sockets, where each client has one of its own, do all that the network in memory does.
func TestKernelSockets(t *testing.T) {
	r := newRealRig(t, nil)
	d := r.upWithDTLS()
	ch := d.mustChannel()
	d.asks(ch, ch, 1)
	if got := r.transport(); got != "dtls" {
		t.Errorf("by %s", got)
	}
	r.gw.eachWay(func(w *way) {
		if runtime.GOOS == "linux" && w.sock == nil {
			t.Error("the client has no socket of its own")
		}
	})
	m := &mover{}
	m.move(t, r)
	other, err := dtlstun.Dial(t.Context(), m, d.cfg)
	if err != nil {
		t.Fatal(err)
	}
	d.asks(other, other, 2)
	m.move(t, r)
	b := packet.New(1, 2048)
	b.Append(d.ping(inside4, 0))
	if err := other.WriteBatch(b); err != nil { // on Linux this one moves the channel and is lost
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	d.asks(other, other, 2)
	r.gw.BlockUDP(true)
	b.Reset()
	b.Append(d.ping(inside4, 3))
	if err := other.WriteBatch(b); err != nil {
		t.Fatal(err)
	}
	d.asks(d, d, 4)
	r.gw.BlockUDP(false)
	d.asks(other, other, 5)
	r.gw.HangDTLS()
	b.Reset()
	b.Append(d.ping(inside4, 3))
	if err := other.WriteBatch(b); err != nil {
		t.Fatal(err)
	}
	next := d.mustChannel()
	d.asks(next, next, 6)
	r.gw.DropDTLS()
	last := d.mustChannel()
	d.asks(last, last, 7)
	r.gw.LimitUDP(1000) // from here on datagram by datagram
	limited := d.mustChannel()
	d.asks(limited, limited, 8)
	if err := limited.WriteControl(dtlstun.TypeDPDReq, make([]byte, 1200)); err != nil {
		t.Fatal(err)
	}
	d.asks(limited, limited, 9)
	if d.heard(dtlstun.TypeDPDResp) {
		t.Error("what is longer than the limit was answered")
	}
}

// TestTLSDiesBesideDTLS: a tunnel lives as long as it is heard by either way, and no longer.
func TestTLSDiesBesideDTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const dpd = 4 * time.Second
		r := newRig(t, func(c *Config) { c.Settings.DPD = dpd })
		nat := r.pc.Link(1).NAT(netip.MustParseAddr("203.0.113.7"))
		d := r.upWithDTLS()
		ch := d.mustChannel()
		d.asks(ch, ch, 0)
		nat.Rebind()
		for seq := range uint16(60) {
			d.asks(ch, ch, seq)
			time.Sleep(time.Second)
		}
		if got := r.transport(); got != "dtls" {
			t.Errorf("a minute after TLS died: %q", got)
		}
		r.pc.Link(1).BlockUDP(true)
		time.Sleep(4 * dpd)
		if s := r.gw.Sessions()[0]; s.Active {
			t.Errorf("%v after UDP died, too: %v", 4*dpd, s)
		}
	})
}

// TestMisusedFrames: a client who is who he says may still send anything. What is no packet of his own goes nowhere, and his channel, or another, is all that ends.
func TestMisusedFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		good, bad := r.upWithDTLS(), r.upWithDTLS()
		fine := good.mustChannel()
		good.asks(fine, fine, 1)
		for kind := range 256 {
			ch := bad.mustChannel()
			for _, n := range []int{0, 1, 19, 1400, 1900, 15000} {
				if err := ch.WriteControl(dtlstun.Type(kind), make([]byte, n)); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(20 * time.Millisecond)
			_ = ch.Close()
		}
		good.asks(fine, fine, 2)
		time.Sleep(2 * drain)
		last := bad.mustChannel()
		bad.asks(last, last, 3)
		for _, s := range r.gw.Sessions() {
			if s.Rx.Packets > 2 {
				t.Errorf("something else went inside: %v", s)
			}
		}
	})
}
