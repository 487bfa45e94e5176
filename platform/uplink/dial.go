package uplink

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform"
)

// userTimeout is how long sent data may stay unacknowledged before the kernel gives a connection up.
const userTimeout = 30 * time.Second

// errMark says that a socket could not be kept out of the tunnel.
var errMark = errors.New("uplink: the socket could not be marked")

// Dialer is the host's platform.Dialer.
type Dialer struct {
	servers func() ([]netip.Addr, error)
	hosts   string // the file of that name
	mark    int    // SO_MARK; 0 for none
	port    uint16 // of name servers
}

var _ platform.Dialer = (*Dialer)(nil)

// New returns a Dialer that asks the servers which the function names, in its order, each time.
func New(servers func() ([]netip.Addr, error)) *Dialer {
	return &Dialer{servers: servers, hosts: hostsFile(), mark: platform.Mark, port: 53}
}

// NewUnmarked is New for a process without privilege: its connections take whatever way the machine's routes have, through a tunnel too.
func NewUnmarked(servers func() ([]netip.Addr, error)) *Dialer {
	d := New(servers)
	d.mark = 0
	return d
}

// DialTCP connects to one address until ctx ends. The uplink is named by ifIndex or ifName, 0 and "" for any; local is zero for any. A loopback address is on no
// uplink: there the name says nothing.
func (d *Dialer) DialTCP(ctx context.Context, to netip.AddrPort, ifIndex int, ifName string, local netip.Addr) (net.Conn, error) {
	var from net.Addr
	if local.IsValid() {
		from = net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
	}
	return d.dial(ctx, "tcp", to, ifIndex, ifName, from, 0)
}

// DialNarrow is DialTCP over a path that carries packets of mtu bytes at most, headers included, without saying so: neither end sends longer ones.
func (d *Dialer) DialNarrow(ctx context.Context, to netip.AddrPort, mtu, ifIndex int, ifName string, local netip.Addr) (net.Conn, error) {
	var from net.Addr
	if local.IsValid() {
		from = net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
	}
	headers := 20 + 20
	if to.Addr().Unmap().Is6() {
		headers = 40 + 20
	}
	return d.dial(ctx, "tcp", to, ifIndex, ifName, from, mtu-headers)
}

// DialUDP connects a socket to one address, under the same rules. Nothing is sent: whether somebody is there shows later.
func (d *Dialer) DialUDP(ctx context.Context, to netip.AddrPort, ifIndex int, ifName string, local netip.Addr) (net.Conn, error) {
	var from net.Addr
	if local.IsValid() {
		from = net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 0))
	}
	return d.dial(ctx, "udp", to, ifIndex, ifName, from, 0)
}

func (d *Dialer) dial(ctx context.Context, network string, to netip.AddrPort, ifIndex int, ifName string, from net.Addr, segment int) (net.Conn, error) {
	if to.Addr().Unmap().IsLoopback() {
		ifIndex, ifName = 0, ""
	}
	via, err := find(ifIndex, ifName)
	if err != nil {
		return nil, err
	}
	nd := d.dialer(via, segment)
	nd.LocalAddr = from
	c, err := nd.DialContext(ctx, network, to.String())
	if err != nil {
		return nil, classify(err, to)
	}
	if via == (way{}) && d.mark != 0 {
		stay(c, d.mark)
	}
	return c, nil
}

// way is the uplink a socket is bound to: Linux goes by its name, others by its index. The zero way is any.
type way struct {
	name  string
	index int
}

// find completes what names an uplink.
func find(index int, name string) (way, error) {
	var ifi *net.Interface
	var err error
	switch {
	case index > 0 && name != "" || index <= 0 && name == "":
		return way{name, index}, nil
	case index > 0:
		ifi, err = net.InterfaceByIndex(index)
	case runtime.GOOS == "linux":
		return way{name: name}, nil
	default:
		ifi, err = net.InterfaceByName(name)
	}
	if err != nil {
		return way{}, fault.Newf(fault.NetNoPath, err, "interface %s is gone", cmp.Or(name, strconv.Itoa(index)))
	}
	return way{ifi.Name, ifi.Index}, nil
}

// dialer is a net.Dialer whose sockets are marked, bound unless via is any, and have TCP segments of that many bytes at most unless segment is 0.
func (d *Dialer) dialer(via way, segment int) *net.Dialer {
	return &net.Dialer{
		KeepAlive:       -1,
		KeepAliveConfig: net.KeepAliveConfig{Enable: false},
		ControlContext: func(_ context.Context, network, _ string, c syscall.RawConn) error {
			var err error
			if cerr := c.Control(func(fd uintptr) { err = prepare(fd, network, d.mark, via, segment) }); cerr != nil {
				return cerr
			}
			return err
		},
	}
}

// classify says in the product's words why there is no connection.
func classify(err error, to netip.AddrPort) error {
	code := fault.NetLost
	switch {
	case errors.Is(err, errMark):
		return fault.Newf(fault.Internal, err, "an outer connection could not be kept out of the tunnel")
	case oneOf(err, refused):
		code = fault.NetRefused
	case oneOf(err, noPath):
		code = fault.NetNoPath
	case oneOf(err, noRoute):
		code = fault.NetNoRoute
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), oneOf(err, silent):
		code = fault.NetSilent
	}
	return fault.Newf(code, err, "%s", to)
}

// oneOf reports whether err is one of the system's errors.
func oneOf(err error, list []syscall.Errno) bool {
	return slices.ContainsFunc(list, func(e syscall.Errno) bool { return errors.Is(err, e) })
}
