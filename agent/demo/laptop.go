package demo

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/fake"
	"github.com/holdfast-vpn/holdfast/platform/localsock"
	"github.com/holdfast-vpn/holdfast/protocol/netstack"
	"github.com/holdfast-vpn/holdfast/protocol/simnet"
)

// laptop is the host of the demo: a machine in memory whose TUN device is a userspace stack, and whose only uplink is a link of the simulated network.
type laptop struct {
	*fake.Machine
	wifi  *simnet.Link
	stack atomic.Pointer[netstack.Stack] // of the last device
}

func newLaptop(wifi *simnet.Link) *laptop {
	l := &laptop{wifi: wifi}
	l.Machine = fake.New(fake.Options{Device: l.device, Routes: l.route, Network: l.network()})
	return l
}

// device makes the stack that stands for the device.
func (l *laptop) device(mtu int) (platform.Device, error) {
	s, err := netstack.New(mtu)
	if err == nil {
		l.stack.Store(s)
	}
	return s, err
}

// route gives the stack its addresses and routes.
func (l *laptop) route(c platform.RouteConfig) error {
	s := l.stack.Load()
	if s == nil || c.Empty() {
		return nil
	}
	s.SetRoutes(c.Include)
	return errors.Join(s.SetMTU(c.MTU), s.SetAddresses(c.Addresses))
}

// current is the stack that carries the laptop's traffic now.
func (l *laptop) current() (*netstack.Stack, error) {
	if s := l.stack.Load(); s != nil && !l.Clean() {
		return s, nil
	}
	return nil, errors.New("demo: there is no tunnel")
}

// setWiFi plugs the uplink in or out, and tells the agent as a system would.
func (l *laptop) setWiFi(up bool) {
	if up {
		l.wifi.Up()
	} else {
		l.wifi.Down()
	}
	l.SetNetwork(l.network())
}

// network is what a system's network monitor would see.
func (l *laptop) network() platform.NetSnapshot {
	if !l.wifi.IsUp() {
		return platform.NetSnapshot{}
	}
	return platform.NetSnapshot{Uplinks: []platform.Uplink{{Index: 1, Name: "wifi0", Local: []netip.Addr{laptopAddr}, NextHop: []netip.Addr{routerAddr}}}}
}

// lookup asks the tunnel's DNS server for the addresses of a name.
func (l *laptop) lookup(ctx context.Context, network, name string) ([]netip.Addr, error) {
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		servers := l.DNS().Servers
		if len(servers) == 0 {
			return nil, errors.New("demo: no DNS server")
		}
		s, err := l.current()
		if err != nil {
			return nil, err
		}
		return s.DialTCP(ctx, netip.AddrPortFrom(servers[0], 53))
	}}
	return r.LookupNetIP(ctx, network, name+".")
}

// pipeListener is the demo's local socket: connections within the process. Its clients are the one who runs the demo.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

// pipeConn knows its peer, as a connection of a real local socket does.
type pipeConn struct{ net.Conn }

// Peer is the one user of the demo.
func (pipeConn) Peer() localsock.Peer { return localsock.Peer{UID: 0, Root: true, Member: true} }

func (l *pipeListener) dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- pipeConn{server}:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept takes the next client.
func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close fails every Accept and dial.
func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is a name without a meaning.
func (*pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "demo", Net: "unix"} }
