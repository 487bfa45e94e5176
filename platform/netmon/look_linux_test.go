package netmon

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

const running = unix.IFF_UP | unix.IFF_RUNNING

func link(index int, name string, flags uint32) netlink.Link {
	return &netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: index, Name: name, RawFlags: flags}}
}

func cidr(s string) *net.IPNet {
	ip, n, err := net.ParseCIDR(s)
	if err != nil {
		panic(err)
	}
	return &net.IPNet{IP: ip, Mask: n.Mask}
}

func addr(index int, s string) netlink.Addr {
	return netlink.Addr{IPNet: cidr(s), LinkIndex: index}
}

// route is one of the main table; dst "" is the default.
func route(index int, dst, gw string, metric int) netlink.Route {
	r := netlink.Route{LinkIndex: index, Priority: metric, Type: unix.RTN_UNICAST, Gw: net.ParseIP(gw), Family: netlink.FAMILY_V4}
	if strings.Contains(dst+gw, ":") {
		r.Family = netlink.FAMILY_V6
	}
	if dst != "" {
		r.Dst = cidr(dst)
	}
	return r
}

// show writes a snapshot in one line.
func show(s platform.NetSnapshot) string {
	var b strings.Builder
	for _, u := range s.Uplinks {
		fmt.Fprintf(&b, "%s%v>%v ", u.Name, u.Local, u.NextHop)
	}
	return strings.TrimSpace(b.String())
}

