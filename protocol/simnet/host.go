package simnet

import (
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol"
)

// Host is a machine on the network.
type Host struct {
	n         *Net
	name      string
	links     []*Link
	listeners map[uint16]*listener
	sockets   map[uint16]*Socket
	silent    bool
	port      uint16 // last ephemeral port
}

// Uplink adds a link with addresses of either family. Links are numbered from 1 in the order of their making, which is the host's order of preference too.
func (h *Host) Uplink(name string, addrs ...netip.Addr) *Link {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	l := &Link{host: h, index: len(h.links) + 1, name: name, addrs: slices.Clone(addrs), up: true}
	h.links = append(h.links, l)
	for _, a := range addrs {
		h.n.byAddr[a] = l
	}
	return l
}

// Link returns the host's link of that number (1 and up), nil when there is none.
func (h *Host) Link(index int) *Link {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	return h.link(index)
}

func (h *Host) link(index int) *Link {
	if index < 1 || index > len(h.links) {
		return nil
	}
	return h.links[index-1]
}

// SetSilent makes the host vanish without a word, as one whose power is cut, and come back.
func (h *Host) SetSilent(silent bool) {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	h.silent = silent
	h.n.kick()
}

// Restart forgets all listeners, streams and sockets, as when the processes are killed or the machine boots. Own Accepts, Reads and Writes fail. Each peer of a stream is
// sent a reset; where that is lost (the host is silent, a link is down) the peer gets one when something it sends arrives.
func (h *Host) Restart() {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	h.stopListening()
	for _, s := range h.socketsInOrder() {
		s.shut()
	}
	for _, s := range h.n.inOrder() {
		for _, e := range s.ends {
			if e.link.host == h {
				e.abort()
			}
		}
	}
}

// stopListening fails every Accept. n.mu is held.
func (h *Host) stopListening() {
	for _, l := range h.listeners {
		l.stop()
	}
}

// ephemeral returns a port for an outgoing stream or a socket. n.mu is held.
func (h *Host) ephemeral() uint16 {
	if h.port == 65535 {
		h.port = 49151
	}
	h.port++
	return h.port
}

// Link is what joins a host to the network. The zero latency is none: segments arrive before Write returns.
type Link struct {
	host    *Host
	index   int
	name    string
	addrs   []netip.Addr
	latency time.Duration
	loss    float64
	up      bool
	nat     *NAT
	mtu     int // 0 none

	// Of datagrams alone.
	noUDP    bool
	straggle float64
	late     time.Duration
}

// Down cuts the link.
func (l *Link) Down() { l.set(func() { l.up = false }) }

// Up mends the link.
func (l *Link) Up() { l.set(func() { l.up = true }) }

// IsUp reports whether the link works.
func (l *Link) IsUp() bool {
	l.host.n.mu.Lock()
	defer l.host.n.mu.Unlock()
	return l.up
}

// SetLatency sets the time one segment takes over this link, for what is sent from now on.
func (l *Link) SetLatency(d time.Duration) { l.set(func() { l.latency = d }) }

// SetLoss sets the share of segments that are lost once, from 0 to 1 (of SYNs and datagrams: each one).
func (l *Link) SetLoss(share float64) { l.set(func() { l.loss = share }) }

func (l *Link) set(f func()) {
	l.host.n.mu.Lock()
	defer l.host.n.mu.Unlock()
	f()
	l.host.n.kick()
}

// Path is the link as protocol.Dialer wants it named, with the local address of the family of to.
func (l *Link) Path(to netip.Addr) protocol.Path {
	l.host.n.mu.Lock()
	defer l.host.n.mu.Unlock()
	return protocol.Path{IfIndex: l.index, Name: l.name, Local: l.local(to)}
}

// local is the link's address of the family of to, the zero Addr when it has none. n.mu is held.
func (l *Link) local(to netip.Addr) netip.Addr {
	for _, a := range l.addrs {
		if a.Is4() == to.Is4() {
			return a
		}
	}
	return netip.Addr{}
}

