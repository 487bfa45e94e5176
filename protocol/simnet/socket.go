package simnet

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// receiveBuffer is how many bytes a socket holds for its reader; what comes beyond is lost, as with a real one.
const receiveBuffer = 1 << 20

// maxDatagram is the longest that UDP takes.
const maxDatagram = 65507

// Socket is a UDP socket: with DialUDP a net.Conn, with ListenPacket a net.PacketConn. Writing never waits, and its only errors are those of the socket itself and of a
// peer that said that nobody listens.
type Socket struct {
	host   *Host
	link   *Link          // the one it was dialled over; nil when it listens, or was dialled over any
	local  netip.AddrPort // no address when it listens
	peer   netip.AddrPort // not valid when it listens
	rng    *rand.Rand
	cond   *sync.Cond
	in     []datagram // arrived
	held   int        // bytes in them
	flight []datagram // sent and not arrived, in the order of arrival
	due    *event     // the arrival of flight[0]
	closed bool
	told   error // what a peer's refusal makes of the next call
	rd     deadline
}

var (
	_ net.Conn                = (*Socket)(nil)
	_ net.PacketConn          = (*Socket)(nil)
	_ protocol.DatagramDialer = (*Dialer)(nil)
)

// DialUDP returns a socket that speaks to one address, over the path's link, or for the zero path always over the one that DialTCP would take. Errors: NET-013 and NET-002 as
// with DialTCP.
func (d *Dialer) DialUDP(ctx context.Context, to netip.AddrPort, via protocol.Path) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.New(fault.NetTimeout, err)
	}
	n := d.host.n
	n.mu.Lock()
	defer n.mu.Unlock()
	link, err := d.pick(to.Addr(), via)
	if err != nil {
		return nil, err
	}
	local := via.Local
	if !local.IsValid() {
		local = link.local(to.Addr())
	}
	port := d.host.ephemeral()
	for d.host.sockets[port] != nil {
		port = d.host.ephemeral()
	}
	s := d.host.newSocket(port)
	s.local, s.peer = netip.AddrPortFrom(local, port), to
	if via.IfIndex != 0 {
		s.link = link
	}
	return s, nil
}

// ListenPacket opens a UDP port on all addresses of the host. A port in use is EADDRINUSE.
func (h *Host) ListenPacket(port uint16) (*Socket, error) {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	at := net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.IPv6Unspecified(), port))
	if h.n.closed {
		return nil, opError("listen", at, nil, net.ErrClosed)
	}
	if h.sockets[port] != nil {
		return nil, opError("listen", at, nil, syscall.EADDRINUSE)
	}
	return h.newSocket(port), nil
}

// newSocket makes a socket that listens. n.mu is held.
func (h *Host) newSocket(port uint16) *Socket {
	h.n.made++
	s := &Socket{
		host: h, local: netip.AddrPortFrom(netip.IPv6Unspecified(), port), rng: rand.New(rand.NewPCG(h.n.seed, h.n.made)), cond: sync.NewCond(&h.n.mu),
	}
	h.sockets[port] = s
	return s
}

// Read takes the next datagram; what does not fit into b is lost.
func (s *Socket) Read(b []byte) (int, error) {
	n, _, err := s.ReadFromUDPAddrPort(b)
	return n, err
}

// ReadFrom takes the next datagram and says who sent it.
func (s *Socket) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := s.ReadFromUDPAddrPort(b)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// ReadFromUDPAddrPort is ReadFrom without an allocation.
func (s *Socket) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	s.host.n.mu.Lock()
	defer s.host.n.mu.Unlock()
	for {
		switch {
		case s.closed:
			return 0, netip.AddrPort{}, s.error("read", net.ErrClosed)
		case s.rd.expired():
			return 0, netip.AddrPort{}, s.error("read", os.ErrDeadlineExceeded)
		case s.told != nil:
			return 0, netip.AddrPort{}, s.error("read", s.takeTold())
		case len(s.in) > 0:
			d := s.in[0]
			s.in = s.in[1:]
			s.held -= len(d.data)
			return copy(b, d.data), d.from, nil
		}
		s.cond.Wait()
	}
}

// Write sends a datagram to the peer.
func (s *Socket) Write(b []byte) (int, error) { return s.WriteToUDPAddrPort(b, s.peer) }

// WriteTo sends a datagram to an address, which must be a *net.UDPAddr.
func (s *Socket) WriteTo(b []byte, to net.Addr) (int, error) {
	a, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, s.error("write", syscall.EINVAL)
	}
	at := a.AddrPort()
	return s.WriteToUDPAddrPort(b, netip.AddrPortFrom(at.Addr().Unmap(), at.Port()))
}

// WriteToUDPAddrPort is WriteTo without an allocation for the address. A dialled socket sends to its peer whatever is asked.
func (s *Socket) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	s.host.n.mu.Lock()
	defer s.host.n.mu.Unlock()
	if s.peer.IsValid() {
		to = s.peer
	}
	switch {
	case s.closed:
		return 0, s.error("write", net.ErrClosed)
	case !to.IsValid():
		return 0, s.error("write", syscall.EDESTADDRREQ)
	case len(b) > maxDatagram:
		return 0, s.error("write", syscall.EMSGSIZE)
	case s.told != nil:
		return 0, s.error("write", s.takeTold())
	}
	s.send(b, to)
	return len(b), nil
}

func (s *Socket) takeTold() error {
	err := s.told
	s.told = nil
	return err
}

// Close closes the socket. What is under way still arrives.
func (s *Socket) Close() error {
	s.host.n.mu.Lock()
	defer s.host.n.mu.Unlock()
	if s.closed {
		return s.error("close", net.ErrClosed)
	}
	s.shut()
	return nil
}

// shut is Close with n.mu held.
func (s *Socket) shut() {
	s.closed = true
	s.in = nil
	s.rd.clear()
	delete(s.host.sockets, s.local.Port())
	s.cond.Broadcast()
}

// LocalAddr is the host's own address, inside a translator.
func (s *Socket) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(s.local) }

// RemoteAddr is the address that was dialled, nil when the socket listens.
func (s *Socket) RemoteAddr() net.Addr {
	if !s.peer.IsValid() {
		return nil
	}
	return net.UDPAddrFromAddrPort(s.peer)
}

// SetDeadline sets the deadline of reading; writing does not wait.
func (s *Socket) SetDeadline(t time.Time) error { return s.SetReadDeadline(t) }

// SetWriteDeadline does nothing: writing does not wait.
func (s *Socket) SetWriteDeadline(time.Time) error { return nil }

// SetReadDeadline sets the deadline of reading.
func (s *Socket) SetReadDeadline(t time.Time) error {
	n := s.host.n
	n.mu.Lock()
	defer n.mu.Unlock()
	if s.closed {
		return s.error("set", net.ErrClosed)
	}
	s.rd.clear()
	s.rd.at = t
	if left := time.Until(t); !t.IsZero() && left > 0 {
		s.rd.due = n.after(left, s.cond.Broadcast)
	}
	s.cond.Broadcast()
	return nil
}

func (s *Socket) error(op string, err error) error {
	return opError(op, s.LocalAddr(), s.RemoteAddr(), err)
}

// socketsInOrder lists a host's sockets by port, so that what happens to all happens in the same order every time. n.mu is held.
func (h *Host) socketsInOrder() []*Socket {
	all := make([]*Socket, 0, len(h.sockets))
	for _, s := range h.sockets {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *Socket) int { return int(a.local.Port()) - int(b.local.Port()) })
	return all
}
