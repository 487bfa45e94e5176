package router

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
	"github.com/holdfast-vpn/holdfast/platform/tunif"
	"github.com/holdfast-vpn/holdfast/platform/undo"
)

// host is a machine with one uplink, 192.168.7.2 and 2001:db8:7::2 behind gw, and the open device.
type host struct {
	self, gw *testenv.NS
	router   platform.Router
	journal  *undo.Journal
	device   platform.Device
}

func newHost(t *testing.T) *host {
	t.Helper()
	testenv.Require(t, "tun")
	h := &host{self: testenv.Self(t), gw: testenv.NewNS(t, "gw")}
	testenv.Veth(t, h.self, "eth0", h.gw, "eth0")
	h.run(t, h.gw, "ip address add 192.168.7.1/24 dev eth0", "ip address add 2001:db8:7::1/64 dev eth0 nodad", "ip address add 198.51.100.1/32 dev lo")
	h.run(t, h.self, "ip address add 192.168.7.2/24 dev eth0", "ip address add 2001:db8:7::2/64 dev eth0 nodad",
		"ip route add default via 192.168.7.1", "ip route add default via 2001:db8:7::1",
		"ip route add 203.0.113.0/25 via 192.168.7.1") // as a DHCP server hands them out (option 121)
	log := slog.New(slog.DiscardHandler)
	var err error
	if h.journal, err = undo.Open("/run/hf-state", "/run/hf-runtime", undo.Options{}); err != nil {
		t.Fatal(err)
	}
	if h.device, err = tunif.New(h.journal, log, nil).Open(t.Context(), 1400); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(h.device.Close(), h.journal.Close()) })
	h.router = New(h.journal, log)
	return h
}

func (h *host) run(t *testing.T, n *testenv.NS, lines ...string) {
	t.Helper()
	for _, l := range lines {
		f := strings.Fields(l)
		n.Run(t, f[0], f[1:]...)
	}
}

func (h *host) config(change func(*platform.RouteConfig)) platform.RouteConfig {
	c := platform.RouteConfig{Name: h.device.Name(), Index: h.device.Index(), MTU: 1400, Addresses: prefixes("10.9.0.5/24 2001:db8:9::5/64")}
	change(&c)
	return c
}

