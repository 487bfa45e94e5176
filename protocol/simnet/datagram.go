package simnet

import (
	"bytes"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// datagram is one on its way, or arrived.
type datagram struct {
	at       time.Time // of its arrival
	via      *Link     // it left by
	from, to netip.AddrPort
	data     []byte
}

// send puts a datagram under way. What the network does with it is nothing that its sender learns. n.mu is held, here and below.
func (s *Socket) send(b []byte, to netip.AddrPort) {
	via := s.outlet(to.Addr())
	if via == nil || !via.carries(len(b)) {
		return
	}
	from := s.local
	if from.Addr().IsUnspecified() {
		from = netip.AddrPortFrom(via.local(to.Addr()), from.Port())
	}
	if via.nat != nil {
		from = via.nat.translate(via, from, to)
	}
	far := s.host.n.toward(to)
	if far == nil || s.chance(1-(1-via.loss)*(1-far.loss)) {
		return
	}
	d := datagram{at: time.Now().Add(via.latency + far.latency), via: via, from: from, to: to, data: bytes.Clone(b)}
	for _, l := range []*Link{via, far} {
		if s.chance(l.straggle) {
			d.at = d.at.Add(l.late)
		}
	}
	// Behind everything that arrives at the same time or earlier.
	i := len(s.flight)
	for i > 0 && s.flight[i-1].at.After(d.at) {
		i--
	}
	s.flight = slices.Insert(s.flight, i, d)
	if i == 0 {
		s.arm()
	}
}

func (s *Socket) chance(share float64) bool { return share > 0 && s.rng.Float64() < share }

// outlet is the link that a datagram leaves by: the one that was dialled over, else the one with the socket's address, else the first that is up.
func (s *Socket) outlet(to netip.Addr) *Link {
	if s.link != nil {
		return s.link
	}
	var found *Link
	for _, l := range s.host.links {
		if !l.local(to).IsValid() || s.peer.IsValid() && !slices.Contains(l.addrs, s.local.Addr()) {
			continue
		}
		if found == nil || l.up && !found.up {
			found = l
		}
	}
	return found
}

// carries reports whether a datagram of that size passes the link now.
func (l *Link) carries(size int) bool {
	const headers = 20 + 8
	return l.works() && !l.noUDP && (l.mtu == 0 || size+headers <= l.mtu)
}

// toward is the link at whose end an address is, be it a translator's; nil when nobody has it.
func (n *Net) toward(to netip.AddrPort) *Link {
	if l := n.byAddr[to.Addr()]; l != nil {
		return l
	}
	for _, h := range n.hosts {
		for _, l := range h.links {
			if l.nat != nil && slices.Contains(l.nat.public, to.Addr()) {
				return l
			}
		}
	}
	return nil
}

// arm waits for the next arrival.
func (s *Socket) arm() {
	s.due.stop()
	s.due = nil
	if len(s.flight) > 0 {
		s.due = s.host.n.after(time.Until(s.flight[0].at), s.arrive)
	}
}

// arrive delivers what is due.
func (s *Socket) arrive() {
	now := time.Now()
	n := 0
	for n < len(s.flight) && !s.flight[n].at.After(now) {
		n++
	}
	due := slices.Clone(s.flight[:n])
	s.flight = slices.Delete(s.flight, 0, n)
	for _, d := range due {
		s.deliver(d)
	}
	s.arm()
}

// deliver is a datagram at the far end: a socket takes it, or its sender learns that nobody listens.
func (s *Socket) deliver(d datagram) {
	far := s.host.n.toward(d.to)
	if far == nil || !d.via.carries(len(d.data)) || !far.carries(len(d.data)) {
		return
	}
	to := d.to
	if far.nat != nil && s.host.n.byAddr[to.Addr()] != far {
		var ok bool
		if to, ok = far.nat.inward(d.from, d.to); !ok {
			return
		}
	}
	r := far.host.sockets[to.Port()]
	if r == nil || r.peer.IsValid() && r.peer != d.from {
		s.host.n.after(far.latency+d.via.latency, func() {
			if s.peer == d.to && !s.closed && d.via.carries(0) && far.carries(0) {
				s.told = syscall.ECONNREFUSED
				s.cond.Broadcast()
			}
		})
		return
	}
	if r.held+len(d.data) > receiveBuffer {
		return
	}
	r.in = append(r.in, d)
	r.held += len(d.data)
	r.cond.Signal()
}

// flow is what a translator has a mapping for: only the far end it was made for may use it.
type flow struct {
	local, remote netip.AddrPort
}

// translate is the address that a datagram goes out with. The first of a flow makes the mapping.
func (t *NAT) translate(l *Link, from, to netip.AddrPort) netip.AddrPort {
	f := flow{from, to}
	port, ok := t.flows[f]
	if !ok {
		t.port++
		port = t.port
		t.flows[f] = port
		t.back[port] = f
	}
	return netip.AddrPortFrom(l.outside(from.Addr()), port)
}

// inward is where a datagram from the internet goes, if there is a mapping for it.
func (t *NAT) inward(from, to netip.AddrPort) (netip.AddrPort, bool) {
	f, ok := t.back[to.Port()]
	return f.local, ok && f.remote == from
}

// forget drops the mappings of datagrams. Ports are not used again.
func (t *NAT) forget() {
	clear(t.flows)
	clear(t.back)
}

// BlockUDP makes a packet filter on the link drop every datagram without a word, or ends that.
func (l *Link) BlockUDP(on bool) { l.set(func() { l.noUDP = on }) }

// SetStraggle makes a share of the datagrams, from 0 to 1, take that much longer, so that others overtake them.
func (l *Link) SetStraggle(share float64, by time.Duration) {
	l.set(func() { l.straggle, l.late = share, by })
}

// SetMTU makes the link lose, without a word, what would be longer than that as an IPv4 packet: a datagram for good, a stream's segment every time it is sent, so that
// the stream is stuck. Streams that were dialled over a Path with an MTU send nothing longer than that. 0 is no limit.
func (l *Link) SetMTU(mtu int) { l.set(func() { l.mtu = mtu }) }
