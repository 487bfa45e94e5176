package netmon

import (
	"cmp"
	"math"
	"net/netip"
	"slices"

	"github.com/holdfast-vpn/holdfast/platform"
)

// dumps is how often an interrupted dump is made again before what there is must do: another message follows anyway.
const dumps = 4

// linkRow, addressRow and routeRow are what the systems other than Linux have in common, once decoded. A link is up, and neither loopback nor ours.
type linkRow struct {
	index int
	name  string
}

type addressRow struct {
	index int
	addr  netip.Addr
	old   bool // on its way out
}

type routeRow struct {
	index  int
	to     netip.Prefix
	via    netip.Addr // not valid: the link itself
	metric int
}

// pick picks the uplinks out of what was decoded.
func pick(links []linkRow, addrs []addressRow, routes []routeRow) platform.NetSnapshot {
	found := map[int]*candidate{}
	for _, l := range links {
		found[l.index] = &candidate{Uplink: platform.Uplink{Index: l.index, Name: l.name}, routes: map[netip.Prefix]best{}}
	}
	for _, old := range []bool{false, true} {
		for _, a := range addrs {
			if c := found[a.index]; c != nil && a.old == old && a.addr.IsGlobalUnicast() {
				c.Local = append(c.Local, a.addr)
			}
		}
	}
	for _, r := range routes {
		c := found[r.index]
		if c == nil {
			continue
		}
		c.leads(r.to, r.metric, r.via)
		switch {
		case r.to.Bits() > 0:
		case r.to.Addr().Is4():
			c.four.offer(r.metric, r.via)
		default:
			c.six.offer(r.metric, r.via)
		}
	}
	return rank(found)
}

// candidate is an uplink on its way to be one.
type candidate struct {
	platform.Uplink
	routes map[netip.Prefix]best
	four   best
	six    best
}

// best is the best route to one destination.
type best struct {
	there  bool
	metric int
	hop    netip.Addr
}

func (d *best) offer(metric int, hop netip.Addr) {
	if !d.there || metric < d.metric {
		*d = best{true, metric, hop}
	}
}

// leads notes a destination.
func (c *candidate) leads(to netip.Prefix, metric int, hop netip.Addr) {
	b := c.routes[to]
	b.offer(metric, hop)
	c.routes[to] = b
}

// metric orders candidates: that of IPv4's default route, else of IPv6's, and after all of them those without.
func (c *candidate) metric() int {
	switch {
	case c.four.there:
		return c.four.metric
	case c.six.there:
		return c.six.metric
	}
	return math.MaxInt
}

// widest lists the routes of a candidate, the widest first.
func (c *candidate) widest() []platform.Route {
	all := make([]platform.Route, 0, len(c.routes))
	for to, b := range c.routes {
		all = append(all, platform.Route{To: to, Via: b.hop})
	}
	slices.SortFunc(all, func(a, b platform.Route) int {
		return cmp.Or(cmp.Compare(a.To.Bits(), b.To.Bits()), a.To.Compare(b.To))
	})
	return all[:min(len(all), platform.MaxRoutes)]
}

// rank keeps what is an uplink, in order. The addresses keep the kernel's order, which puts the preferred one first.
func rank(found map[int]*candidate) platform.NetSnapshot {
	var all []*candidate
	for _, c := range found {
		if len(c.routes) == 0 || len(c.Local) == 0 {
			continue
		}
		c.Routes = c.widest()
		for _, d := range []best{c.four, c.six} {
			if d.hop.IsValid() {
				c.NextHop = append(c.NextHop, d.hop)
			}
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *candidate) int {
		return cmp.Or(cmp.Compare(a.metric(), b.metric()), cmp.Compare(a.Index, b.Index))
	})
	var s platform.NetSnapshot
	for _, c := range all {
		s.Uplinks = append(s.Uplinks, c.Uplink)
	}
	return s
}