func (h *host) set(t *testing.T, c platform.RouteConfig) {
	t.Helper()
	if err := h.router.Set(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// way asks the kernel where a packet would go: a device's name, or "refused".
func (h *host) way(t *testing.T, to string, more ...string) string {
	t.Helper()
	cmd := h.self.Command("ip", append([]string{"-o", "route", "get", to}, more...)...)
	out, err := cmd.Output()
	if err != nil {
		return "refused"
	}
	f := strings.Fields(string(out))
	for i := range f[:len(f)-1] {
		if f[i] == "dev" {
			return f[i+1]
		}
	}
	return string(out)
}

var marked = []string{"mark", "0x4846"}

func TestWays(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	h := newHost(t)
	before := testenv.Dump(t, h.self)
	const in, out, no = platform.Interface, "eth0", "refused"
	for _, c := range []struct {
		name   string
		change func(*platform.RouteConfig)
		ways   map[string]string
	}{
		{"split include", func(c *platform.RouteConfig) { c.Include = prefixes("10.0.0.0/8 198.51.100.1/32 2001:db8:9::/48") }, map[string]string{
			"10.1.2.3": in, "198.51.100.1": in, "2001:db8:9::1": in, "192.168.7.1": out, "192.0.2.1": out, "2001:db8:7::1": out, "127.0.0.1": "lo", "10.9.0.5": "lo"}},
		{"tunnel-all", func(c *platform.RouteConfig) { c.Include = prefixes("0.0.0.0/0 ::/0") }, map[string]string{
			"10.1.2.3": in, "192.0.2.1": in, "203.0.113.1": in, "192.168.7.1": in, "2001:db8:7::1": in, "2001:db8:aaaa::1": in, "127.0.0.1": "lo", "::1": "lo", "192.168.7.2": "lo"}},
		{"tunnel-all with local networks and an exclude", func(c *platform.RouteConfig) {
			c.Include, c.Exclude, c.LocalLAN = prefixes("0.0.0.0/0 ::/0"), prefixes("192.0.2.0/24"), true
		}, map[string]string{"192.168.7.1": out, "192.0.2.1": out, "203.0.113.1": in, "2001:db8:7::1": in}},
		{"tunnel-all, IPv4 inside only", func(c *platform.RouteConfig) {
			c.Addresses, c.Include, c.Unreach = prefixes("10.9.0.5/32"), prefixes("0.0.0.0/0"), prefixes("::/0")
		}, map[string]string{"192.0.2.1": in, "2001:db8:aaaa::1": no, "2001:db8:7::1": no}},
		{"tunnel-all, IPv6 inside only", func(c *platform.RouteConfig) {
			c.Addresses, c.Include, c.Unreach = prefixes("2001:db8:9::5/128"), prefixes("::/0"), prefixes("0.0.0.0/0")
		}, map[string]string{"192.0.2.1": no, "192.168.7.1": no, "2001:db8:aaaa::1": in, "127.0.0.1": "lo"}},
		{"an MTU too small for IPv6", func(c *platform.RouteConfig) { c.MTU, c.Include = 1200, prefixes("0.0.0.0/0 ::/0") }, map[string]string{
			"192.0.2.1": in, "2001:db8:aaaa::1": no}},
	} {
		h.set(t, h.config(c.change))
		for to, want := range c.ways {
			if got := h.way(t, to); got != want {
				t.Errorf("%s: %s goes to %s, want %s", c.name, to, got, want)
			}
		}
		for _, to := range []string{"10.1.2.3", "192.0.2.1", "192.168.7.1", "2001:db8:aaaa::1"} {
			if got := h.way(t, to, marked...); got != out {
				t.Errorf("%s: marked, %s goes to %s", c.name, to, got)
			}
		}
		if got := h.way(t, "fe80::1", "oif", "eth0"); got != out {
			t.Errorf("%s: a link-local neighbour goes to %s", c.name, got)
		}
		main := h.self.Run(t, "ip", "route", "show", "table", "main") + h.self.Run(t, "ip", "-6", "route", "show", "table", "main")
		if strings.Contains(main, platform.Interface) {
			t.Errorf("%s: the main table has routes to the device:\n%s", c.name, main)
		}
		after := testenv.Dump(t, h.self)
		h.set(t, h.config(c.change))
		if d := testenv.Diff(after, testenv.Dump(t, h.self)); d != "" {
			t.Errorf("%s: the same again changed:\n%s", c.name, d)
		}
	}
	h.set(t, h.config(func(c *platform.RouteConfig) { c.Include = prefixes("::/0") }))
	if got := h.way(t, "2001:db8:aaaa::1"); got != no {
		t.Errorf("a larger MTU brought IPv6 back: %s", got)
	}
	h.set(t, platform.RouteConfig{})
	if d := testenv.Diff(before, testenv.Dump(t, h.self)); strings.Count(d, "\n") != strings.Count(d, platform.Interface) {
		t.Errorf("after the zero value, only the device's own lines may differ:\n%s", d)
	}
	if left := h.journal.Get(undo.SlotRouter); len(left) != 0 {
		t.Errorf("the journal still lists %v", left)
	}
}

// TestStrictReversePathFilter connects through a strict filter while everything else goes into the tunnel: the answers must be let in.
func TestStrictReversePathFilter(t *testing.T) {
	for _, where := range []string{"ipv4.conf.all.rp_filter", "ipv4.conf.eth0.rp_filter"} {
		t.Run(where, func(t *testing.T) {
			if !testenv.Namespace(t) {
				return
			}
			h := newHost(t)
			h.self.Sysctl(t, where, "1")
			before := testenv.Dump(t, h.self)
			for range 2 {
				h.set(t, h.config(func(c *platform.RouteConfig) { c.Include = prefixes("0.0.0.0/0 ::/0") }))
			}
			dialer := net.Dialer{Timeout: 5 * time.Second, Control: func(_, _ string, c syscall.RawConn) error {
				var err error
				cerr := c.Control(func(fd uintptr) {
					err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_MARK, platform.Mark)
				})
				return errors.Join(cerr, err)
			}}
			// nobody listens there: that the refusal arrives is what is tested
			_, err := dialer.DialContext(t.Context(), "tcp4", "198.51.100.1:443")
			if !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("marked connection: %v", err)
			}
			h.set(t, platform.RouteConfig{})
			if d := testenv.Diff(before, testenv.Dump(t, h.self)); d != "" {
				t.Errorf("after the zero value:\n%s", d)
			}
		})
	}
}

