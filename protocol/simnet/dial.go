package simnet

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// synTries is how often a SYN is sent: after 0, 1, 3, 7, 15, 31 and 63 s; at 127 s the dialler gives up.
const synTries = 7

// Dialer opens streams from a host, as protocol.Dialer asks.
type Dialer struct{ host *Host }

var _ protocol.Dialer = (*Dialer)(nil)

// Dialer returns the host's dialler.
func (h *Host) Dialer() *Dialer { return &Dialer{h} }

// Lookup returns the addresses of the network's table, NET-001 for a name that is not in it.
func (d *Dialer) Lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.New(fault.NetTimeout, err)
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	d.host.n.mu.Lock()
	defer d.host.n.mu.Unlock()
	addrs := d.host.n.names[strings.ToLower(strings.TrimSuffix(host, "."))]
	if len(addrs) == 0 {
		return nil, fault.Newf(fault.NetNoName, nil, "%s", host)
	}
	return slices.Clone(addrs), nil
}

// DialTCP connects. The zero path takes the first link that is up and has an address of the family. Errors: NET-013 for a path that is not there, NET-002 when the link has
// no address of the family, NET-003 refused, NET-004 when nobody answered until ctx's deadline or for 127 s, NET-006 when ctx was cancelled.
func (d *Dialer) DialTCP(ctx context.Context, to netip.AddrPort, via protocol.Path) (net.Conn, error) {
	n := d.host.n
	n.mu.Lock()
	link, err := d.pick(to.Addr(), via)
	if err != nil {
		n.mu.Unlock()
		return nil, err
	}
	n.made++
	a := &attempt{n: n, from: link, to: to, done: make(chan result, 1), packet: 1500, rng: rand.New(rand.NewPCG(n.seed, n.made))}
	if via.MTU > 0 {
		a.packet = via.MTU
	}
	local := via.Local
	if !local.IsValid() {
		local = link.local(to.Addr())
	}
	a.local = netip.AddrPortFrom(local, d.host.ephemeral())
	n.dials[a] = struct{}{}
	a.send(0)
	n.mu.Unlock()

	select {
	case r := <-a.done:
		return r.conn, r.err
	case <-ctx.Done():
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if r, ok := a.cancel(); ok {
		return r.conn, r.err
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, fault.New(fault.NetSilent, ctx.Err())
	}
	return nil, fault.New(fault.NetTimeout, ctx.Err())
}

// pick finds the link to dial over. n.mu is held.
func (d *Dialer) pick(to netip.Addr, via protocol.Path) (*Link, error) {
	if d.host.n.closed {
		return nil, fault.New(fault.NetNoPath, net.ErrClosed)
	}
	if via.IfIndex != 0 {
		l := d.host.link(via.IfIndex)
		if l == nil || via.Local.IsValid() && !slices.Contains(l.addrs, via.Local) {
			return nil, fault.Newf(fault.NetNoPath, syscall.EADDRNOTAVAIL, "%s", via.Name)
		}
		if !l.local(to).IsValid() {
			return nil, fault.New(fault.NetNoRoute, syscall.ENETUNREACH)
		}
		return l, nil
	}
	var found *Link
	for _, l := range d.host.links {
		if l.local(to).IsValid() && (found == nil || l.up && !found.up) {
			found = l
		}
	}
	if found == nil {
		return nil, fault.New(fault.NetNoRoute, syscall.ENETUNREACH)
	}
	return found, nil
}

// result is how an attempt ended.
type result struct {
	conn net.Conn
	err  error
}

// attempt is one DialTCP: SYNs, and what comes back.
type attempt struct {
	n     *Net
	from  *Link
	local netip.AddrPort
	to    netip.AddrPort
	rng   *rand.Rand
	retry *event
	ended bool
	done  chan result

	packet int // the longest that the stream will send
}

// send sends the try-th SYN and arms the next. n.mu is held, here and below.
func (a *attempt) send(try int) {
	if a.ended {
		return
	}
	if try == synTries {
		a.finish(nil, fault.New(fault.NetSilent, syscall.ETIMEDOUT))
		return
	}
	a.retry = a.n.after(time.Second<<try, func() { a.send(try + 1) })
	to := a.n.byAddr[a.to.Addr()]
	if to == nil || !a.passes(to) || a.rng.Float64() < 1-(1-a.from.loss)*(1-to.loss) {
		return
	}
	one, age := a.from.latency+to.latency, a.from.mapping()
	a.n.after(one, func() { a.arrive(to, one, age) })
}

// passes reports whether a segment passes between the two links now.
func (a *attempt) passes(to *Link) bool { return a.from.works() && to.works() }

// arrive is the SYN at the server: a listener with room takes it, else the port refuses.
func (a *attempt) arrive(to *Link, one time.Duration, age int) {
	if a.ended || !a.passes(to) || age != a.from.mapping() {
		return
	}
	l := to.host.listeners[a.to.Port()]
	if l == nil {
		a.n.after(one, func() {
			if a.passes(to) && age == a.from.mapping() {
				a.finish(nil, fault.New(fault.NetRefused, syscall.ECONNREFUSED))
			}
		})
		return
	}
	if len(l.queue) == cap(l.queue) {
		return
	}
	s := a.n.newStream(a.from, to, a.local, a.to, a.packet)
	a.n.after(one, func() { a.established(s) })
	l.queue <- s.ends[1]
}

// established is the answer at the dialler. Where it is lost the server's side is forgotten, and another SYN makes another.
func (a *attempt) established(s *stream) {
	if a.ended {
		s.ends[0].abort()
		return
	}
	if !s.open() {
		s.ends[0].shut()
		return
	}
	if s.ends[0].err != nil {
		s.ends[0].shut()
		a.finish(nil, fault.New(fault.NetRefused, syscall.ECONNREFUSED))
		return
	}
	a.finish(s.ends[0], nil)
}

// finish gives DialTCP its result, once.
func (a *attempt) finish(c *end, err error) {
	if a.ended {
		return
	}
	a.end()
	if err != nil {
		a.done <- result{nil, err}
		return
	}
	a.done <- result{c, nil}
}

// cancel ends the attempt, unless it has a result already.
func (a *attempt) cancel() (result, bool) {
	select {
	case r := <-a.done:
		return r, true
	default:
	}
	a.end()
	return result{}, false
}

// end stops the SYNs.
func (a *attempt) end() {
	a.ended = true
	a.retry.stop()
	delete(a.n.dials, a)
}