// works reports whether segments pass now. n.mu is held.
func (l *Link) works() bool { return l.up && !l.host.silent }

// NAT puts a translator before the link: the other side sees the public address of the family, and nobody can dial in.
func (l *Link) NAT(public ...netip.Addr) *NAT {
	l.host.n.mu.Lock()
	defer l.host.n.mu.Unlock()
	for _, a := range l.addrs {
		if l.host.n.byAddr[a] == l {
			delete(l.host.n.byAddr, a)
		}
	}
	l.nat = &NAT{n: l.host.n, public: slices.Clone(public), flows: map[flow]uint16{}, back: map[uint16]flow{}, port: 19999}
	return l.nat
}

// NAT is a translator with a mapping for each stream, and one for each pair of addresses that exchange datagrams.
type NAT struct {
	n      *Net
	public []netip.Addr
	age    int // of the streams' mappings

	flows map[flow]uint16
	back  map[uint16]flow
	port  uint16 // the last one given to a flow
}

// Rebind forgets all mappings: the streams through the translator go silent for ever, new ones work. Datagrams from inside get another port from then on, and those
// to the old one are lost.
func (t *NAT) Rebind() {
	t.n.mu.Lock()
	defer t.n.mu.Unlock()
	t.age++
	t.forget()
}

// RebindUDP does that to datagrams alone.
func (t *NAT) RebindUDP() {
	t.n.mu.Lock()
	defer t.n.mu.Unlock()
	t.forget()
}

// outside is how addr looks behind the link: itself, or the translator's address of the family. n.mu is held.
func (l *Link) outside(addr netip.Addr) netip.Addr {
	if l.nat == nil {
		return addr
	}
	for _, p := range l.nat.public {
		if p.Is4() == addr.Is4() {
			return p
		}
	}
	return addr
}

// mapping is the age of the link's mappings, 0 without a translator. n.mu is held.
func (l *Link) mapping() int {
	if l.nat == nil {
		return 0
	}
	return l.nat.age
}

// backlog is how many accepted streams may wait for Accept; a SYN beyond that is dropped, as a busy host does.
const backlog = 128

// listener is a listening port, on all addresses of its host.
type listener struct {
	host  *Host
	port  uint16
	queue chan net.Conn
	end   chan struct{}
}

// Listen opens a port on all addresses of the host. A port in use is EADDRINUSE.
func (h *Host) Listen(port uint16) (net.Listener, error) {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	if h.n.closed {
		return nil, opError("listen", nil, nil, net.ErrClosed)
	}
	if h.listeners[port] != nil {
		return nil, opError("listen", nil, nil, syscall.EADDRINUSE)
	}
	l := &listener{host: h, port: port, queue: make(chan net.Conn, backlog), end: make(chan struct{})}
	h.listeners[port] = l
	return l, nil
}

// Accept waits for the next stream; net.ErrClosed after Close or a restart of the host.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case <-l.end:
		return nil, opError("accept", l.Addr(), nil, net.ErrClosed)
	default:
	}
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.end:
		return nil, opError("accept", l.Addr(), nil, net.ErrClosed)
	}
}

// Close closes the port. Streams nobody accepted are reset.
func (l *listener) Close() error {
	l.host.n.mu.Lock()
	defer l.host.n.mu.Unlock()
	if l.host.listeners[l.port] != l {
		return opError("close", l.Addr(), nil, net.ErrClosed)
	}
	l.stop()
	return nil
}

// stop ends the listener. n.mu is held.
func (l *listener) stop() {
	delete(l.host.listeners, l.port)
	close(l.end)
	for {
		select {
		case c := <-l.queue:
			c.(*end).abort()
		default:
			return
		}
	}
}

// Addr is the wildcard address with the port.
func (l *listener) Addr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.IPv6Unspecified(), l.port))
}

// opError is how package net would put it.
func opError(op string, local, remote net.Addr, err error) error {
	e := &net.OpError{Op: op, Net: "tcp", Source: local, Addr: remote, Err: err}
	if local != nil {
		e.Net = local.Network()
	}
	return e
}