// TestMends finds what somebody else did to our rules and routes since.
func TestMends(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	h := newHost(t)
	config := h.config(func(c *platform.RouteConfig) {
		c.Include, c.Exclude = prefixes("10.0.0.0/8 2001:db8:9::/48"), prefixes("10.5.0.0/16")
	})
	h.set(t, config)
	right := testenv.Dump(t, h.self)
	for _, damage := range []string{
		"ip rule del priority 18501",
		"ip -6 rule del priority 18502",
		"ip rule add priority 18502 from 192.0.2.1 lookup 18502 protocol 72",
		"ip rule add priority 18501 fwmark 0x1 lookup 18502 protocol 72",
		"ip route del 10.0.0.0/8 table 18502",
		"ip route replace 10.0.0.0/8 via 192.168.7.1 table 18502 proto 72",
		"ip -6 route add 2001:db8:9::/48 dev eth0 table 18502 proto 72 metric 5",
		"ip route add 10.0.0.0/8 dev eth0 table 18502 proto 72 metric 5",
		"ip route replace unreachable 10.5.0.0/16 table 18502 proto 72",
		"ip route add 172.16.0.0/12 dev holdfast0 table 18502 proto 72",
		"ip address del 10.9.0.5/24 dev holdfast0",
		"ip address add 10.9.0.77/24 dev holdfast0",
		"ip link set holdfast0 mtu 1300",
	} {
		h.run(t, h.self, damage)
		if testenv.Diff(right, testenv.Dump(t, h.self)) == "" {
			t.Errorf("%s: did nothing", damage)
		}
		h.set(t, config)
		if d := testenv.Diff(right, testenv.Dump(t, h.self)); d != "" {
			t.Errorf("%s:\n%s", damage, d)
		}
	}
	// what does not bear our tags is not ours, in our table or at our priorities
	h.run(t, h.self, "ip route add 172.30.0.0/16 dev eth0 table 18502", "ip rule add priority 18502 from 192.0.2.9 lookup main")
	foreign := testenv.Dump(t, h.self)
	h.set(t, config)
	if d := testenv.Diff(foreign, testenv.Dump(t, h.self)); d != "" {
		t.Errorf("what others put there was touched:\n%s", d)
	}
}

func TestManyRoutes(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	h := newHost(t)
	before := testenv.Dump(t, h.self)
	many := h.config(func(c *platform.RouteConfig) {
		for i := range 4000 {
			c.Include = append(c.Include, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24))
		}
	})
	h.set(t, many)
	if got := h.way(t, "10.15.159.1"); got != platform.Interface {
		t.Errorf("the last of them goes to %s", got)
	}
	if undone, err := h.journal.Recover(t.Context()); err != nil || len(undone) < 4000 {
		t.Errorf("recovery undid %d changes, %v", len(undone), err)
	}
	if d := testenv.Diff(before, testenv.Dump(t, h.self)); strings.Count(d, "\n") != strings.Count(d, platform.Interface) {
		t.Errorf("after a recovery only the device may be missing:\n%s", d)
	}
}

func TestSetRefuses(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	h := newHost(t)
	before := testenv.Dump(t, h.self)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name   string
		ctx    context.Context
		config platform.RouteConfig
	}{
		{"another device", t.Context(), platform.RouteConfig{Index: 1, Include: prefixes("10.0.0.0/8")}},
		{"an invalid prefix", t.Context(), h.config(func(c *platform.RouteConfig) { c.Include = []netip.Prefix{{}} })},
		{"no time left", ended, h.config(func(c *platform.RouteConfig) { c.Include = prefixes("10.0.0.0/8") })},
	} {
		if err := h.router.Set(c.ctx, c.config); err == nil || fault.As(err).Code != fault.HostRoute {
			t.Errorf("%s: %v", c.name, err)
		}
		if d := testenv.Diff(before, testenv.Dump(t, h.self)); d != "" {
			t.Errorf("%s:\n%s", c.name, d)
		}
	}
}

func TestDeviceGoesFirst(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	h := newHost(t)
	h.set(t, h.config(func(c *platform.RouteConfig) { c.Include = prefixes("0.0.0.0/0"); c.Unreach = prefixes("::/0") }))
	if err := h.device.Close(); err != nil {
		t.Fatal(err)
	}
	h.set(t, platform.RouteConfig{})
	rules := h.self.Run(t, "ip", "rule") + h.self.Run(t, "ip", "-6", "rule") + h.self.Run(t, "ip", "-6", "route", "show", "table", "all")
	if strings.Contains(rules, "1850") {
		t.Errorf("left behind:\n%s", rules)
	}
	if _, err := os.Stat("/proc/sys/net/ipv4/conf/" + platform.Interface); err == nil {
		t.Error("the device is still there")
	}
}
