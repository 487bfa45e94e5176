package login

import (
	"context"
	"crypto/tls"
	"net/netip"
	"sync"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol"
)

// A ClientHello with ML-KEM is about 1.5 kB, two segments, and one without is 280 bytes. There are gateways, and boxes before them, that reset or swallow the long one. So a
// gateway that has not said a word to it, by a reset or by silence, is greeted once more with the curves that everybody has, and that is remembered: a session that comes back does not
// find it out again. What is given up then is the post-quantum half of the key exchange; whoever can drop a segment can bring that about, as he can with any client that speaks
// to gateways without it.

// helloTime is how long a gateway may say nothing to the long one.
const helloTime = 3 * time.Second

// shortCurves are the groups of the short one.
var shortCurves = []tls.CurveID{tls.X25519, tls.CurveP256}

// maxHellos bounds what is remembered; beyond it everything is found out again.
const maxHellos = 256

// Hellos remembers the gateways that want a short ClientHello. The zero value is ready, nil remembers nothing; it may be used from any goroutine.
type Hellos struct {
	mu    sync.Mutex
	short map[netip.AddrPort]bool
}

func (h *Hellos) wantsShort(at netip.AddrPort) bool {
	if h == nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.short[at]
}

func (h *Hellos) remember(at netip.AddrPort) {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.short == nil || len(h.short) >= maxHellos {
		h.short = map[netip.AddrPort]bool{}
	}
	h.short[at] = true
}

// greet makes a connected socket a Conn, if need be on another one with a short ClientHello. A session that comes back tries no such thing: at its login the gateway has
// shown what it wants.
func (v *verifier) greet(ctx context.Context, d protocol.Dialer, via protocol.Path, r connected, o Options) (*Conn, error) {
	v.short = o.Hellos.wantsShort(r.to)
	v.quick = !v.short && v.known == nil
	c, err := v.upgrade(ctx, r, o)
	if err == nil || !v.quick || !v.unheard || ctx.Err() != nil {
		return c, err
	}
	again := connect(ctx, d, r.to, via)
	if again.err != nil {
		return nil, err
	}
	v.short, v.quick = true, false
	rest, cancel := context.WithTimeout(ctx, handshakeTime-helloTime)
	defer cancel()
	c, again.err = v.upgrade(rest, again, o)
	if again.err != nil {
		return nil, telling(err, again.err)
	}
	o.Hellos.remember(r.to)
	return c, nil
}
