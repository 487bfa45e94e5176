package router

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"github.com/holdfast-vpn/holdfast/platform"
)

// Bounds of a config: far beyond any gateway's list, small enough for a journal.
const (
	maxRoutes    = 8192
	maxAddresses = 8
)

// reach is what a route does with a packet.
type reach uint8

const (
	foreign     reach = iota // with our tags, but in another form than we make
	device                   // into the tunnel
	unreachable              // refused
	throw                    // on to the next rule
)

func (r reach) String() string { return [...]string{"foreign", "device", "unreachable", "throw"}[r] }

// route is one route of our table.
type route struct {
	dst   netip.Prefix
	reach reach
}

// rule is one policy rule. A mark of 0 matches every packet.
type rule struct {
	v6       bool
	priority int
	mark     uint32
	table    int
}

// mainTable is RT_TABLE_MAIN of linux/rtnetlink.h.
const mainTable = 254

// state is everything the router is about, wanted or observed. Observed lists may hold repetitions.
type state struct {
	mtu       int // 0 when it does not matter
	addresses []netip.Prefix
	routes    []route
	rules     []rule
	loose     bool // the reverse path filter is not strict anywhere, by our doing
}

// ip6 says what the machine can do with IPv6.
type ip6 uint8

const (
	ip6None   ip6 = iota // the kernel has none
	ip6Closed            // there is some, but the device can have none
	ip6Open
)

// facts is what a plan must know of the machine.
type facts struct {
	ip6    ip6
	lan    []netip.Prefix // networks the uplinks are directly connected to
	strict bool           // a reverse path filter is strict, or we made it loose
}

// private are the ranges in which a directly connected network is believed to be local.
var private = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("fe80::/10"),
}

// desired turns a config into the state it wants. It refuses what no packet could use, and what is out of bounds.
func desired(c platform.RouteConfig, f facts) (state, error) {
	if c.Empty() {
		return state{}, nil
	}
	if n := len(c.Include) + len(c.Exclude) + len(c.Unreach) + len(f.lan); n > maxRoutes {
		return state{}, fmt.Errorf("%d routes are more than %d", n, maxRoutes)
	}
	if len(c.Addresses) > maxAddresses {
		return state{}, fmt.Errorf("%d addresses are more than %d", len(c.Addresses), maxAddresses)
	}
	want := state{mtu: c.MTU, loose: f.strict}
	for _, a := range c.Addresses {
		p, err := unmap(a)
		switch {
		case err != nil:
			return state{}, err
		case !usable(p.Addr()):
			return state{}, fmt.Errorf("%s is no address for a tunnel", p)
		case p.Addr().Is4() || f.ip6 == ip6Open:
			want.addresses = append(want.addresses, p)
		}
	}
	slices.SortFunc(want.addresses, netip.Prefix.Compare)
	want.addresses = slices.Compact(want.addresses)
	var err error
	if want.routes, err = desiredRoutes(c, f); err != nil {
		return state{}, err
	}
	for _, v6 := range []bool{false, true} {
		if v6 && f.ip6 == ip6None {
			continue
		}
		want.rules = append(want.rules,
			rule{v6, platform.RulePrioMark, platform.Mark, mainTable},
			rule{v6, platform.RulePrioAll, 0, platform.RouteTable})
	}
	return want, nil
}

// desiredRoutes gives every prefix its one route, from the weakest claim to the strongest.
func desiredRoutes(c platform.RouteConfig, f facts) ([]route, error) {
	claims := map[netip.Prefix]reach{}
	claim := func(list []netip.Prefix, r reach) error {
		for _, p := range list {
			p, err := unmap(p)
			if err != nil {
				return err
			}
			if p = p.Masked(); skipped(p) || (p.Addr().Is6() && f.ip6 == ip6None) {
				continue
			}
			claims[p] = r
			if r == device && p.Addr().Is6() && f.ip6 == ip6Closed {
				claims[p] = unreachable
			}
		}
		return nil
	}
	if c.LocalLAN {
		if err := claim(slices.DeleteFunc(slices.Clone(f.lan), func(p netip.Prefix) bool { return !isPrivate(p) }), throw); err != nil {
			return nil, err
		}
	}
	for _, l := range []struct {
		list []netip.Prefix
		as   reach
	}{{c.Unreach, unreachable}, {c.Include, device}, {c.Exclude, throw}} {
		if err := claim(l.list, l.as); err != nil {
			return nil, err
		}
	}
	routes := make([]route, 0, len(claims))
	for p, r := range claims {
		routes = append(routes, route{p, r})
	}
	slices.SortFunc(routes, compareRoutes)
	return routes, nil
}

// compareRoutes puts what catches before what lets through.
func compareRoutes(a, b route) int {
	return cmp.Or(cmp.Compare(a.reach, b.reach), a.dst.Compare(b.dst))
}

