package firewall

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/holdfast-vpn/holdfast/platform"
)

// maxPrefixes bounds a config, as the router's.
const maxPrefixes = 8192

// span is a range of addresses of one family, both ends included.
type span struct{ first, last netip.Addr }

func (s span) String() string { return s.first.String() + "-" + s.last.String() }

// whole reports whether the span is the whole family.
func (s span) whole() bool {
	return s.first.IsUnspecified() && !s.last.Next().IsValid()
}

// family is what holds for one of the two.
type family struct {
	direct []span // may leave by any interface
	caught []span // may leave by the device only, less direct
}

// rules is what the table should say.
type rules struct {
	device string
	names  bool // questions for names may leave by any interface
	v4, v6 family
}

// local is what an uplink's own networks reach beside their addresses: neighbours by multicast and broadcast.
var local = []netip.Prefix{
	netip.MustParsePrefix("224.0.0.0/4"), netip.MustParsePrefix("255.255.255.255/32"), netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("ff00::/8"), netip.MustParsePrefix("fe80::/10"),
}

// desired turns a config into rules. lan are the networks that the uplinks are directly connected to, as far as they are believed to be local.
func desired(c platform.FilterConfig, lan []netip.Prefix) (rules, error) {
	if n := len(c.Caught) + len(c.Direct) + len(lan); n > maxPrefixes {
		return rules{}, fmt.Errorf("%d prefixes are more than %d", n, maxPrefixes)
	}
	direct := slices.Clone(c.Direct)
	if c.LocalLAN {
		direct = append(append(direct, lan...), local...)
	}
	r := rules{device: c.Device, names: c.Names}
	r.v4 = family{merge(direct, true), merge(c.Caught, true)}
	r.v6 = family{merge(direct, false), merge(c.Caught, false)}
	return r, nil
}

// merge returns the prefixes of one family as disjoint spans in order. What is no prefix is passed over: the router refuses it.
func merge(list []netip.Prefix, v4 bool) []span {
	var all []span
	for _, p := range list {
		if !p.IsValid() {
			continue
		}
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		if p.Addr().Is4() == v4 {
			all = append(all, span{p.Masked().Addr(), lastOf(p)})
		}
	}
	slices.SortFunc(all, func(a, b span) int { return a.first.Compare(b.first) })
	var out []span
	for _, s := range all {
		if n := len(out); n > 0 && touches(out[n-1], s) {
			if out[n-1].last.Less(s.last) {
				out[n-1].last = s.last
			}
			continue
		}
		out = append(out, s)
	}
	return out
}

// touches reports whether b, which begins no earlier, overlaps a or follows it at once.
func touches(a, b span) bool {
	next := a.last.Next()
	return !next.IsValid() || !next.Less(b.first)
}

// lastOf is the highest address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
