package uplink

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

func TestDialTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	to := netip.MustParseAddrPort(l.Addr().String())
	d := unprivileged(53)
	c, err := d.DialTCP(t.Context(), to, 0, "", netip.MustParseAddr("127.0.0.3"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := netip.MustParseAddrPort(c.LocalAddr().String()).Addr().String(); got != "127.0.0.3" {
		t.Errorf("local address %s", got)
	}
	for _, o := range []struct {
		name             string
		level, opt, want int
	}{
		{"TCP_USER_TIMEOUT", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 30000},
		{"TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 0},
	} {
		if got := option(t, c, o.level, o.opt); got != o.want {
			t.Errorf("%s = %d, want %d", o.name, got, o.want)
		}
	}
	if c, err := d.DialTCP(t.Context(), to, 0, "loopback", netip.Addr{}); err != nil {
		t.Errorf("a gateway on this machine, by a path that is no interface: %v", err)
	} else {
		c.Close()
	}
	l.Close()
	if _, err := d.DialTCP(t.Context(), to, 0, "", netip.Addr{}); fault.As(err).Code != fault.NetRefused {
		t.Errorf("closed port: %v", err)
	}
	if _, err := d.DialTCP(t.Context(), netip.MustParseAddrPort("192.0.2.1:9"), 1<<30, "", netip.Addr{}); fault.As(err).Code != fault.NetNoPath {
		t.Errorf("no such interface: %v", err)
	}
	if _, err := d.DialTCP(t.Context(), to, 0, "", netip.MustParseAddr("192.0.2.99")); fault.As(err).Code != fault.NetNoPath {
		t.Errorf("not an address of ours: %v", err)
	}
}

// TestDialNarrow: neither end of the connection has segments that would not fit.
func TestDialNarrow(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := unprivileged(53).DialNarrow(t.Context(), netip.MustParseAddrPort(l.Addr().String()), 1280, 0, "", netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	for _, end := range []net.Conn{c, peer} {
		if got := option(t, end, unix.IPPROTO_TCP, unix.TCP_MAXSEG); got > 1240 || got < 1200 { // less time stamps
			t.Errorf("segments of %d bytes", got)
		}
	}
}

// TestDialUDP: a socket from the address that was asked for, to one address, that has sent nothing.
func TestDialUDP(t *testing.T) {
	l, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d := unprivileged(53)
	c, err := d.DialUDP(t.Context(), netip.MustParseAddrPort(l.LocalAddr().String()), 0, "", netip.MustParseAddr("127.0.0.3"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("first")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 16)
	n, from, err := l.ReadFromUDPAddrPort(b)
	if err != nil || string(b[:n]) != "first" || from.Addr().Unmap().String() != "127.0.0.3" {
		t.Errorf("%q from %v, %v", b[:n], from, err)
	}
	if _, err := d.DialUDP(t.Context(), netip.MustParseAddrPort("192.0.2.1:9"), 1<<30, "", netip.Addr{}); fault.As(err).Code != fault.NetNoPath {
		t.Errorf("no such interface: %v", err)
	}
}

func option(t *testing.T, c net.Conn, level, opt int) (v int) {
	t.Helper()
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var oerr error
	if err := errors.Join(raw.Control(func(fd uintptr) { v, oerr = unix.GetsockoptInt(int(fd), level, opt) }), oerr); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestClassify(t *testing.T) {
	to := netip.MustParseAddrPort("192.0.2.1:443")
	for err, want := range map[error]fault.Code{
		syscall.ECONNREFUSED: fault.NetRefused, syscall.ENETUNREACH: fault.NetNoRoute, syscall.EHOSTUNREACH: fault.NetNoRoute, syscall.EACCES: fault.NetNoRoute,
		syscall.ETIMEDOUT: fault.NetSilent, context.DeadlineExceeded: fault.NetSilent, os.ErrDeadlineExceeded: fault.NetSilent,
		syscall.ENODEV: fault.NetNoPath, syscall.ENETDOWN: fault.NetNoPath, syscall.EADDRNOTAVAIL: fault.NetNoPath,
		errMark: fault.Internal, syscall.EMFILE: fault.NetLost,
	} {
		if got := fault.As(classify(&net.OpError{Op: "dial", Err: err}, to)).Code; got != want {
			t.Errorf("%v is %s, want %s", err, got, want)
		}
	}
}

// In a namespace whose main table leads nowhere but for what bears the mark: the mark is set, on TCP and on lookups, and so is the interface.
func TestMarkAndBinding(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	self, gw := testenv.Self(t), testenv.NewNS(t, "gw")
	testenv.Veth(t, self, "up0", gw, "down0")
	self.Run(t, "ip", "addr", "add", "198.51.100.2/24", "dev", "up0")
	gw.Run(t, "ip", "addr", "add", "198.51.100.1/24", "dev", "down0")
	gw.Run(t, "ip", "addr", "add", "203.0.113.1/32", "dev", "lo")
	self.Run(t, "ip", "route", "add", "blackhole", "203.0.113.1")
	self.Run(t, "ip", "route", "add", "203.0.113.1", "via", "198.51.100.1", "table", "99")
	self.Run(t, "ip", "rule", "add", "priority", "100", "fwmark", "0x4846", "table", "99")
	d := New(func() ([]netip.Addr, error) { return []netip.Addr{netip.MustParseAddr("203.0.113.1")}, nil })
	to := netip.MustParseAddrPort("203.0.113.1:9")
	dial := func(name string, patience time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		_, err := d.DialTCP(ctx, to, 0, name, netip.Addr{})
		return err
	}
	// Nobody listens on port 9: a refusal is proof that the packets went there.
	for _, name := range []string{"", "up0"} {
		if err := dial(name, 10*time.Second); fault.As(err).Code != fault.NetRefused {
			t.Errorf("marked, interface %q: %v", name, err)
		}
	}
	if err := dial("lo", 300*time.Millisecond); fault.As(err).Code == fault.NetRefused {
		t.Error("the socket was not bound to the interface it was given")
	}
	if !d.routed(to.Addr(), "") {
		t.Error("marked, there should be a route")
	}
	if d.mark != platform.Mark {
		t.Errorf("mark %#x", d.mark)
	}
	d.mark = 0
	if err := dial("", 10*time.Second); err == nil || fault.As(err).Code == fault.NetRefused {
		t.Errorf("unmarked: %v", err)
	}
	if d.routed(to.Addr(), "") {
		t.Error("unmarked, there should be no route")
	}
}

// A connection that went as the system routes stays on its uplink when the system routes elsewhere.
func TestStays(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	self, gw := testenv.Self(t), testenv.NewNS(t, "gw")
	testenv.Veth(t, self, "up0", gw, "down0")
	testenv.Veth(t, self, "up1", gw, "down1")
	self.Run(t, "ip", "addr", "add", "198.51.100.2/24", "dev", "up0")
	self.Run(t, "ip", "addr", "add", "192.0.2.2/24", "dev", "up1")
	gw.Run(t, "ip", "addr", "add", "198.51.100.1/24", "dev", "down0")
	gw.Run(t, "ip", "addr", "add", "203.0.113.1/32", "dev", "lo")
	self.Run(t, "ip", "route", "add", "default", "via", "198.51.100.1", "metric", "20")
	c, err := New(nil).DialUDP(t.Context(), netip.MustParseAddrPort("203.0.113.1:9"), 0, "", netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	self.Run(t, "ip", "route", "add", "default", "via", "192.0.2.1", "metric", "10")
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var bound string
	if cerr := raw.Control(func(fd uintptr) { bound, err = unix.GetsockoptString(int(fd), unix.SOL_SOCKET, unix.SO_BINDTODEVICE) }); cerr != nil || err != nil {
		t.Fatal(cerr, err)
	}
	if bound != "up0" {
		t.Errorf("bound to %q", bound)
	}
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNREFUSED) { // nobody listens there: a refusal is proof that it went that way
		t.Errorf("after the route has changed: %v", err)
	}
}
