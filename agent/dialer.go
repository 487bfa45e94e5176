package agent

import (
	"context"
	"net"
	"net/netip"

	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// hostDialer makes the host's dialer the one that protocols ask for: the same thing, with the path spelt out, since platform knows nothing of protocol.
type hostDialer struct{ host platform.Dialer }

func (d hostDialer) Lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	return d.host.Lookup(ctx, host)
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
	return d.host.DialTCP(ctx, to, via.IfIndex, via.Name, via.Local)
}

func (d hostDialer) DialUDP(ctx context.Context, to netip.AddrPort, via protocol.Path) (net.Conn, error) {
	return d.host.DialUDP(ctx, to, via.IfIndex, via.Name, via.Local)
}
