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

func (d hostDialer) DialTCP(ctx context.Context, to netip.AddrPort, via protocol.Path) (net.Conn, error) {
	return d.host.DialTCP(ctx, to, via.IfIndex, via.Name, via.Local)
}

func (d hostDialer) DialUDP(ctx context.Context, to netip.AddrPort, via protocol.Path) (net.Conn, error) {
	return d.host.DialUDP(ctx, to, via.IfIndex, via.Name, via.Local)
}
