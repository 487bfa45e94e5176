package agent

import (
	"fmt"
	"hash/fnv"
	"net/netip"
	"slices"

	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/protocol"
)

const (
	maxMTU  = 1500 // design §6 rule 3
	minMTU6 = 1280 // RFC 8200 §5: IPv6 is off on a link below it
)

var (
	all4 = netip.MustParsePrefix("0.0.0.0/0")
	all6 = netip.MustParsePrefix("::/0")
)

// hostPlan is what a tunnel wants of the host, less the device's name and index, which the apply worker knows.
type hostPlan struct {
	route  platform.RouteConfig
	dns    platform.DNSConfig
	filter platform.FilterConfig // follows from the others
}

// planFor turns what the gateway gave into what the host should look like.
//
// The gateway's own address gets no route: our outer sockets are marked and never enter the tunnel.
func planFor(s *protocol.Settings) hostPlan {
	mtu := min(s.MTU, maxMTU)
	r := platform.RouteConfig{MTU: mtu, LocalLAN: s.LocalLAN}
	has4, has6 := false, false
	for _, a := range s.Addresses {
		if a.Addr().Is6() && mtu < minMTU6 {
			continue
		}
		// The network's length would make the kernel add a route for that network by itself; what enters the tunnel is said by Include alone.
		r.Addresses = append(r.Addresses, hostPrefix(a.Addr()))
		has4 = has4 || a.Addr().Is4()
		has6 = has6 || a.Addr().Is6()
	}
	inside := func(a netip.Addr) bool { return a.Is4() && has4 || a.Is6() && has6 }

	want := s.SplitInclude
	if s.TunnelAll {
		want = []netip.Prefix{all4, all6}
	}
	for _, p := range want {
		switch {
		case inside(p.Addr()):
			r.Include = append(r.Include, p.Masked())
		case !s.BypassProtocol:
			r.Unreach = append(r.Unreach, p.Masked())
		}
	}
	for _, p := range s.SplitExclude {
		r.Exclude = append(r.Exclude, p.Masked())
	}
	d := dnsFor(s, inside)
	for _, a := range d.Servers {
		if !covered(r.Include, a) && !covered(r.Exclude, a) {
			r.Include = append(r.Include, hostPrefix(a))
		}
	}
	r.Include, r.Exclude, r.Unreach = tidy(r.Include), tidy(r.Exclude), tidy(r.Unreach)
	return hostPlan{route: r, dns: d}
}

// dnsFor keeps the servers that the tunnel can reach. Without one nothing of name resolution is touched: search domains alone would only send
// inside names to outside servers.
func dnsFor(s *protocol.Settings, inside func(netip.Addr) bool) platform.DNSConfig {
	var d platform.DNSConfig
	for _, a := range s.DNS {
		if inside(a) && !slices.Contains(d.Servers, a) {
			d.Servers = append(d.Servers, a)
		}
	}
	if len(d.Servers) == 0 {
		return platform.DNSConfig{}
	}
	d.Search = slices.Clone(s.Search)
	d.Split = slices.Clone(s.SplitDNS)
	d.All = s.TunnelAllDNS || s.TunnelAll && len(s.SplitDNS) == 0
	return d
}

// on names the device in the plan.
func (p hostPlan) on(d platform.Device) hostPlan {
	p.route.Name, p.route.Index = d.Name(), d.Index()
	if !p.dns.Empty() {
		p.dns.Name, p.dns.Index = d.Name(), d.Index()
	}
	p.filter = filterFor(p.route, p.dns)
	return p
}

// filterFor keeps what belongs into the tunnel, or is to be refused, from leaving beside it. With split DNS the names of other domains are asked outside, of servers
// that may be caught.
func filterFor(r platform.RouteConfig, d platform.DNSConfig) platform.FilterConfig {
	return platform.FilterConfig{
		Device: r.Name, Caught: slices.Concat(r.Include, r.Unreach), Direct: r.Exclude, LocalLAN: r.LocalLAN,
		Names: len(d.Split) > 0 && !d.All,
	}
}

// digest is the plan as the machine compares it: addresses and MTU in the open, everything else as a hash.
func (p hostPlan) digest() machine.NetPlan {
	out := machine.NetPlan{MTU: p.route.MTU}
	for _, a := range p.route.Addresses {
		if a.Addr().Is4() {
			out.Addr4 = a
		} else {
			out.Addr6 = a
		}
	}
	h := fnv.New64a()
	r, d := p.route, p.dns
	_, _ = fmt.Fprintf(h, "%v|%v|%v|%t|%v|%q|%q|%t", r.Include, r.Exclude, r.Unreach, r.LocalLAN, d.Servers, d.Search, d.Split, d.All)
	out.Digest = h.Sum64()
	return out
}

func hostPrefix(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

func covered(list []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
}

// tidy sorts and drops what is said twice, so that a gateway that lists its networks in another order after a reconnect has the same plan.
func tidy(list []netip.Prefix) []netip.Prefix {
	slices.SortFunc(list, func(a, b netip.Prefix) int { return a.Compare(b) })
	return slices.Compact(list)
}
