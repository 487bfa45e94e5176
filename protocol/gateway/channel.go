package gateway

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"math"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/cstp"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/record"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/resume"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// maxWays is how many handshakes and channels a tunnel has at once: the one in use, its successor, and one that somebody else may have begun who saw the id go by.
const maxWays = 3

// datagrams is the half of a tunnel that goes by DTLS. id and key are set before run.
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
	heard  atomic.Int64 // since begun
	asked  time.Time    // when it was last asked for a sign of life: control's own
}

// drain is how long a channel is still read once its successor is in use.
const drain = time.Second

// silent is how long nothing authentic came.
func (c *channel) silent() time.Duration { return time.Since(c.begun) - time.Duration(c.heard.Load()) }

func (c *channel) note(dtlstun.Type, []byte) { c.heard.Store(int64(time.Since(c.begun))) }

// offer makes what the answer to CONNECT says of DTLS, and makes the MTU fit it: PSK-NEGOTIATE where client and TLS connection can, else a session to resume. Without a socket, or a client
// who wants either, it says nothing.
func (t *tunnel) offer(req *cstp.Request, port uint16) []protocol.Header {
	if port == 0 {
		return nil
	}
	_, _ = rand.Read(t.udp.id[:])
	id, overhead := hex.EncodeToString(t.udp.id[:]), dtlstun.Overhead
	var offer []protocol.Header
	own := &t.conn.g.cfg.DTLS
	if key, err := cstp.ExportKey(t.conn.tls); err == nil && req.DTLS && !own.NoPSK {
		t.udp.key = key
		offer = []protocol.Header{{Name: "X-DTLS-App-ID", Value: id}, {Name: "X-DTLS-CipherSuite", Value: "PSK-NEGOTIATE"}}
	} else if header, s, ok := own.choose(&req.Resume); ok {
		t.udp.session = resume.Config{Version: s.Version, Suite: s.ID, SessionID: t.udp.id[:], Master: req.Resume.Master}
		offer = []protocol.Header{{Name: "X-DTLS-Session-ID", Value: id}, {Name: header, Value: s.Name}}
		if s.Weak() {
			overhead = dtlstun.HeaderLen + record.HeaderLen + 16 + 20 + 16 // nonce, MAC and padding
		}
	} else {
		return nil
	}
	set := t.settings
	set.MTU = fits(set, req.BaseMTU, overhead, t.conn.valve.RemoteAddr().String())
	seconds := func(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }
	offer = append(offer, protocol.Header{Name: "X-DTLS-Port", Value: strconv.Itoa(int(port))}, protocol.Header{Name: "X-DTLS-MTU", Value: strconv.Itoa(cmp.Or(own.MTU, set.MTU))},
		protocol.Header{Name: "X-DTLS-DPD", Value: seconds(set.DPD)}, protocol.Header{Name: "X-DTLS-Keepalive", Value: seconds(set.Keepalive)})
	if rekey := cmp.Or(own.Rekey, set.RekeyTime); rekey > 0 && (own.Rekey > 0 || set.RekeyMethod != "") {
		// Whatever TLS does: a second handshake inside a channel is not spoken here.
		offer = append(offer, protocol.Header{Name: "X-DTLS-Rekey-Time", Value: seconds(rekey)}, protocol.Header{Name: "X-DTLS-Rekey-Method", Value: "new-tunnel"})
	}
	return offer
}

// choose finds the suite of a session to resume, and the header that names it.
func (d *DTLS) choose(o *cstp.ResumeOffer) (header string, s resume.Suite, ok bool) {
	if d.NoResume || o.Master.Empty() {
		return "", s, false
	}
	for _, l := range []struct {
		header string
		list   resume.List
	}{{"X-DTLS12-CipherSuite", o.DTLS12}, {"X-DTLS-CipherSuite", o.DTLS}} {
		for _, s := range l.list {
			if d.Weak || !s.Weak() {
				return l.header, s, true
			}
		}
	}
	return "", s, false
}

// fits is the largest packet that fits the outer path in a record, if the client told of the path, and no more than the settings have.
func fits(set *protocol.Settings, path, overhead int, client string) int {
	if path == 0 {
		return set.MTU
	}
	outer, least := 20+8, 576
	if a, err := netip.ParseAddrPort(client); err == nil && !a.Addr().Unmap().Is4() {
		outer = 40 + 8
	}
	for _, a := range set.Addresses {
		if a.Addr().Is6() {
			least = 1280
		}
	}
	return max(min(set.MTU, path-outer-overhead), min(set.MTU, least))
}

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
