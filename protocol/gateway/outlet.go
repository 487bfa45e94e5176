package gateway

import (
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

	mu   sync.Mutex
	ways map[netip.AddrPort]*way
}

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
	o := &outlet{packetConn: pc, g: g, ways: map[netip.AddrPort]*way{}}
	defer func() { _ = pc.Close() }()
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return net.ErrClosed
	}
	g.outlets[o] = struct{}{}
	g.port = uint16(at.Port)
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
	b := make([]byte, maxDatagram)
	for {
		n, from, err := o.ReadFromUDPAddrPort(b)
		switch {
		case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET):
			continue // what a client's host says of something sent long ago
		case err != nil:
			return err
		}
		if o.g.udp.passes(n) {
			o.handle(b[:n], from)
		}
	}
}

// handle is one datagram: of a client who is known at that address, or a hello with an id that a session was given. Everything else has no answer at all.
func (o *outlet) handle(d []byte, from netip.AddrPort) {
	o.mu.Lock()
	w := o.ways[from]
	o.mu.Unlock()
	id, hello := helloID(d)
	if w != nil {
		w.feed(d)
		return
	}
	if !hello {
		return
	}
	o.g.mu.Lock()
	t := o.g.byHello[id]
	o.g.mu.Unlock()
	if t == nil {
		return
	}
	w = newWay(o, from)
	if !t.begin(w) {
		return
	}
	o.mu.Lock()
	o.ways[from] = w
	o.mu.Unlock()
	w.feed(d)
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

// forget takes a way out of the table.
func (o *outlet) forget(w *way) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if at := *w.at.Load(); o.ways[at] == w {
		delete(o.ways, at)
	}
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
