package gateway

import "sync/atomic"

// maxHandshakes is how many DTLS handshakes are under way at once, of all sessions together.
const maxHandshakes = 64

// udpState is what is the same for all datagrams of a gateway: what goes wrong with them, and how many handshakes are open.
type udpState struct {
	blocked atomic.Bool
	limit   atomic.Int32 // bytes; 0 none
	garble  atomic.Int32 // datagrams still to be spoilt
	open    atomic.Int32 // handshakes
}

// passes reports whether a datagram of that size is not lost.
func (u *udpState) passes(size int) bool {
	limit := u.limit.Load()
	return !u.blocked.Load() && (limit == 0 || size <= int(limit))
}

// garbles reports whether the next datagram is spoilt.
func (u *udpState) garbles() bool {
	return u.garble.Load() > 0 && u.garble.Add(-1) >= 0
}

// wantsEach reports whether every datagram must pass through our hands, because something is done to single ones.
func (u *udpState) wantsEach() bool { return u.limit.Load() > 0 || u.garble.Load() > 0 }

// begin counts a handshake, if there may be one more; begun ends it.
func (u *udpState) begin() bool {
	if u.open.Add(1) > maxHandshakes {
		u.open.Add(-1)
		return false
	}
	return true
}

func (u *udpState) begun() { u.open.Add(-1) }

// BlockUDP loses every datagram, both ways and without a word, as a packet filter does, or ends that.
func (g *Gateway) BlockUDP(on bool) {
	g.udp.blocked.Store(on)
	g.eachWay(func(w *way) { w.cut(on || w.hung.Load()) })
}

// LimitUDP loses datagrams with more bytes than that, both ways and without a word, as a path does that is narrower than it says. 0 ends that. On Linux with real sockets, here and
// with GarbleUDP, it is about channels that are made afterwards.
func (g *Gateway) LimitUDP(size int) { g.udp.limit.Store(int32(size)) }

// GarbleUDP makes noise of the next n datagrams to clients.
func (g *Gateway) GarbleUDP(n int) { g.udp.garble.Store(int32(n)) }

// RefuseUDP closes the UDP sockets, so that the port refuses: ServeDatagrams returns nil, and no DTLS is offered any more until it is called again.
func (g *Gateway) RefuseUDP() {
	g.mu.Lock()
	outlets := g.outlets
	g.outlets = map[*outlet]struct{}{}
	g.port = 0
	g.mu.Unlock()
	for o := range outlets {
		_ = o.Close()
	}
}

// DropDTLS forgets every DTLS channel without a word. Tunnels are kept, and the next hello makes a new channel.
func (g *Gateway) DropDTLS() { g.eachWay(func(w *way) { _ = w.Close() }) }

// HangDTLS makes every DTLS channel that exists go dumb: what comes by it is lost, and nothing goes out. New ones work, and so does TLS.
func (g *Gateway) HangDTLS() {
	g.eachWay(func(w *way) {
		w.hung.Store(true)
		w.cut(true)
	})
}

func (g *Gateway) eachWay(f func(*way)) {
	g.mu.Lock()
	var all []*way
	for o := range g.outlets {
		o.mu.Lock()
		for _, w := range o.ways {
			all = append(all, w)
		}
		o.mu.Unlock()
	}
	g.mu.Unlock()
	for _, w := range all {
		f(w)
	}
}
