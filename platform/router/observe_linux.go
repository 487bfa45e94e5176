package router

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/undo"
	"github.com/holdfast-vpn/holdfast/platform/undo/tagged"
)

// minMTU6 is the least MTU of a link that has IPv6, in bytes (RFC 8200 §5).
const minMTU6 = 1280

// loosely is the value of rp_filter that asks only for any route to the source.
const loosely = "2"

// seen is what the kernel holds: the state the plan compares, and the objects behind it, for removal as exactly what they are.
type seen struct {
	state
	link      netlink.Link // nil when there is none
	addresses []netlink.Addr
	routes    map[route][]netlink.Route
	rules     []netlink.Rule
	rpFilter  string
}

// observe reads what is ours.
func (r *linux) observe() (*seen, error) {
	s := &seen{}
	var err error
	if s.link, err = tagged.Link(); err != nil {
		return nil, err
	}
	if s.link != nil {
		s.mtu = s.link.Attrs().MTU
		s.addresses, err = tagged.Whole(func() ([]netlink.Addr, error) { return netlink.AddrList(s.link, netlink.FAMILY_ALL) })
		if err != nil {
			return nil, err
		}
		for _, a := range s.addresses {
			s.state.addresses = append(s.state.addresses, addressOf(a))
		}
	}
	routes, err := tagged.Routes()
	if err != nil {
		return nil, err
	}
	s.routes = make(map[route][]netlink.Route, len(routes))
	for _, o := range routes {
		r := s.routeOf(o)
		s.state.routes = append(s.state.routes, r)
		s.routes[r] = append(s.routes[r], o)
	}
	if s.rules, err = tagged.Rules(); err != nil {
		return nil, err
	}
	for _, o := range s.rules {
		s.state.rules = append(s.state.rules, ruleOf(o))
	}
	if s.rpFilter, err = undo.ReadSysctl(undo.RPFilter); err != nil {
		return nil, err
	}
	_, listed := loosened(r.j.Get(undo.SlotRouter))
	s.loose = listed && s.rpFilter == loosely
	return s, nil
}

// loosened finds the entry that says we made the reverse path filter loose.
func loosened(entries []undo.Entry) (undo.Entry, bool) {
	i := slices.IndexFunc(entries, func(e undo.Entry) bool { return e.Kind == undo.KindSysctl })
	if i < 0 {
		return undo.Entry{}, false
	}
	return entries[i], true
}

func addressOf(a netlink.Addr) netip.Prefix {
	ip, _ := netip.AddrFromSlice(a.IP)
	bits, _ := a.Mask.Size()
	return netip.PrefixFrom(ip.Unmap(), bits)
}

// routeOf sees as ours only the form that we make.
func (s *seen) routeOf(o netlink.Route) route {
	r := route{dst: tagged.Dst(o)}
	metric := 0
	if r.dst.Addr().Is6() {
		metric = 1024 // IP6_RT_PRIO_USER, what the kernel gives a route without one
	}
	if o.Priority != metric || o.Gw != nil || o.Via != nil || len(o.MultiPath) > 0 || o.Src != nil {
		return r
	}
	switch o.Type {
	case unix.RTN_UNICAST:
		if s.link != nil && o.LinkIndex == s.link.Attrs().Index {
			r.reach = device
		}
	case unix.RTN_UNREACHABLE:
		r.reach = unreachable
	case unix.RTN_THROW:
		r.reach = throw
	}
	return r
}

// ruleOf gives a rule that has more conditions than ours a table that none of ours has.
func ruleOf(o netlink.Rule) rule {
	r := rule{v6: o.Family == netlink.FAMILY_V6, priority: o.Priority, mark: o.Mark, table: o.Table}
	masked := o.Mask != nil && *o.Mask != 0xffffffff
	if o.Src != nil || o.Dst != nil || o.IifName != "" || o.OifName != "" || o.Invert || masked || o.UIDRange != nil || o.IPProto != 0 ||
		o.Sport != nil || o.Dport != nil || o.Tos != 0 || o.Goto > 0 || o.SuppressPrefixlen >= 0 || o.SuppressIfgroup >= 0 {
		r.table = -1
	}
	return r
}

// facts reads what the plan for c must know of the machine.
func (s *seen) facts(c platform.RouteConfig) (facts, error) {
	f := facts{strict: s.loose || s.rpFilter == "1"}
	if s.rpFilter == "0" {
		for _, path := range globIPv4("rp_filter") {
			f.strict = f.strict || readTrimmed(path) == "1"
		}
	}
	if _, err := os.Stat("/proc/sys/net/ipv6"); err == nil {
		f.ip6 = ip6Open
		mtu := s.mtu
		if c.MTU != 0 {
			mtu = min(mtu, c.MTU)
		}
		if mtu < minMTU6 || readTrimmed("/proc/sys/net/ipv6/conf/"+platform.Interface+"/disable_ipv6") == "1" {
			f.ip6 = ip6Closed
		}
	}
	if !c.LocalLAN {
		return f, nil
	}
	var err error
	f.lan, err = connected(c.Index)
	return f, err
}

// connected lists the networks that interfaces, except one, are directly connected to.
func connected(except int) (nets []netip.Prefix, err error) {
	for _, family := range tagged.Families {
		routes, err := tagged.Whole(func() ([]netlink.Route, error) { return netlink.RouteList(nil, family) })
		if err != nil {
			return nil, fmt.Errorf("listing connected networks: %w", err)
		}
		for _, o := range routes {
			if o.Type == unix.RTN_UNICAST && o.Gw == nil && o.Via == nil && len(o.MultiPath) == 0 && o.Protocol == unix.RTPROT_KERNEL && o.LinkIndex != except {
				nets = append(nets, tagged.Dst(o))
			}
		}
	}
	return nets, nil
}

// Local lists the directly connected networks that are believed to be local, as for LocalLAN.
func Local() ([]netip.Prefix, error) {
	nets, err := connected(0)
	return slices.DeleteFunc(nets, func(p netip.Prefix) bool { return !isPrivate(p) }), err
}

// globIPv4 lists a setting's files of all interfaces but ours; "default" is no interface.
func globIPv4(name string) []string {
	paths, _ := filepath.Glob("/proc/sys/net/ipv4/conf/*/" + name)
	return slices.DeleteFunc(paths, func(p string) bool {
		iface := filepath.Base(filepath.Dir(p))
		return iface == "default" || iface == platform.Interface
	})
}

func readTrimmed(path string) string {
	b, _ := os.ReadFile(path) // an interface may go while we look
	return strings.TrimSpace(string(b))
}
