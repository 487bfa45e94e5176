package agent

import (
	"fmt"
	"net/netip"
	"reflect"
	"testing"

	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/protocol"
)

func prefixes(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func addrs(list ...string) []netip.Addr {
	var out []netip.Addr
	for _, s := range list {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

func TestPlanFor(t *testing.T) {
	tests := []struct {
		name  string
		in    protocol.Settings
		route platform.RouteConfig
		dns   platform.DNSConfig
	}{
		{
			name: "tunnel-all with both families",
			in: protocol.Settings{MTU: 1400, TunnelAll: true, Addresses: prefixes("10.0.0.5/24", "fd00::5/64"),
				DNS: addrs("10.0.0.1"), Search: []string{"corp.example"}},
			route: platform.RouteConfig{MTU: 1400, Addresses: prefixes("10.0.0.5/32", "fd00::5/128"), Include: prefixes("0.0.0.0/0", "::/0")},
			dns:   platform.DNSConfig{Servers: addrs("10.0.0.1"), Search: []string{"corp.example"}, All: true},
		},
		{
			name:  "tunnel-all without an inside IPv6 address refuses IPv6",
			in:    protocol.Settings{MTU: 1400, TunnelAll: true, Addresses: prefixes("10.0.0.5/24")},
			route: platform.RouteConfig{MTU: 1400, Addresses: prefixes("10.0.0.5/32"), Include: prefixes("0.0.0.0/0"), Unreach: prefixes("::/0")},
		},
		{
			name:  "tunnel-all without an inside IPv4 address refuses IPv4",
			in:    protocol.Settings{MTU: 1400, TunnelAll: true, Addresses: prefixes("fd00::5/64")},
			route: platform.RouteConfig{MTU: 1400, Addresses: prefixes("fd00::5/128"), Include: prefixes("::/0"), Unreach: prefixes("0.0.0.0/0")},
		},
		{
			name:  "the bypass header lets the other family go outside",
			in:    protocol.Settings{MTU: 1400, TunnelAll: true, BypassProtocol: true, Addresses: prefixes("10.0.0.5/24")},
			route: platform.RouteConfig{MTU: 1400, Addresses: prefixes("10.0.0.5/32"), Include: prefixes("0.0.0.0/0")},
		},
		{
			name: "an MTU below 1280 takes IPv6 away",
			in:   protocol.Settings{MTU: 1200, TunnelAll: true, Addresses: prefixes("10.0.0.5/24", "fd00::5/64"), DNS: addrs("fd00::1", "10.0.0.1")},
			route: platform.RouteConfig{MTU: 1200, Addresses: prefixes("10.0.0.5/32"), Include: prefixes("0.0.0.0/0"),
				Unreach: prefixes("::/0")},
			dns: platform.DNSConfig{Servers: addrs("10.0.0.1"), All: true},
		},
		{
			name: "split include, masked, sorted, once each; an uncovered name server gets a host route",
			in: protocol.Settings{MTU: 1400, Addresses: prefixes("10.0.0.5/24"), SplitInclude: prefixes("192.168.7.9/24", "172.16.0.0/12", "192.168.7.0/24"),
				DNS: addrs("172.16.0.53", "10.9.9.9", "10.9.9.9"), SplitDNS: []string{"corp.example"}},
			route: platform.RouteConfig{MTU: 1400, Addresses: prefixes("10.0.0.5/32"), Include: prefixes("10.9.9.9/32", "172.16.0.0/12", "192.168.7.0/24")},
			dns:   platform.DNSConfig{Servers: addrs("172.16.0.53", "10.9.9.9"), Split: []string{"corp.example"}},
		},
		{
			name: "an included network of the family without an address is refused, not leaked",
			in:   protocol.Settings{MTU: 1400, Addresses: prefixes("10.0.0.5/24"), SplitInclude: prefixes("10.0.0.0/8", "fd00:1::/48")},
			route: platform.RouteConfig{MTU: 1400, Addresses: prefixes("10.0.0.5/32"), Include: prefixes("10.0.0.0/8"),
				Unreach: prefixes("fd00:1::/48")},
		},
		{
			name: "split exclude with the local network; an excluded name server stays outside",
			in: protocol.Settings{MTU: 1600, TunnelAll: true, LocalLAN: true, Addresses: prefixes("10.0.0.5/24", "fd00::5/64"),
				SplitExclude: prefixes("203.0.113.0/24"), DNS: addrs("203.0.113.53")},
			route: platform.RouteConfig{MTU: 1500, LocalLAN: true, Addresses: prefixes("10.0.0.5/32", "fd00::5/128"),
				Include: prefixes("0.0.0.0/0", "::/0"), Exclude: prefixes("203.0.113.0/24")},
			dns: platform.DNSConfig{Servers: addrs("203.0.113.53"), All: true},
		},
		{
			name:  "search domains without a server touch nothing",
			in:    protocol.Settings{MTU: 1400, Addresses: prefixes("10.0.0.5/24"), SplitInclude: prefixes("10.0.0.0/8"), Search: []string{"corp.example"}},
			route: platform.RouteConfig{MTU: 1400, Addresses: prefixes("10.0.0.5/32"), Include: prefixes("10.0.0.0/8")},
		},
		{
			name: "tunnel-all DNS in split include",
			in: protocol.Settings{MTU: 1400, Addresses: prefixes("10.0.0.5/24"), SplitInclude: prefixes("10.0.0.0/8"), TunnelAllDNS: true,
				DNS: addrs("10.0.0.1")},
			route: platform.RouteConfig{MTU: 1400, Addresses: prefixes("10.0.0.5/32"), Include: prefixes("10.0.0.0/8")},
			dns:   platform.DNSConfig{Servers: addrs("10.0.0.1"), All: true},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := planFor(&tt.in)
			if !reflect.DeepEqual(got.route, tt.route) {
				t.Errorf("route\n got %+v\nwant %+v", got.route, tt.route)
			}
			if !reflect.DeepEqual(got.dns, tt.dns) {
				t.Errorf("dns\n got %+v\nwant %+v", got.dns, tt.dns)
			}
		})
	}
}

func TestDigest(t *testing.T) {
	base := protocol.Settings{MTU: 1400, Addresses: prefixes("10.0.0.5/24"), SplitInclude: prefixes("10.0.0.0/8", "172.16.0.0/12"), DNS: addrs("10.0.0.1")}
	same := base
	same.SplitInclude = prefixes("172.16.0.0/12", "10.0.0.0/8", "10.0.0.0/8")
	same.Cipher, same.Banner, same.DPD = "another", "another", 30
	if planFor(&base).digest() != planFor(&same).digest() {
		t.Error("the order of networks or a setting that is none of the host's changed the plan")
	}
	changes := map[string]func(*protocol.Settings){
		"address": func(s *protocol.Settings) { s.Addresses = prefixes("10.0.0.6/24") },
		"mtu":     func(s *protocol.Settings) { s.MTU = 1399 },
		"include": func(s *protocol.Settings) { s.SplitInclude = prefixes("10.0.0.0/8") },
		"exclude": func(s *protocol.Settings) { s.SplitExclude = prefixes("10.1.0.0/16") },
		"lan":     func(s *protocol.Settings) { s.LocalLAN = true },
		"dns":     func(s *protocol.Settings) { s.DNS = addrs("10.0.0.2") },
		"search":  func(s *protocol.Settings) { s.Search = []string{"a"} },
		"split":   func(s *protocol.Settings) { s.SplitDNS = []string{"a"} },
		"all dns": func(s *protocol.Settings) { s.TunnelAllDNS = true },
	}
	for name, change := range changes {
		other := base
		change(&other)
		if planFor(&base).digest() == planFor(&other).digest() {
			t.Errorf("%s: the plan did not change", name)
		}
	}
}

// TestFilterFor: what has a route into the tunnel, or is refused, may leave by nothing else; what is left outside may.
func TestFilterFor(t *testing.T) {
	s := &protocol.Settings{Addresses: prefixes("10.9.0.2/24"), MTU: 1400, TunnelAll: true, SplitExclude: prefixes("203.0.113.0/24"), LocalLAN: true}
	f := planFor(s).on(newDevice()).filter
	if fmt.Sprint(f) != "{holdfast0 [0.0.0.0/0 ::/0] [203.0.113.0/24] true false}" {
		t.Errorf("tunnel-all: %v", f)
	}
	s.BypassProtocol = true
	if f := planFor(s).on(newDevice()).filter; fmt.Sprint(f.Caught) != "[0.0.0.0/0]" {
		t.Errorf("IPv6 may bypass: %v", f)
	}
	s = &protocol.Settings{Addresses: prefixes("10.9.0.2/24"), MTU: 1400, SplitInclude: prefixes("10.99.0.0/16", "2001:db8:99::/64"), DNS: addrs("10.98.0.1")}
	if f := planFor(s).on(newDevice()).filter; fmt.Sprint(f) != "{holdfast0 [10.98.0.1/32 10.99.0.0/16 2001:db8:99::/64] [] false false}" {
		t.Errorf("split include: %v", f)
	}
	s = &protocol.Settings{Addresses: prefixes("10.9.0.2/24"), MTU: 1400, TunnelAll: true, DNS: addrs("10.98.0.1"), SplitDNS: []string{"corp.example"}}
	if f := planFor(s).on(newDevice()).filter; !f.Names {
		t.Errorf("split DNS: %v", f)
	}
	s.TunnelAllDNS = true
	if f := planFor(s).on(newDevice()).filter; f.Names {
		t.Errorf("tunnel-all DNS: %v", f)
	}
}
