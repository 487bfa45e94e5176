package demo

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/localsock"
	"github.com/holdfast-vpn/holdfast/protocol/netstack"
	"github.com/holdfast-vpn/holdfast/protocol/simnet"
)

// laptop is the host of the demo: its TUN device is a userspace stack, its only uplink a link of the simulated network.
type laptop struct {
	wifi    *simnet.Link
	began   time.Time
	changes chan platform.NetSnapshot

	mu    sync.Mutex
	stack *netstack.Stack // nil without a device
	dns   platform.DNSConfig
	route platform.RouteConfig
}

func newLaptop(wifi *simnet.Link) *laptop {
	return &laptop{wifi: wifi, began: time.Now(), changes: make(chan platform.NetSnapshot, 16)}
}

// host is the laptop as the agent sees it.
func (l *laptop) host() *platform.Host {
	return &platform.Host{
		Tun: laptopTun{l}, Router: laptopRouter{l}, Resolver: laptopResolver{l}, Firewall: laptopFirewall{}, Monitor: laptopMonitor{l}, Clock: laptopClock{l},
		Undo: func(context.Context) error { return nil }, Close: func() error { return nil },
	}
}

// current is the stack that carries the laptop's traffic now.
func (l *laptop) current() (*netstack.Stack, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stack == nil {
		return nil, errors.New("demo: there is no tunnel")
	}
	return l.stack, nil
}

// clean reports whether nothing of the agent is left on the laptop.
func (l *laptop) clean() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stack == nil && l.dns.Empty() && l.route.Empty()
}

// setWiFi plugs the uplink in or out, and tells the agent as a system would.
func (l *laptop) setWiFi(up bool) {
	if up {
		l.wifi.Up()
	} else {
		l.wifi.Down()
	}
	l.changes <- l.snapshot()
}

func (l *laptop) snapshot() platform.NetSnapshot {
	if !l.wifi.IsUp() {
		return platform.NetSnapshot{}
	}
	return platform.NetSnapshot{Uplinks: []platform.Uplink{{Index: 1, Name: "wifi0", Local: []netip.Addr{laptopAddr}, NextHop: []netip.Addr{routerAddr}}}}
}

type laptopTun struct{ *laptop }

// Open makes the stack that stands for the device.
func (l laptopTun) Open(_ context.Context, mtu int) (platform.Device, error) {
	s, err := netstack.New(mtu)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stack = s
	return laptopDevice{s, l.laptop}, nil
}

// laptopDevice forgets the stack when it is closed.
type laptopDevice struct {
	*netstack.Stack
	l *laptop
}

func (d laptopDevice) Close() error {
	d.l.mu.Lock()
	if d.l.stack == d.Stack {
		d.l.stack = nil
	}
	d.l.mu.Unlock()
	return d.Stack.Close()
}

type laptopRouter struct{ *laptop }

// Set gives the stack its addresses and routes.
func (l laptopRouter) Set(_ context.Context, c platform.RouteConfig) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.route = c
	if l.stack == nil || c.Empty() {
		return nil
	}
	l.stack.SetRoutes(c.Include)
	return errors.Join(l.stack.SetMTU(c.MTU), l.stack.SetAddresses(c.Addresses))
}

type laptopResolver struct{ *laptop }

// Set keeps the servers for resolver.
func (l laptopResolver) Set(_ context.Context, c platform.DNSConfig) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dns = c
	return nil
}

// Backend names the way names are resolved.
func (laptopResolver) Backend() string { return "demo" }

type laptopFirewall struct{}

// Set has nothing to do: no policy of the demo filters.
func (laptopFirewall) Set(context.Context, platform.FilterConfig) error { return nil }

type laptopMonitor struct{ *laptop }

func (m laptopMonitor) Snapshot() platform.NetSnapshot       { return m.snapshot() }
func (m laptopMonitor) Changes() <-chan platform.NetSnapshot { return m.changes }

// Close leaves the channel: the laptop may still be told something.
func (laptopMonitor) Close() error { return nil }

type laptopClock struct{ *laptop }

// Now counts from the laptop's start; it never sleeps.
func (c laptopClock) Now() (mono, boot time.Duration) {
	d := time.Since(c.began)
	return d, d
}

// lookup asks the tunnel's DNS server for the addresses of a name.
func (l *laptop) lookup(ctx context.Context, network, name string) ([]netip.Addr, error) {
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		l.mu.Lock()
		servers := l.dns.Servers
		l.mu.Unlock()
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
