package agent

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// elsewhereAfter is how long the way that the system routes may say nothing before the other uplinks are tried beside it.
const elsewhereAfter = time.Second

// hostDialer makes the host's dialer the one that protocols ask for: the same thing, with the path spelt out, since platform knows nothing of protocol. Without a path, as
// at a login, it goes as the system routes; where nobody answers there, as on a cable that leads nowhere beside a Wi-Fi that works, by the other uplinks too.
type hostDialer struct {
	host    platform.Dialer
	network func() platform.NetSnapshot
}

func (d hostDialer) Lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	tries := []try[[]netip.Addr]{func(ctx context.Context) ([]netip.Addr, error) { return d.host.Lookup(ctx, host) }}
	if r, ok := d.host.(platform.LinkResolver); ok {
		for _, via := range d.others(nil) {
			tries = append(tries, func(ctx context.Context) ([]netip.Addr, error) { return r.LookupOn(ctx, host, via.Name) })
		}
	}
	return firstOf(ctx, tries, func([]netip.Addr) {})
}

// narrowDialer is what a host's dialer is, too, where it can keep a connection within a path's MTU.
type narrowDialer interface {
	DialNarrow(ctx context.Context, to netip.AddrPort, mtu, ifIndex int, ifName string, local netip.Addr) (net.Conn, error)
}

// LookupVia asks through one uplink where the host's dialer can.
func (d hostDialer) LookupVia(ctx context.Context, host string, via protocol.Path) ([]netip.Addr, error) {
	if r, ok := d.host.(platform.LinkResolver); ok && via.Name != "" {
		return r.LookupOn(ctx, host, via.Name)
	}
	return d.host.Lookup(ctx, host)
}

func (d hostDialer) DialTCP(ctx context.Context, to netip.AddrPort, via protocol.Path) (net.Conn, error) {
	if n, ok := d.host.(narrowDialer); ok && via.MTU > 0 {
		return n.DialNarrow(ctx, to, via.MTU, via.IfIndex, via.Name, via.Local)
	}
	dial := func(via protocol.Path) try[net.Conn] {
		return func(ctx context.Context) (net.Conn, error) {
			return d.host.DialTCP(ctx, to, via.IfIndex, via.Name, via.Local)
		}
	}
	tries := []try[net.Conn]{dial(via)}
	if via == (protocol.Path{}) {
		for _, p := range d.others([]netip.Addr{to.Addr()}) {
			tries = append(tries, dial(outer(p)))
		}
	}
	return firstOf(ctx, tries, func(c net.Conn) { _ = c.Close() })
}

// DialUDP binds a socket to the uplink that its address is on, where none is named.
func (d hostDialer) DialUDP(ctx context.Context, to netip.AddrPort, via protocol.Path) (net.Conn, error) {
	if via.IfIndex == 0 && via.Local.IsValid() {
		ways := d.ways([]netip.Addr{to.Addr()})
		if i := slices.IndexFunc(ways, func(p machine.Path) bool { return p.Local == via.Local }); i >= 0 {
			via = outer(ways[i])
		}
	}
	return d.host.DialUDP(ctx, to, via.IfIndex, via.Name, via.Local)
}

func (d hostDialer) ways(to []netip.Addr) []machine.Path {
	if d.network == nil {
		return nil
	}
	return pathsTo(to, machine.Path{}, d.network())
}

// others are the ways less the one that the system likes best.
func (d hostDialer) others(to []netip.Addr) []machine.Path {
	ways := d.ways(to)
	if len(ways) == 0 {
		return nil
	}
	best := ways[0].IfIndex
	return slices.DeleteFunc(ways, func(p machine.Path) bool { return p.IfIndex == best })
}

// try is one way to get something.
type try[T any] func(context.Context) (T, error)

// firstOf starts the first try, and all others a second later or when the network fails it. What comes first wins, and drop lets go of what comes too late; the error is
// the first one's. It returns when all have ended.
func firstOf[T any](ctx context.Context, tries []try[T], drop func(T)) (T, error) {
	if len(tries) == 1 {
		return tries[0](ctx)
	}
	ctx, cancel := context.WithCancel(ctx)
	type result struct {
		got T
		err error
		at  int
	}
	results := make(chan result, len(tries))
	pending, started := 0, 0
	start := func(upTo int) {
		for ; started < upTo; started++ {
			pending++
			go func(at int) {
				got, err := tries[at](ctx)
				results <- result{got, err, at}
			}(started)
		}
	}
	defer func() {
		cancel()
		for ; pending > 0; pending-- {
			if r := <-results; r.err == nil {
				drop(r.got)
			}
		}
	}()
	start(1)
	timer := time.NewTimer(elsewhereAfter)
	defer timer.Stop()
	var first error
	for pending > 0 {
		select {
		case <-timer.C:
			start(len(tries))
		case r := <-results:
			pending--
			switch {
			case r.err == nil:
				return r.got, nil
			case r.at == 0:
				first = r.err
				if unanswered(r.err) {
					start(len(tries))
				}
			}
		}
	}
	var none T
	return none, first
}

// unanswered reports that nobody answered, or could be asked: another way may be better.
func unanswered(err error) bool {
	var f *fault.Error
	if !errors.As(err, &f) {
		return false
	}
	switch f.Code {
	case fault.NetSilent, fault.NetNoRoute, fault.NetNoPath, fault.NetLost:
		return true
	}
	return false
}