func TestAssemble(t *testing.T) {
	eth := link(2, "eth0", running)
	local4, local6 := addr(2, "198.51.100.7/24"), addr(2, "2001:db8::7/64")
	connected := route(2, "198.51.100.0/24", "", 0)
	ours := route(2, "", "198.51.100.1", 0)
	ours.Protocol = platform.RouteProto
	refused := route(2, "", "", 0)
	refused.Type = unix.RTN_UNREACHABLE
	tentative := local6
	tentative.Flags = unix.IFA_F_TENTATIVE
	scoped := local4
	scoped.Scope = unix.RT_SCOPE_LINK
	two := route(0, "", "", 100)
	two.MultiPath = []*netlink.NexthopInfo{{LinkIndex: 2, Gw: net.ParseIP("198.51.100.1")}, {LinkIndex: 3, Gw: net.ParseIP("203.0.113.1")}}
	over6 := route(2, "", "", 100)
	over6.Via = &netlink.Via{AddrFamily: netlink.FAMILY_V6, Addr: net.ParseIP("fe80::1")}
	tests := []struct {
		name   string
		links  []netlink.Link
		addrs  []netlink.Addr
		routes []netlink.Route
		want   string
	}{
		{"both families", []netlink.Link{eth}, []netlink.Addr{local4, local6},
			[]netlink.Route{connected, route(2, "", "198.51.100.1", 100), route(2, "::/0", "fe80::1", 1024)}, "eth0[198.51.100.7 2001:db8::7]>[198.51.100.1 fe80::1]"},
		{"connected only", []netlink.Link{eth}, []netlink.Addr{local4}, []netlink.Route{connected}, "eth0[198.51.100.7]>[]"},
		{"default written as 0.0.0.0/0", []netlink.Link{eth}, []netlink.Addr{local4}, []netlink.Route{route(2, "0.0.0.0/0", "198.51.100.1", 0)},
			"eth0[198.51.100.7]>[198.51.100.1]"},
		{"half of everything is no default", []netlink.Link{eth}, []netlink.Addr{local4}, []netlink.Route{route(2, "0.0.0.0/1", "198.51.100.1", 0)},
			"eth0[198.51.100.7]>[]"},
		{"the better default of two", []netlink.Link{eth}, []netlink.Addr{local4},
			[]netlink.Route{route(2, "", "198.51.100.2", 200), route(2, "", "198.51.100.1", 100)}, "eth0[198.51.100.7]>[198.51.100.1]"},
		{"point to point", []netlink.Link{link(2, "ppp0", running|unix.IFF_POINTOPOINT)}, []netlink.Addr{local4}, []netlink.Route{route(2, "", "", 0)},
			"ppp0[198.51.100.7]>[]"},
		{"IPv4 over an IPv6 next hop", []netlink.Link{eth}, []netlink.Addr{local4}, []netlink.Route{over6}, "eth0[198.51.100.7]>[fe80::1]"},
		{"no route", []netlink.Link{eth}, []netlink.Addr{local4}, nil, ""},
		{"only a route of ours", []netlink.Link{eth}, []netlink.Addr{local4}, []netlink.Route{ours}, ""},
		{"only a route that refuses", []netlink.Link{eth}, []netlink.Addr{local4}, []netlink.Route{refused}, ""},
		{"no address", []netlink.Link{eth}, nil, []netlink.Route{connected}, ""},
		{"only a link-local address", []netlink.Link{eth}, []netlink.Addr{addr(2, "fe80::7/64")}, []netlink.Route{route(2, "fe80::/64", "", 0)}, ""},
		{"an address that is not ready", []netlink.Link{eth}, []netlink.Addr{tentative}, []netlink.Route{connected}, ""},
		{"an address of smaller scope", []netlink.Link{eth}, []netlink.Addr{scoped}, []netlink.Route{connected}, ""},
		{"no cable", []netlink.Link{link(2, "eth0", unix.IFF_UP)}, []netlink.Addr{local4}, []netlink.Route{connected}, ""},
		{"set down", []netlink.Link{link(2, "eth0", 0)}, []netlink.Addr{local4}, []netlink.Route{connected}, ""},
		{"loopback", []netlink.Link{link(2, "lo", running|unix.IFF_LOOPBACK)}, []netlink.Addr{local4}, []netlink.Route{connected}, ""},
		{"our device", []netlink.Link{link(2, platform.Interface, running)}, []netlink.Addr{local4}, []netlink.Route{connected}, ""},
		{"in the system's order", []netlink.Link{eth, link(3, "wlan0", running), link(4, "br0", running)},
			[]netlink.Addr{local4, addr(3, "203.0.113.7/24"), addr(4, "10.0.0.1/8")},
			[]netlink.Route{route(2, "", "198.51.100.1", 600), route(3, "", "203.0.113.1", 100), route(4, "10.0.0.0/8", "", 0)},
			"wlan0[203.0.113.7]>[203.0.113.1] eth0[198.51.100.7]>[198.51.100.1] br0[10.0.0.1]>[]"},
		{"two next hops", []netlink.Link{link(3, "wlan0", running), eth}, []netlink.Addr{local4, addr(3, "203.0.113.7/24")}, []netlink.Route{two},
			"eth0[198.51.100.7]>[198.51.100.1] wlan0[203.0.113.7]>[203.0.113.1]"},
	}
	for _, tt := range tests {
		if got := show(assemble(tt.links, tt.addrs, tt.routes)); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// Where an uplink leads: the widest first, once for each destination, by the best of its routes. What is on its way out comes after what is not.
func TestRoutes(t *testing.T) {
	old := addr(2, "2001:db8::6/64")
	old.Flags = unix.IFA_F_DEPRECATED
	s := assemble([]netlink.Link{link(2, "eth0", running)}, []netlink.Addr{old, addr(2, "2001:db8::7/64"), addr(2, "198.51.100.7/24")}, []netlink.Route{
		route(2, "10.0.0.0/8", "198.51.100.3", 0), route(2, "198.51.100.0/24", "", 0), route(2, "", "198.51.100.2", 200), route(2, "0.0.0.0/0", "198.51.100.1", 100),
		route(2, "2001:db8::/64", "", 256), route(2, "::/0", "fe80::1", 1024),
	})
	want := "{[2001:db8::7 198.51.100.7 2001:db8::6] [{0.0.0.0/0 198.51.100.1} {::/0 fe80::1} {10.0.0.0/8 198.51.100.3} {198.51.100.0/24 invalid IP} {2001:db8::/64 invalid IP}]}"
	if got := fmt.Sprint(struct{ L, R any }{s.Uplinks[0].Local, s.Uplinks[0].Routes}); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	var many []netlink.Route
	for i := range 2 * platform.MaxRoutes {
		many = append(many, route(2, fmt.Sprintf("10.%d.%d.0/24", i/256, i%256), "", 0))
	}
	many = append(many, route(2, "", "198.51.100.1", 0))
	s = assemble([]netlink.Link{link(2, "eth0", running)}, []netlink.Addr{addr(2, "198.51.100.7/24")}, many)
	if r := s.Uplinks[0].Routes; len(r) != platform.MaxRoutes || r[0].To.Bits() != 0 {
		t.Errorf("%d routes, the first %v", len(r), r[0])
	}
}

// A machine is moved about: what the kernel says becomes what is told, and what is ours does not.
func TestInANamespace(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	self, gw := testenv.Self(t), testenv.NewNS(t, "gw")
	m, err := Open(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if got := m.Snapshot(); len(got.Uplinks) != 0 {
		t.Fatalf("at first: %+v", got)
	}
	until := func(want string) {
		t.Helper()
		late := time.After(10 * time.Second)
		for last := show(m.Snapshot()); last != want; {
			select {
			case s := <-m.Changes():
				last = show(s)
			case <-late:
				t.Fatalf("the last that was told is %q, want %q", last, want)
			}
		}
	}
	testenv.Veth(t, self, "up0", gw, "down0")
	self.Run(t, "ip", "addr", "add", "198.51.100.2/24", "dev", "up0")
	until("up0[198.51.100.2]>[]")
	self.Run(t, "ip", "route", "add", "default", "via", "198.51.100.1")
	until("up0[198.51.100.2]>[198.51.100.1]")
	self.Run(t, "ip", "route", "add", "203.0.113.0/24", "via", "198.51.100.1", "proto", "72", "table", "18502")
	self.Run(t, "ip", "tuntap", "add", "dev", platform.Interface, "mode", "tun")
	self.Run(t, "ip", "addr", "add", "10.9.0.2/24", "dev", platform.Interface)
	self.Run(t, "ip", "link", "set", platform.Interface, "up")
	gw.Run(t, "ip", "link", "set", "down0", "down") // the cable is pulled: the address and the route stay
	until("")
	gw.Run(t, "ip", "link", "set", "down0", "up")
	until("up0[198.51.100.2]>[198.51.100.1]")
	self.Run(t, "ip", "addr", "add", "2001:db8::2/64", "dev", "up0", "nodad")
	self.Run(t, "ip", "route", "add", "default", "via", "2001:db8::1")
	until("up0[198.51.100.2 2001:db8::2]>[198.51.100.1 2001:db8::1]")
}

// The socket dies under the reader: what changed meanwhile is seen, and what changes later too.
func TestSocketIsOpenedAgain(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	self, gw := testenv.Self(t), testenv.NewNS(t, "gw")
	s, err := subscribe(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() { defer close(ended); s.read(done) }()
	_ = s.current().Close()
	wait := func(what string) {
		t.Helper()
		select {
		case <-s.hints:
		case <-time.After(10 * time.Second):
			t.Fatalf("no hint %s", what)
		}
	}
	wait("after the socket was opened again")
	testenv.Veth(t, self, "up0", gw, "down0")
	wait("of a change on the new socket")
	close(done)
	s.close()
	<-ended
}

// More is said than the socket holds while nobody reads: that something was said is known all the same, and what comes later, too.
func TestMoreThanTheSocketHolds(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	self := testenv.Self(t)
	s, err := subscribe(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := s.current().SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 1) })
	}
	if err != nil {
		t.Fatal(err)
	}
	self.Run(t, "sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10; do ip link add d$i type bridge; done")
	buf, lost := make([]byte, 64<<10), false
	for range 20 {
		if _, err = s.current().Read(buf); err != nil {
			lost = errors.Is(err, unix.ENOBUFS)
			break
		}
	}
	if !lost {
		t.Fatalf("nothing was lost: %v", err)
	}
	self.Run(t, "sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10; do ip link set d$i up; done") // and again
	done, ended := make(chan struct{}), make(chan struct{})
	go func() { defer close(ended); s.read(done) }()
	for _, what := range []string{"after the loss", "of a change after it"} {
		select {
		case <-s.hints:
		case <-time.After(10 * time.Second):
			t.Fatalf("no hint %s", what)
		}
		for quiet := false; !quiet; {
			select {
			case <-s.hints:
			case <-time.After(2 * noisePause):
				quiet = true
			}
		}
		self.Run(t, "ip", "link", "set", "d1", "down")
	}
	close(done)
	s.close()
	<-ended
}
