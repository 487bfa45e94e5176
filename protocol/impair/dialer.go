package impair

import (
	"context"
	"net"
	"net/netip"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// Dialer returns d with everything it opens under these Faults. It is a protocol.DatagramDialer where d is one.
func (f *Faults) Dialer(d protocol.Dialer) protocol.Dialer {
	if u, ok := d.(protocol.DatagramDialer); ok {
		return datagramDialer{dialer{d, f}, u}
	}
	return dialer{d, f}
}

// It hides nothing that a Dialer may be, too.
var (
	_ protocol.PathResolver   = dialer{}
	_ protocol.PathResolver   = datagramDialer{}
	_ protocol.DatagramDialer = datagramDialer{}
)

type dialer struct {
	protocol.Dialer
	faults *Faults
}

type datagramDialer struct {
	dialer
	udp protocol.DatagramDialer
}

// Lookup finds no way while the link is down.
func (d dialer) Lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if d.faults.Down() {
		return nil, fault.New(fault.NetNoPath, nil)
	}
	return d.Dialer.Lookup(ctx, host)
}

// LookupVia is Lookup by one path, where the Dialer below can ask by one (protocol.PathResolver).
func (d dialer) LookupVia(ctx context.Context, host string, via protocol.Path) ([]netip.Addr, error) {
	r, ok := d.Dialer.(protocol.PathResolver)
	if !ok || d.faults.Down() {
		return d.Lookup(ctx, host)
	}
	return r.LookupVia(ctx, host, via)
}

// DialTCP connects, or fails as the way is impaired.
func (d dialer) DialTCP(ctx context.Context, to netip.AddrPort, via protocol.Path) (net.Conn, error) {
	switch {
	case d.faults.Down():
		return nil, fault.New(fault.NetNoPath, nil)
	case d.faults.rule(GatewayRefuse) != nil:
		return nil, fault.Newf(fault.NetRefused, nil, "%s", to)
	}
	if late := d.faults.rule(Latency); late != nil { // the handshake's round trip
		t := time.NewTimer(late.Delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return nil, fault.Newf(fault.NetSilent, ctx.Err(), "%s", to)
		}
	}
	c, err := d.Dialer.DialTCP(ctx, to, via)
	if err != nil {
		return nil, err
	}
	return d.faults.stream(c), nil
}

// DialUDP makes a socket. It sends nothing: what is impaired shows later.
func (d datagramDialer) DialUDP(ctx context.Context, to netip.AddrPort, via protocol.Path) (net.Conn, error) {
	if d.faults.Down() {
		return nil, fault.New(fault.NetNoPath, nil)
	}
	c, err := d.udp.DialUDP(ctx, to, via)
	if err != nil {
		return nil, err
	}
	return d.faults.datagrams(c, to.Addr().Unmap().Is6()), nil
}
