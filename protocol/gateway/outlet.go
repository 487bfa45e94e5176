package gateway

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
)

// packetConn is a socket that knows addresses as values; *net.UDPConn and *simnet.Socket are such.
type packetConn interface {
	net.PacketConn
	ReadFromUDPAddrPort(b []byte) (n int, from netip.AddrPort, err error)
	WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error)
}

// outlet is one UDP socket of the gateway and the clients behind it.
type outlet struct {
	packetConn
	g *Gateway

	port   uint16
	shared bool // clients can have sockets of their own at the same port

	mu    sync.Mutex
	ways  map[netip.AddrPort]*way
	hosts map[netip.Addr]map[*way]struct{} // the same by host
}

// maxGuesses is how many channels are tried for a datagram from a port that nobody is at: those of clients behind one translator.
const maxGuesses = 8

// ErrSocket says that a socket is none of UDP.
var ErrSocket = errors.New("gateway: not a UDP socket")

// ServeDatagrams takes DTLS from a UDP socket, which it closes, until the socket fails, Restart, RefuseUDP or Close; then it returns nil. From now on sessions are offered DTLS, at the
// socket's port. Error: ErrSocket, or the socket's.
func (g *Gateway) ServeDatagrams(c net.PacketConn) error {
	pc, ok := c.(packetConn)
	at, isUDP := c.LocalAddr().(*net.UDPAddr)
	if !ok || !isUDP {
		_ = c.Close()
		return ErrSocket
	}
	o := &outlet{packetConn: pc, g: g, port: uint16(at.Port), shared: share(c), ways: map[netip.AddrPort]*way{}, hosts: map[netip.Addr]map[*way]struct{}{}}
	defer func() { _ = pc.Close() }()
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return net.ErrClosed
	}
	g.outlets[o] = struct{}{}
	g.port = o.port
	g.mu.Unlock()
	err := o.read()
	g.mu.Lock()
	_, ours := g.outlets[o]
	delete(g.outlets, o)
	if len(g.outlets) == 0 {
		g.port = 0
	}
	g.mu.Unlock()
	o.drop()
	if !ours {
		return nil
	}
	return err
}

// read hands every datagram to whom it is for, until the socket fails.
func (o *outlet) read() error {
	b := make([]byte, 1<<16) // on Windows one that does not fit is an error
	for {
		n, from, err := o.ReadFromUDPAddrPort(b)
		switch {
		case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET):
			continue // what a client's host says of something sent long ago
		case err != nil:
			return err
		}
		if n <= maxDatagram && o.g.udp.passes(n) {
			o.handle(b[:n], from)
		}
	}
}

// handle is one datagram: of a client who is known at that address, a hello with an id that a session was given, or of a client whom a translator moved to another port. Everything else
// has no answer at all.
func (o *outlet) handle(d []byte, from netip.AddrPort) {
	o.mu.Lock()
	w := o.ways[from]
	o.mu.Unlock()
	if w != nil {
		w.feed(d)
		return
	}
	id, hello := helloID(d)
	if !hello {
		o.follow(d, from)
		return
	}
	o.g.mu.Lock()
	t := o.g.byHello[id]
	o.g.mu.Unlock()
	if t != nil {
		t.begin(o, from, bytes.Clone(d))
	}
}

// follow finds the channel that a datagram from an unknown port is of, and sends its packets there from now on. What is not authentic, or older than what came from the old port, moves
// nothing: it may be anybody's copy.
func (o *outlet) follow(d []byte, from netip.AddrPort) {
	o.mu.Lock()
	var guesses [maxGuesses]*way
	n := 0
	for w := range o.hosts[from.Addr()] {
		if n < maxGuesses && w.ch.Load() != nil && !w.hung.Load() {
			guesses[n] = w
			n++
		}
	}
	o.mu.Unlock()
	for _, w := range guesses[:n] {
		if w.ch.Load().Fresh(d) {
			o.move(w, from)
			w.feed(d)
			return
		}
	}
}

// newWay makes a way to a client. to is the address by which the client knows us.
func (o *outlet) newWay(from netip.AddrPort, to netip.Addr) *way {
	w := &way{s: o}
	w.more = sync.NewCond(&w.mu)
	w.at.Store(&from)
	if o.shared && !o.g.udp.wantsEach() {
		host := netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		if c, err := connected(netip.AddrPortFrom(to.Unmap(), o.port), host); err == nil {
			w.sock = c
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.enter(w)
	return w
}

// move gives a way another address.
func (o *outlet) move(w *way, from netip.AddrPort) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.leave(w) {
		return
	}
	w.at.Store(&from)
	o.enter(w)
	if w.sock != nil {
		_ = reconnect(w.sock, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
	}
}

// enter puts a way into the tables. o.mu is held.
func (o *outlet) enter(w *way) {
	at := *w.at.Load()
	o.ways[at] = w
	if o.hosts[at.Addr()] == nil {
		o.hosts[at.Addr()] = map[*way]struct{}{}
	}
	o.hosts[at.Addr()][w] = struct{}{}
}

// leave takes a way out of the tables and reports whether it was there. o.mu is held.
func (o *outlet) leave(w *way) bool {
	at := *w.at.Load()
	if o.ways[at] != w {
		return false
	}
	delete(o.ways, at)
	delete(o.hosts[at.Addr()], w)
	if len(o.hosts[at.Addr()]) == 0 {
		delete(o.hosts, at.Addr())
	}
	return true
}

// send sends a datagram; what the network does not take is lost, as any datagram may be.
func (o *outlet) send(b []byte, to netip.AddrPort) (int, error) {
	if !o.g.udp.passes(len(b)) {
		return len(b), nil
	}
	if o.g.udp.garbles() {
		noise := make([]byte, len(b))
		_, _ = rand.Read(noise)
		b = noise
	}
	if _, err := o.WriteToUDPAddrPort(b, to); errors.Is(err, net.ErrClosed) {
		return 0, err
	}
	return len(b), nil
}

// forget takes a way out of the tables.
func (o *outlet) forget(w *way) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.leave(w)
}

// drop ends every way, without a word.
func (o *outlet) drop() {
	o.mu.Lock()
	ways := make([]*way, 0, len(o.ways))
	for _, w := range o.ways {
		ways = append(ways, w)
	}
	o.mu.Unlock()
	for _, w := range ways {
		_ = w.Close()
	}
}

// helloLen is the length of App-IDs and session ids that this gateway gives.
const helloLen = 32

// helloID reads the session id of a ClientHello that begins a datagram (RFC 6347 section 4.2.2, RFC 5246 section 7.4.1.2): record header 13, handshake header 12, version
// 2, random 32, then the id's length. Other datagrams, fragments, and ids of a length that is never given are none.
func helloID(d []byte) (id [helloLen]byte, ok bool) {
	const at = 13 + 12 + 2 + 32
	if len(d) < at+1+helloLen || d[0] != 22 || binary.BigEndian.Uint16(d[3:]) != 0 || d[13] != 1 || d[at] != helloLen {
		return id, false
	}
	if offset := d[19:22]; offset[0]|offset[1]|offset[2] != 0 {
		return id, false
	}
	return [helloLen]byte(d[at+1:]), true
}
