package netmon

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/platform"
)

// look dumps links, addresses and routes of the main table.
func look() (platform.NetSnapshot, error) {
	var links []netlink.Link
	var addrs []netlink.Addr
	var routes []netlink.Route
	for range dumps {
		var e1, e2, e3 error
		links, e1 = netlink.LinkList()
		addrs, e2 = netlink.AddrList(nil, netlink.FAMILY_ALL)
		routes, e3 = netlink.RouteListFiltered(netlink.FAMILY_ALL, &netlink.Route{Table: unix.RT_TABLE_MAIN}, netlink.RT_FILTER_TABLE)
		err := errors.Join(e1, e2, e3)
		if err == nil {
			break
		}
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			return platform.NetSnapshot{}, fmt.Errorf("netmon: %w", err)
		}
	}
	return assemble(links, addrs, routes), nil
}

// assemble picks the uplinks out of what was dumped.
func assemble(links []netlink.Link, addrs []netlink.Addr, routes []netlink.Route) platform.NetSnapshot {
	found := map[int]*candidate{}
	for _, l := range links {
		a := l.Attrs()
		if a.RawFlags&unix.IFF_UP == 0 || a.RawFlags&unix.IFF_RUNNING == 0 || a.RawFlags&unix.IFF_LOOPBACK != 0 || a.Name == platform.Interface {
			continue
		}
		found[a.Index] = &candidate{Uplink: platform.Uplink{Index: a.Index, Name: a.Name}, routes: map[netip.Prefix]best{}}
	}
	noteAddresses(found, addrs)
	for _, r := range routes {
		if r.Protocol == platform.RouteProto || r.Type != unix.RTN_UNICAST {
			continue
		}
		note(found, r, r.LinkIndex, r.Gw, r.Via)
		for _, hop := range r.MultiPath {
			note(found, r, hop.LinkIndex, hop.Gw, hop.Via)
		}
	}
	return rank(found)
}

// noteAddresses gives links their global addresses, those last that are on their way out.
func noteAddresses(found map[int]*candidate, addrs []netlink.Addr) {
	for _, old := range []bool{false, true} {
		for _, a := range addrs {
			c := found[a.LinkIndex]
			const unusable = unix.IFA_F_TENTATIVE | unix.IFA_F_DADFAILED
			if c == nil || a.IPNet == nil || a.Scope != unix.RT_SCOPE_UNIVERSE || a.Flags&unusable != 0 || (a.Flags&unix.IFA_F_DEPRECATED != 0) != old {
				continue
			}
			if ip, ok := netip.AddrFromSlice(a.IP); ok && ip.Unmap().IsGlobalUnicast() {
				c.Local = append(c.Local, ip.Unmap())
			}
		}
	}
}

// note counts a route, or one hop of it, for its link.
func note(found map[int]*candidate, r netlink.Route, index int, gw net.IP, via netlink.Destination) {
	c := found[index]
	if c == nil {
		return
	}
	hop, _ := netip.AddrFromSlice(gw)
	if v, ok := via.(*netlink.Via); ok { // an IPv4 route over an IPv6 next hop
		hop, _ = netip.AddrFromSlice(v.Addr)
	}
	hop = hop.Unmap()
	to := destination(r)
	c.leads(to, r.Priority, hop)
	switch {
	case to.Bits() > 0:
	case r.Family == netlink.FAMILY_V6:
		c.six.offer(r.Priority, hop)
	default:
		c.four.offer(r.Priority, hop)
	}
}

// destination is where a route leads, all of its family when it does not say.
func destination(r netlink.Route) netip.Prefix {
	if r.Dst != nil {
		if a, ok := netip.AddrFromSlice(r.Dst.IP); ok {
			ones, bits := r.Dst.Mask.Size()
			if a.Is4In6() && bits == 32 {
				a = a.Unmap()
			}
			return netip.PrefixFrom(a, ones).Masked()
		}
	}
	if r.Family == netlink.FAMILY_V6 {
		return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
}
