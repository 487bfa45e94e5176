package gateway

import (
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
	data     atomic.Int64 // when user data last passed, since begun

	mu     sync.Mutex
	stream *cstp.Stream  // nil until the answer to CONNECT is out
	fill   *packet.Batch // packets to the client
	ended  bool

	ready chan struct{} // one token: fill is not empty
	done  chan struct{} // closed by run
}

func newTunnel(c *conn) *tunnel {
	return &tunnel{conn: c, begun: time.Now(), ready: make(chan struct{}, 1), done: make(chan struct{})}
}

// run moves packets until the connection ends and returns why.
func (t *tunnel) run(residual []byte) error {
	t.mu.Lock()
	if t.ended {
		t.mu.Unlock()
		return errors.New("replaced at once")
	}
	t.stream = cstp.NewStream(t.conn.tls, t.conn.cork, residual)
	t.fill = packet.New(outQueue, t.settings.MTU)
	t.mu.Unlock()
	var wg sync.WaitGroup
	wg.Go(t.write)
	wg.Go(t.control)
	err := t.read()
	close(t.done)
	_ = t.stream.Close()
	wg.Wait()
	return err
}

// read hands the client's packets to the inside, those with a source that is the session's.
func (t *tunnel) read() error {
	b, out := packet.New(64, 2048), packet.New(64, 2048)
	for {
		b.Reset()
		if err := t.stream.ReadBatch(b); err != nil {
			return err
		}
		out.Reset()
		for i := range b.Len() {
			p := b.Packet(i)
			if from, _, ok := endpoints(p); !ok || !t.owns(from) {
				t.session.rx.drops.Add(1)
				continue
			}
			t.session.rx.add(len(p))
			out.Append(p)
		}
		if out.Len() == 0 {
			continue
		}
		t.data.Store(int64(time.Since(t.begun)))
		if err := t.conn.g.cfg.Inside.Write(out); err != nil {
			return err
		}
	}
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

// enqueue takes a packet to the client, or drops it.
func (t *tunnel) enqueue(p []byte) {
	t.mu.Lock()
	taken := t.fill != nil && t.fill.Append(p)
	t.mu.Unlock()
	if !taken {
		t.session.tx.drops.Add(1)
		return
	}
	select {
	case t.ready <- struct{}{}:
	default:
	}
}

// write sends what enqueue took: it swaps the two batches and sends outside the mutex.
func (t *tunnel) write() {
	b := packet.New(outQueue, t.settings.MTU)
	for {
		select {
		case <-t.done:
			return
		case <-t.ready:
		}
		b.Reset()
		t.mu.Lock()
		b, t.fill = t.fill, b
		t.mu.Unlock()
		size := 0
		for i := range b.Len() {
			size += b.Sizes[i]
		}
		if err := t.stream.WriteBatch(b); err != nil {
			t.drop() // the reader learns it too and says why
			return
		}
		t.session.tx.packets.Add(uint64(b.Len()))
		t.session.tx.bytes.Add(uint64(size))
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
		case <-t.done:
			return
		case <-tick.C:
		}
		dpd, keepalive := t.settings.DPD, t.settings.Keepalive
		silent := t.conn.valve.silent()
		switch {
		case dpd > 0 && silent >= 3*dpd:
			t.drop()
		case dpd > 0 && silent >= dpd && time.Since(asked) >= dpd/2:
			asked = time.Now()
			_ = t.stream.WriteControl(cstp.TypeDPDReq, nil)
		case keepalive > 0 && t.conn.valve.idle() >= keepalive:
			_ = t.stream.WriteControl(cstp.TypeKeepalive, nil)
		}
		if why := t.over(); why != "" {
			t.conn.g.mu.Lock()
			t.conn.g.forget(t.session, why)
			t.conn.g.mu.Unlock()
			t.say(cstp.TypeTerminate, cstp.AppendDisconnect(nil, cstp.ReasonNone, why))
		}
	}
}

// over says which of the session's times is, if one is. Only user data counts as activity.
func (t *tunnel) over() string {
	idle := time.Since(t.begun) - time.Duration(t.data.Load())
	if limit := t.settings.IdleTimeout; limit > 0 && idle >= limit {
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
