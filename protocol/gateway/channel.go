package gateway

import (
	"context"
	"math"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/resume"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// maxWays is how many handshakes and channels a tunnel has at once: the one in use, its successor, and one that somebody else may have begun who saw the id go by.
const maxWays = 3

// datagrams is the half of a tunnel that goes by DTLS. What offer sets does not change after it.
type datagrams struct {
	id      [helloLen]byte
	key     redact.Secret // of a PSK
	session resume.Config // to be resumed; without a master secret there is none

	live atomic.Pointer[channel] // what packets to the client go by; nil: TLS. It is the way that the client's last packet came.

	// Under the tunnel's mutex.
	ways map[*way]struct{}
	last uint64 // number of the newest channel
}

// channel is one DTLS channel.
type channel struct {
	*dtlstun.Channel
	way    *way
	number uint64 // in the order of handshakes
	begun  time.Time

	display int32        // its number among the session's tunnels
	up      time.Time    // when the handshake was done
	heard   atomic.Int64 // since begun
	asked   time.Time    // when it was last asked for a sign of life: control's own
}

// drain is how long a channel is still read once its successor is in use.
const drain = time.Second

// silent is how long nothing authentic came.
func (c *channel) silent() time.Duration { return time.Since(c.begun) - time.Duration(c.heard.Load()) }

func (c *channel) note(dtlstun.Type, []byte) { c.heard.Store(int64(time.Since(c.begun))) }

// begin starts a handshake with a client whose hello came from there, if there may be one more.
func (t *tunnel) begin(o *outlet, from netip.AddrPort, hello []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended || len(t.udp.ways) == maxWays || !t.conn.g.udp.begin() {
		return
	}
	var here netip.Addr
	if a, err := netip.ParseAddrPort(t.conn.valve.LocalAddr().String()); err == nil {
		here = a.Addr()
	}
	w := o.newWay(from, here)
	t.udp.ways[w] = struct{}{}
	t.channels.Go(func() { t.accept(w, hello) })
}

// accept is the goroutine of a way: a handshake, then the channel's reader.
func (t *tunnel) accept(w *way, hello []byte) {
	defer func() {
		_ = w.Close()
		t.mu.Lock()
		delete(t.udp.ways, w)
		t.mu.Unlock()
	}()
	ctx, cancel := context.WithTimeout(t.ctx, handshakeFor)
	defer cancel()
	c := &channel{way: w, begun: time.Now()}
	log := t.conn.g.cfg.Log
	var err error
	cfg := dtlstun.Config{Key: t.udp.key, Hello: hello, Heard: c.note}
	if t.udp.session.Master.Empty() {
		c.Channel, err = dtlstun.Accept(ctx, w.conn(), cfg)
	} else {
		c.Channel, err = dtlstun.AcceptResumed(ctx, w.conn(), t.udp.session, cfg)
	}
	t.conn.g.udp.begun()
	if err != nil {
		log.Debug("DTLS handshake failed", "session", t.session.id, "err", err)
		return
	}
	defer func() { _ = c.Close() }()
	log.Info("DTLS up", "session", t.session.id, "cipher", c.Cipher())
	c.note(0, nil)
	t.mu.Lock()
	t.udp.last++
	c.number = t.udp.last
	t.mu.Unlock()
	c.up, c.display = time.Now(), t.session.tunnels.Add(1)
	if c.number > 1 {
		t.session.rechannels.Add(1)
	}
	w.ch.Store(c)
	err = t.receive(c)
	t.udp.live.CompareAndSwap(c, nil)
	log.Info("DTLS down", "session", t.session.id, "why", err)
}

// receive hands what comes by the channel to the inside. Packets to the client take it, too, from its first packet on, and those before it have had their time.
func (t *tunnel) receive(c *channel) error {
	b := packet.New(packet.MaxBatch, maxDatagram)
	for {
		b.Reset()
		if err := c.ReadBatch(b); err != nil {
			return err
		}
		if live := t.udp.live.Load(); live != c && (live == nil || live.number < c.number) {
			t.use(c)
		}
		if err := t.toInside(b); err != nil {
			return err
		}
	}
}

// use makes a channel the one in use, and retires older ones.
func (t *tunnel) use(c *channel) {
	t.udp.live.Store(c)
	for _, older := range t.established() {
		if older.number < c.number {
			older.Retire(drain)
		}
	}
}

// established lists the channels whose handshake is done.
func (t *tunnel) established() []*channel {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []*channel
	for w := range t.udp.ways {
		if c := w.ch.Load(); c != nil {
			list = append(list, c)
		}
	}
	return list
}

// leave gives a channel up, without a word.
func (t *tunnel) leave(c *channel) {
	t.udp.live.CompareAndSwap(c, nil)
	_ = c.way.Close()
}

// quiet is how long nothing came by any channel: for ever without one.
func (t *tunnel) quiet() time.Duration {
	least := time.Duration(math.MaxInt64)
	for _, c := range t.established() {
		least = min(least, c.silent())
	}
	return least
}

// watch asks channels that are silent for a sign of life and gives up those that stay silent.
func (t *tunnel) watch() {
	dpd := t.settings.DPD
	if dpd == 0 {
		return
	}
	for _, c := range t.established() {
		switch silent := c.silent(); {
		case silent >= 3*dpd:
			t.leave(c)
		case silent >= dpd && time.Since(c.asked) >= dpd/2:
			c.asked = time.Now()
			_ = c.WriteControl(dtlstun.TypeDPDReq, nil)
		}
	}
}

// endChannels ends and waits for them.
func (t *tunnel) endChannels() {
	t.stop()
	t.mu.Lock()
	t.ended = true
	t.mu.Unlock()
	for _, c := range t.established() {
		_ = c.Close()
	}
	t.mu.Lock()
	ways := make([]*way, 0, len(t.udp.ways))
	for w := range t.udp.ways {
		ways = append(ways, w)
	}
	t.mu.Unlock()
	for _, w := range ways {
		_ = w.Close()
	}
	t.channels.Wait()
}
