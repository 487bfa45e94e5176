package login

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
)

const (
	stagger      = 250 * time.Millisecond // between the first connects to two addresses (RFC 8305 section 5)
	repeat       = 500 * time.Millisecond // between more of them: systems repeat a lost SYN after 1 s and then after 2
	mostConnects = 4                      // to one address that says nothing, before a backup server has its turn
	mostReturns  = 6                      // the same for a session, which comes back to no other
	connectTime  = 3 * time.Second        // for one connect
	maxAddresses = 16                     // of one gateway that are tried
)

// connected is what one connect came to.
type connected struct {
	to   netip.AddrPort
	conn net.Conn
	rtt  time.Duration
	err  error
}

// field is what races for one connection.
type field struct {
	dialer protocol.Dialer
	port   uint16
	via    protocol.Path
	all    []netip.Addr // at most maxAddresses, in the order of their starts
	most   int          // connects to one address that says nothing
	avoid  func(netip.Addr) bool
	more   chan []netip.Addr // addresses that are looked up meanwhile; nil for none

	results chan connected
	pending int
	next    int                 // of all
	rounds  int                 // of repetitions
	heard   map[netip.Addr]bool // addresses that have answered in some way
}

// race connects to the addresses, staggered, and verifies whoever connects, one at a time. It returns when the last connect has ended.
func (f *field) race(ctx context.Context, o Options, v *verifier) (*Conn, error) {
	if len(f.all) == 0 && f.more == nil {
		return nil, fault.New(fault.NetNoName, nil)
	}
	ctx, cancel := context.WithCancel(ctx)
	f.results, f.next, f.rounds, f.heard = make(chan connected, maxAddresses*f.most), 0, 0, map[netip.Addr]bool{}
	defer f.end(cancel)
	timer := time.NewTimer(f.start(ctx))
	defer timer.Stop()
	var failed error
	for {
		due := false
		select {
		case <-timer.C:
			due = true
		case addrs := <-f.more:
			f.more = nil
			f.all = unique(append(f.all, addrs...))
		case r := <-f.results:
			f.pending--
			if r.err == nil || fault.As(r.err).Code != fault.NetSilent {
				f.heard[r.to.Addr()] = true
			}
			if r.err == nil {
				var c *Conn
				if c, r.err = v.greet(ctx, f.dialer, f.via, r, o); r.err == nil {
					c.Addrs = first(f.all, r.to.Addr())
					return c, nil
				}
			}
			if ctx.Err() != nil {
				return nil, netFault(ctx, ctx.Err(), fault.NetTimeout, fault.NetTimeout)
			}
			failed = telling(failed, r.err)
		case <-ctx.Done():
			return nil, netFault(ctx, ctx.Err(), fault.NetTimeout, fault.NetTimeout)
		}
		switch {
		case due || f.next < len(f.all):
			timer.Reset(f.start(ctx))
		case f.pending > 0 || f.more != nil:
		case failed == nil:
			return nil, fault.Newf(fault.NetNoRoute, nil, "its name has no address of a family that this network has")
		default:
			return nil, failed
		}
	}
}

// start begins the connect that is next, or one more to each address that has said nothing yet, and returns how long what follows waits.
func (f *field) start(ctx context.Context) time.Duration {
	switch {
	case f.next < len(f.all):
		f.next++
		f.connect(ctx, f.all[f.next-1])
	case f.rounds < f.most-1:
		f.rounds++
		for _, a := range f.all {
			if !f.heard[a] {
				f.connect(ctx, a)
			}
		}
	}
	if f.next < len(f.all) {
		return stagger
	}
	return repeat
}

func (f *field) connect(ctx context.Context, to netip.Addr) {
	f.pending++
	go func() { f.results <- connect(ctx, f.dialer, netip.AddrPortFrom(to, f.port), f.via) }()
}

// end gives up what is still under way and waits for it.
func (f *field) end(cancel context.CancelFunc) {
	cancel()
	for ; f.pending > 0; f.pending-- {
		if r := <-f.results; r.conn != nil {
			_ = r.conn.Close()
		}
	}
}

// lookup begins to resolve the target's name through the path, and returns what waits for it. What it finds joins the race.
func (f *field) lookup(ctx context.Context, t protocol.Target) (wait func()) {
	more, done := make(chan []netip.Addr, 1), make(chan struct{})
	f.more = more
	go func() {
		defer close(done)
		var addrs []netip.Addr
		if d, ok := f.dialer.(protocol.PathResolver); ok {
			addrs, _ = d.LookupVia(ctx, t.Host, f.via) // the addresses that are known are tried all the same
		} else {
			addrs, _ = f.dialer.Lookup(ctx, t.Host)
		}
		more <- f.fit(t.Families.Of(addrs))
	}()
	return func() { <-done }
}

// connect is one connect.
func connect(ctx context.Context, d protocol.Dialer, to netip.AddrPort, via protocol.Path) connected {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	began := time.Now()
	conn, err := d.DialTCP(ctx, to, via)
	if err != nil {
		return connected{to: to, err: netFault(ctx, err, fault.NetLost, fault.NetSilent)}
	}
	return connected{to: to, conn: conn, rtt: time.Since(began)}
}

// fit keeps the addresses of the family that the path has, all where it is not bound to one, less those to be avoided.
func (f *field) fit(addrs []netip.Addr) []netip.Addr {
	return slices.DeleteFunc(unique(addrs), func(a netip.Addr) bool {
		return f.via.Local.IsValid() && a.Is4() != f.via.Local.Unmap().Is4() || f.avoid(a)
	})
}

// unique drops what is invalid or comes twice, and what is beyond the bound.
func unique(addrs []netip.Addr) []netip.Addr {
	var out []netip.Addr
	for _, a := range addrs {
		if a = a.Unmap(); a.IsValid() && !slices.Contains(out, a) && len(out) < maxAddresses {
			out = append(out, a)
		}
	}
	return out
}

// first returns addrs with a in front.
func first(addrs []netip.Addr, a netip.Addr) []netip.Addr {
	out := []netip.Addr{a}
	for _, b := range addrs {
		if b != a {
			out = append(out, b)
		}
	}
	return out
}
