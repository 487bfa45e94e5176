package router

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/platform"
)

func prefixes(s string) []netip.Prefix {
	var out []netip.Prefix
	for _, f := range strings.Fields(s) {
		out = append(out, netip.MustParsePrefix(f))
	}
	return out
}

func texts(steps []step) []string {
	var out []string
	for _, s := range steps {
		out = append(out, s.String())
	}
	return out
}

var both = []string{"add IPv4 rule 18501", "add IPv4 rule 18502", "add IPv6 rule 18501", "add IPv6 rule 18502"}

func TestPlanFromNothing(t *testing.T) {
	for _, c := range []struct {
		name   string
		config platform.RouteConfig
		facts  facts
		want   []string
	}{
		{"zero value", platform.RouteConfig{}, facts{ip6: ip6Open, strict: true}, nil},
		{"split include", platform.RouteConfig{Index: 7, MTU: 1400, Addresses: prefixes("10.1.0.5/24"), Include: prefixes("10.0.0.0/8 2001:db8::/32")}, facts{ip6: ip6Open},
			slices.Concat([]string{"set MTU 1400", "add address 10.1.0.5/24", "add route 10.0.0.0/8 device", "add route 2001:db8::/32 device"}, both)},
		{"tunnel-all with one family inside and an exclude", platform.RouteConfig{Index: 7, Addresses: prefixes("10.1.0.5/32"), Include: prefixes("0.0.0.0/0"),
			Unreach: prefixes("::/0"), Exclude: prefixes("198.51.100.0/24")}, facts{ip6: ip6Open},
			slices.Concat([]string{"add address 10.1.0.5/32", "add route 0.0.0.0/0 device", "add route ::/0 unreachable", "add route 198.51.100.0/24 throw"}, both)},
		{"strict reverse path filter", platform.RouteConfig{Index: 7, Include: prefixes("10.0.0.0/8")}, facts{ip6: ip6Open, strict: true},
			slices.Concat([]string{"add route 10.0.0.0/8 device", "add loose reverse path filter"}, both)},
		{"no IPv6 in the kernel", platform.RouteConfig{Index: 7, Addresses: prefixes("10.1.0.5/32 2001:db8::5/64"), Include: prefixes("0.0.0.0/0 ::/0")}, facts{ip6: ip6None},
			slices.Concat([]string{"add address 10.1.0.5/32", "add route 0.0.0.0/0 device"}, both[:2])},
		{"no IPv6 on the device does not leak", platform.RouteConfig{Index: 7, Addresses: prefixes("10.1.0.5/32 2001:db8::5/64"), Include: prefixes("0.0.0.0/0 ::/0")}, facts{ip6: ip6Closed},
			slices.Concat([]string{"add address 10.1.0.5/32", "add route 0.0.0.0/0 device", "add route ::/0 unreachable"}, both)},
		{"local networks only of private ranges, and only when allowed", platform.RouteConfig{Index: 7, Include: prefixes("0.0.0.0/0"), LocalLAN: true},
			facts{ip6: ip6Open, lan: prefixes("192.168.1.0/24 198.51.100.0/24 0.0.0.0/0 fe80::/64 2001:db8:1::/64")},
			slices.Concat([]string{"add route 0.0.0.0/0 device", "add route 192.168.1.0/24 throw"}, both)},
		{"local networks when not allowed", platform.RouteConfig{Index: 7, Include: prefixes("0.0.0.0/0")}, facts{ip6: ip6Open, lan: prefixes("192.168.1.0/24")},
			slices.Concat([]string{"add route 0.0.0.0/0 device"}, both)},
		{"an include that is the local network stays an include", platform.RouteConfig{Index: 7, Include: prefixes("192.168.1.0/24"), LocalLAN: true},
			facts{ip6: ip6Open, lan: prefixes("192.168.1.0/24")}, slices.Concat([]string{"add route 192.168.1.0/24 device"}, both)},
		{"hostile duplicates", platform.RouteConfig{Index: 7, Addresses: prefixes("10.1.0.5/32 10.1.0.5/32"), Include: prefixes("10.0.0.0/8 10.9.9.9/8 ::ffff:10.0.0.0/104 10.2.0.0/16 10.2.0.0/16"),
			Exclude: prefixes("10.2.0.0/16"), Unreach: prefixes("10.0.0.0/8")}, facts{ip6: ip6Open},
			slices.Concat([]string{"add address 10.1.0.5/32", "add route 10.0.0.0/8 device", "add route 10.2.0.0/16 throw"}, both)},
		{"what never leads into a tunnel", platform.RouteConfig{Index: 7, Include: prefixes("127.0.0.0/8 127.0.0.1/32 ::1/128 fe80::/10 ff00::/8 224.0.0.0/4 0.0.0.0/32 ::/128 10.0.0.0/8")},
			facts{ip6: ip6Open}, slices.Concat([]string{"add route 10.0.0.0/8 device"}, both)},
	} {
		t.Run(c.name, func(t *testing.T) {
			want, err := desired(c.config, c.facts)
			if err != nil {
				t.Fatal(err)
			}
			if got := texts(plan(state{}, want)); !slices.Equal(got, c.want) {
				t.Errorf("plan:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			if rest := plan(want, want); len(rest) != 0 {
				t.Errorf("the state that was reached is not the one that was wanted: %v", rest)
			}
		})
	}
}

func TestPlanDifference(t *testing.T) {
	open := facts{ip6: ip6Open}
	base := platform.RouteConfig{Index: 7, MTU: 1400, Addresses: prefixes("10.1.0.5/24"), Include: prefixes("10.0.0.0/8 172.16.0.0/12"), Exclude: prefixes("10.5.0.0/16")}
	state1, err := desired(base, open)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		is     state
		change func(*platform.RouteConfig)
		facts  facts
		want   []string
	}{
		{"nothing", state1, func(*platform.RouteConfig) {}, open, nil},
		{"another order", state1, func(c *platform.RouteConfig) { c.Include = prefixes("172.16.0.0/12 10.0.0.0/8") }, open, nil},
		{"MTU", state1, func(c *platform.RouteConfig) { c.MTU = 1300 }, open, []string{"set MTU 1300"}},
		{"address: the new one first", state1, func(c *platform.RouteConfig) { c.Addresses = prefixes("10.1.0.9/24") }, open,
			[]string{"add address 10.1.0.9/24", "remove address 10.1.0.5/24"}},
		{"include moves: added before removed", state1, func(c *platform.RouteConfig) { c.Include = prefixes("10.0.0.0/8 192.168.0.0/16") }, open,
			[]string{"add route 192.168.0.0/16 device", "remove route 172.16.0.0/12 device"}},
		{"to tunnel-all: the default route before its parts go", state1, func(c *platform.RouteConfig) { c.Include, c.Exclude = prefixes("0.0.0.0/0"), nil }, open,
			[]string{"add route 0.0.0.0/0 device", "remove route 10.5.0.0/16 throw", "remove route 172.16.0.0/12 device", "remove route 10.0.0.0/8 device"}},
		{"exclude becomes include in one step", state1, func(c *platform.RouteConfig) {
			c.Include, c.Exclude = prefixes("10.0.0.0/8 172.16.0.0/12 10.5.0.0/16"), nil
		}, open, []string{"replace route 10.5.0.0/16 device"}},
		{"the filter became strict", state1, func(*platform.RouteConfig) {}, facts{ip6: ip6Open, strict: true}, []string{"add loose reverse path filter"}},
		{"everything: rules first, the one that leads to us before the mark", state1, func(c *platform.RouteConfig) { *c = platform.RouteConfig{} }, open,
			[]string{"remove IPv4 rule 18502", "remove IPv6 rule 18502", "remove IPv4 rule 18501", "remove IPv6 rule 18501", "remove route 10.5.0.0/16 throw",
				"remove route 172.16.0.0/12 device", "remove route 10.0.0.0/8 device", "remove address 10.1.0.5/24"}},
		{"rules twice, and one that is not as ours", state{mtu: 1400, addresses: state1.addresses, routes: state1.routes,
			rules: append([]rule{{false, platform.RulePrioAll, 0, -1}, state1.rules[0]}, state1.rules...)}, func(*platform.RouteConfig) {}, open,
			[]string{"remove IPv4 rule 18502", "remove IPv4 rule 18501"}},
		{"a route of ours in another form", state{mtu: 1400, addresses: state1.addresses, rules: state1.rules,
			routes: append([]route{{netip.MustParsePrefix("10.0.0.0/8"), foreign}}, state1.routes...)}, func(*platform.RouteConfig) {}, open,
			[]string{"remove route 10.0.0.0/8 foreign"}},
		{"a route in the place of ours", state{mtu: 1400, addresses: state1.addresses, rules: state1.rules,
			routes: append([]route{{netip.MustParsePrefix("10.0.0.0/8"), foreign}}, state1.routes[1:]...)}, func(*platform.RouteConfig) {}, open,
			[]string{"replace route 10.0.0.0/8 device", "remove route 10.0.0.0/8 foreign"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := base
			c.change(&config)
			want, err := desired(config, c.facts)
			if err != nil {
				t.Fatal(err)
			}
			if got := texts(plan(c.is, want)); !slices.Equal(got, c.want) {
				t.Errorf("plan:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestDesiredRefuses(t *testing.T) {
	many := make([]netip.Prefix, maxRoutes+1)
	for i := range many {
		many[i] = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 32)
	}
	for _, c := range []struct {
		name   string
		config platform.RouteConfig
	}{
		{"too many routes", platform.RouteConfig{Index: 1, Include: many}},
		{"too many addresses", platform.RouteConfig{Index: 1, Addresses: many[:maxAddresses+1]}},
		{"an invalid prefix", platform.RouteConfig{Index: 1, Include: []netip.Prefix{{}}}},
		{"an invalid exclude", platform.RouteConfig{Index: 1, Exclude: []netip.Prefix{{}}}},
		{"an invalid address", platform.RouteConfig{Index: 1, Addresses: []netip.Prefix{{}}}},
		{"a mapped prefix that covers more than IPv4", platform.RouteConfig{Index: 1, Include: prefixes("::ffff:0.0.0.0/90")}},
		{"a loopback address", platform.RouteConfig{Index: 1, Addresses: prefixes("127.0.0.1/8")}},
		{"a multicast address", platform.RouteConfig{Index: 1, Addresses: prefixes("ff02::1/128")}},
		{"no address", platform.RouteConfig{Index: 1, Addresses: prefixes("0.0.0.0/0")}},
		{"the broadcast address", platform.RouteConfig{Index: 1, Addresses: prefixes("255.255.255.255/32")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if s, err := desired(c.config, facts{ip6: ip6Open}); err == nil {
				t.Errorf("accepted as %v", s)
			}
		})
	}
}
