package gateway

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/cstp"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// outQueue is how many packets to a client wait for its connection before more are dropped. It is long, and costs 3 MB per tunnel: with less, what a TCP connection sends in its
// first seconds over a path of 40 ms is lost in such runs that it takes minutes to recover.
const outQueue = 1024

// tunnel is a session's connection. session and settings are set by attach, the stream by run.
type tunnel struct {
	conn     *conn
	session  *session
	settings *protocol.Settings
	begun    time.Time
	number   int32        // among the session's tunnels
	cipher   string       // of the TLS connection
	data     atomic.Int64 // when user data last passed, since begun

	udp datagrams

	mu     sync.Mutex
	stream *cstp.Stream  // nil until the answer to CONNECT is out
	fill   *packet.Batch // packets to the client
	ended  bool

	ready    chan struct{}   // one token: fill is not empty
	ctx      context.Context // ends with run
	stop     context.CancelFunc
	channels sync.WaitGroup // goroutines of DTLS
}

func newTunnel(c *conn) *tunnel {
	t := &tunnel{conn: c, begun: time.Now(), ready: make(chan struct{}, 1), udp: datagrams{ways: map[*way]struct{}{}}}
	t.ctx, t.stop = context.WithCancel(context.Background())
	return t
}

// run moves packets until the connection ends and returns why.
func (t *tunnel) run(residual []byte) error {
	t.mu.Lock()
	if t.ended {
		t.mu.Unlock()
		t.endChannels()
		return errors.New("replaced at once")
	}
	t.stream = cstp.NewStream(t.conn.tls, t.conn.cork, residual)
	t.fill = packet.New(outQueue, t.longest())
	t.mu.Unlock()
	var wg sync.WaitGroup
	wg.Go(t.write)
	wg.Go(t.control)
	err := t.read()
	t.endChannels()
	_ = t.stream.Close()
	wg.Wait()
	return err
}

// read hands the client's packets to the inside. A client that sends by TLS wants to be answered there.
func (t *tunnel) read() error {
	b := packet.New(64, maxDatagram)
	for {
		b.Reset()
		if err := t.stream.ReadBatch(b); err != nil {
			return err
		}
		if t.udp.live.Load() != nil {
			t.udp.live.Store(nil)
		}
		if err := t.toInside(b); err != nil {
			return err
		}
	}
}

// toInside hands packets to the inside, those with a source that is the session's.
func (t *tunnel) toInside(b *packet.Batch) error {
	rx := &t.session.rx
	if foreign := b.Filter(t.own); foreign > 0 {
		rx.drops.Add(uint64(foreign))
	}
	if b.Len() == 0 {
		return nil
	}
	rx.addBatch(b)
	t.data.Store(int64(time.Since(t.begun)))
	return t.conn.g.cfg.Inside.Write(b)
}

// own reports whether a packet comes from the session's address.
func (t *tunnel) own(p []byte) bool {
	from, _, ok := endpoints(p)
	return ok && t.owns(from)
}

// owns reports whether an address is the client's.
func (t *tunnel) owns(a netip.Addr) bool {
	for _, p := range t.settings.Addresses {
		if p.Addr() == a {
			return true
		}
	}
	return false
}

// deliver takes packets to the client: by DTLS at once, or to the queue of TLS. What is longer than the tunnel's MTU, or finds no room, is dropped. The router calls
// it; b is its own again afterwards, with other bytes in it.
func (t *tunnel) deliver(b *packet.Batch) {
	tx := &t.session.tx
	if long := b.Filter(t.short); long > 0 {
		tx.drops.Add(uint64(long))
	}
	c := t.udp.live.Load()
	if c == nil || b.Len() == 0 {
		t.enqueue(b)
		return
	}
	packets, bytes := volume(b)
	if err := c.WriteBatch(b); err != nil {
		t.leave(c)
		tx.drops.Add(packets)
		return
	}
	tx.addVolume(packets, bytes)
	t.data.Store(int64(time.Since(t.begun)))
}

func (t *tunnel) short(p []byte) bool { return len(p) <= t.longest() }

// longest is the longest packet that the client may have been told to expect.
func (t *tunnel) longest() int { return max(t.settings.MTU, t.conn.g.cfg.DTLS.MTU) }

// enqueue takes packets for the TLS connection, as many as there is room for.
func (t *tunnel) enqueue(b *packet.Batch) {
	taken := 0
	t.mu.Lock()
	for t.fill != nil && taken < b.Len() && t.fill.Append(b.Packet(taken)) {
		taken++
	}
	t.mu.Unlock()
	if full := b.Len() - taken; full > 0 {
		t.session.tx.drops.Add(uint64(full))
	}
	if taken == 0 {
		return
	}
	select {
	case t.ready <- struct{}{}:
	default:
	}
}