// unmap makes an IPv4 prefix of one written as IPv4-mapped IPv6, and refuses what is no prefix.
func unmap(p netip.Prefix) (netip.Prefix, error) {
	switch {
	case !p.IsValid():
		return p, fmt.Errorf("%q is no prefix", p)
	case !p.Addr().Is4In6():
		return p, nil
	case p.Bits() < 96:
		return p, fmt.Errorf("%s mixes the families", p)
	}
	return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96), nil
}

// usable reports whether an address can be the inside one of a tunnel.
func usable(a netip.Addr) bool {
	return !a.IsUnspecified() && !a.IsLoopback() && !a.IsMulticast() && !a.IsLinkLocalUnicast() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// skipped reports the prefixes that never lead into a tunnel whatever a gateway says: the machine's own, those of the link, and no destination at all.
func skipped(p netip.Prefix) bool {
	a := p.Addr()
	return p.Bits() > 0 && (a.IsLoopback() || a.IsMulticast() || (a.Is6() && a.IsLinkLocalUnicast()) || (a.IsUnspecified() && p.IsSingleIP()))
}

func isPrivate(p netip.Prefix) bool {
	return slices.ContainsFunc(private, func(r netip.Prefix) bool { return r.Bits() <= p.Bits() && r.Contains(p.Addr()) })
}

// verb is what a step does.
type verb uint8

const (
	add verb = iota
	replace
	remove
)

func (v verb) String() string { return [...]string{"add", "replace", "remove"}[v] }

// step is one change. Exactly one of the pointers is set, or mtu or loose counts.
type step struct {
	verb    verb
	address *netip.Prefix
	route   *route
	rule    *rule
	mtu     int
	loose   bool // verb add: make the reverse path filter loose; remove: as it was
}

func (s step) String() string {
	switch {
	case s.address != nil:
		return fmt.Sprintf("%s address %s", s.verb, s.address)
	case s.route != nil:
		return fmt.Sprintf("%s route %s %s", s.verb, s.route.dst, s.route.reach)
	case s.rule != nil:
		family := 4
		if s.rule.v6 {
			family = 6
		}
		return fmt.Sprintf("%s IPv%d rule %d", s.verb, family, s.rule.priority)
	case s.mtu != 0:
		return fmt.Sprintf("set MTU %d", s.mtu)
	}
	return fmt.Sprintf("%s loose reverse path filter", s.verb)
}

// plan returns the steps from what is to what should be, in an order that never lets outside what belongs inside in both.
func plan(is, want state) []step {
	var steps []step
	if want.mtu != 0 && want.mtu != is.mtu {
		steps = append(steps, step{mtu: want.mtu})
	}
	for _, a := range want.addresses {
		if !slices.Contains(is.addresses, a) {
			steps = append(steps, step{verb: add, address: &a})
		}
	}
	added, removed := planRoutes(is.routes, want.routes)
	steps = append(steps, added...)
	if want.loose && !is.loose {
		steps = append(steps, step{verb: add, loose: true})
	}
	for _, r := range want.rules {
		if !slices.Contains(is.rules, r) {
			steps = append(steps, step{verb: add, rule: &r})
		}
	}
	for _, r := range surplusRules(is.rules, want.rules) {
		steps = append(steps, step{verb: remove, rule: &r})
	}
	steps = append(steps, removed...)
	if is.loose && !want.loose {
		steps = append(steps, step{verb: remove, loose: true})
	}
	for _, a := range is.addresses {
		if !slices.Contains(want.addresses, a) {
			steps = append(steps, step{verb: remove, address: &a})
		}
	}
	return steps
}

// planRoutes compares routes by destination: what is missing is added, what is there in another form is replaced, what is beside the right one goes. Removals are in
// the opposite order: what lets through goes first.
func planRoutes(is, want []route) (added, removed []step) {
	have := map[netip.Prefix][]reach{}
	for _, r := range is {
		have[r.dst] = append(have[r.dst], r.reach)
	}
	wanted := map[netip.Prefix]reach{}
	for _, r := range want {
		wanted[r.dst] = r.reach
		switch h := have[r.dst]; {
		case len(h) == 0:
			added = append(added, step{verb: add, route: &r})
		case !slices.Contains(h, r.reach):
			added = append(added, step{verb: replace, route: &r})
		}
	}
	for _, r := range slices.Backward(slices.SortedFunc(slices.Values(is), compareRoutes)) {
		right, ok := wanted[r.dst]
		if !ok || r.reach == foreign || (r.reach != right && slices.Contains(have[r.dst], right)) {
			removed = append(removed, step{verb: remove, route: &r})
		}
	}
	return added, removed
}

// surplusRules returns what is there and not wanted, and each repetition, those that lead into our table first.
func surplusRules(is, want []rule) []rule {
	var out []rule
	seen := map[rule]bool{}
	for _, r := range is {
		if seen[r] || !slices.Contains(want, r) {
			out = append(out, r)
		}
		seen[r] = true
	}
	slices.SortStableFunc(out, func(a, b rule) int { return cmp.Compare(b.priority, a.priority) })
	return out
}