// write sends what enqueue took: it swaps the two batches and sends outside the mutex.
func (t *tunnel) write() {
	b := packet.New(outQueue, t.longest())
	for {
		select {
		case <-t.ctx.Done():
			return
		case <-t.ready:
		}
		b.Reset()
		t.mu.Lock()
		b, t.fill = t.fill, b
		t.mu.Unlock()
		packets, bytes := volume(b)
		if err := t.stream.WriteBatch(b); err != nil {
			t.drop() // the reader learns it too and says why
			return
		}
		t.session.tx.addVolume(packets, bytes)
		t.data.Store(int64(time.Since(t.begun)))
	}
}

// control sends DPD requests and keepalives and ends a tunnel whose peer is dead or whose time is over.
func (t *tunnel) control() {
	tick := time.NewTicker(t.period())
	defer tick.Stop()
	asked := time.Now()
	for {
		select {
		case <-t.ctx.Done():
			return
		case <-tick.C:
		}
		dpd, keepalive := t.settings.DPD, t.settings.Keepalive
		silent := t.conn.valve.silent()
		switch {
		case dpd > 0 && min(silent, t.quiet()) >= 3*dpd: // a TLS connection that died beside a living channel ends nothing
			t.drop()
		case dpd > 0 && silent >= dpd && time.Since(asked) >= dpd/2:
			asked = time.Now()
			_ = t.stream.WriteControl(cstp.TypeDPDReq, nil)
		case keepalive > 0 && t.conn.valve.idle() >= keepalive:
			_ = t.stream.WriteControl(cstp.TypeKeepalive, nil)
		}
		t.watch()
		if why := t.over(); why != "" {
			t.conn.g.mu.Lock()
			t.conn.g.forget(t.session, why)
			t.conn.g.mu.Unlock()
			t.say(cstp.TypeTerminate, cstp.AppendDisconnect(nil, cstp.ReasonNone, why))
		}
	}
}

// idle is how long no user data has passed.
func (t *tunnel) idle() time.Duration { return time.Since(t.begun) - time.Duration(t.data.Load()) }

// over says which of the session's times is, if one is. Only user data counts as activity.
func (t *tunnel) over() string {
	if limit := t.settings.IdleTimeout; limit > 0 && t.idle() >= limit {
		return "Idle timeout"
	}
	if left, limited := t.conn.g.left(t.session); limited && left <= 0 {
		return "Session timeout"
	}
	return ""
}

// period is how often control looks: a quarter of the shortest of its times, between 50 ms and 1 s.
func (t *tunnel) period() time.Duration {
	s, p := t.settings, 4*time.Second
	for _, d := range []time.Duration{s.DPD, s.Keepalive, s.IdleTimeout, s.SessionTimeout} {
		if d > 0 {
			p = min(p, d)
		}
	}
	return max(p/4, 50*time.Millisecond)
}

// say sends a last frame and ends the tunnel.
func (t *tunnel) say(kind cstp.Type, payload []byte) {
	t.mu.Lock()
	t.ended = true
	s := t.stream
	t.mu.Unlock()
	if s == nil {
		_ = t.conn.valve.Close()
		return
	}
	_ = s.WriteControl(kind, payload)
	_ = s.Close()
}

// drop ends the tunnel without a word.
func (t *tunnel) drop() {
	t.mu.Lock()
	t.ended = true
	t.mu.Unlock()
	_ = t.conn.valve.Close()
}

// transport is what packets to the client go by now; of no tunnel, nothing.
func (t *tunnel) transport() string {
	switch {
	case t == nil:
		return ""
	case t.udp.live.Load() != nil:
		return "dtls"
	}
	return "tls"
}

// farewell reports whether a tunnel's end is the session's: the client said that it is not coming back.
func farewell(err error) bool {
	var closed *cstp.PeerClosed
	return errors.As(err, &closed) && (closed.Reason == cstp.ReasonUser || closed.Reason == cstp.ReasonLocalError)
}

// endpoints reads source and destination of an IP packet; false when it is none.
func endpoints(p []byte) (from, to netip.Addr, ok bool) {
	switch {
	case len(p) >= 20 && p[0]>>4 == 4:
		return netip.AddrFrom4([4]byte(p[12:16])), netip.AddrFrom4([4]byte(p[16:20])), true
	case len(p) >= 40 && p[0]>>4 == 6:
		return netip.AddrFrom16([16]byte(p[8:24])), netip.AddrFrom16([16]byte(p[24:40])), true
	}
	return netip.Addr{}, netip.Addr{}, false
}
