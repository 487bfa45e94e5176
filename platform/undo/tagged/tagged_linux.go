package tagged

import (
	"errors"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/platform"
)

// Families are the two address families as netlink names them.
var Families = []int{netlink.FAMILY_V4, netlink.FAMILY_V6}

// dumps is how often a listing is asked for again when the kernel says that it changed meanwhile.
const dumps = 10

// Whole repeats a listing until it was not interrupted. A family the kernel does not have has nothing.
func Whole[T any](list func() ([]T, error)) ([]T, error) {
	var out []T
	var err error
	for range dumps {
		if out, err = list(); !errors.Is(err, netlink.ErrDumpInterrupted) {
			break
		}
	}
	if errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil, nil
	}
	return out, err
}

// Gone reports that a removal failed because there was nothing to remove: a link takes its addresses and routes along, and others may have been first.
func Gone(err error) bool {
	for _, e := range []error{unix.ENOENT, unix.ESRCH, unix.ENODEV, unix.ENXIO, unix.EADDRNOTAVAIL} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// Link returns the tun link called holdfast0, or nil. A link of another kind under that name is not ours.
func Link() (netlink.Link, error) {
	link, err := netlink.LinkByName(platform.Interface)
	if _, missing := errors.AsType[netlink.LinkNotFoundError](err); missing {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if link.Type() != "tuntap" && link.Type() != "tun" {
		return nil, nil
	}
	return link, nil
}

// Rules returns our policy rules of both families.
func Rules() ([]netlink.Rule, error) {
	var ours []netlink.Rule
	for _, family := range Families {
		rules, err := Whole(func() ([]netlink.Rule, error) { return netlink.RuleList(family) })
		if err != nil {
			return nil, err
		}
		for _, r := range rules {
			if r.Protocol == platform.RouteProto && (r.Table == platform.RouteTable || r.Priority == platform.RulePrioMark || r.Priority == platform.RulePrioAll) {
				r.Family = family
				ours = append(ours, r)
			}
		}
	}
	return ours, nil
}

// Routes returns our routes of both families, of every type.
func Routes() ([]netlink.Route, error) {
	var ours []netlink.Route
	filter := &netlink.Route{Table: platform.RouteTable, Protocol: platform.RouteProto}
	for _, family := range Families {
		routes, err := Whole(func() ([]netlink.Route, error) {
			return netlink.RouteListFiltered(family, filter, netlink.RT_FILTER_TABLE|netlink.RT_FILTER_PROTOCOL)
		})
		if err != nil {
			return nil, err
		}
		ours = append(ours, routes...)
	}
	return ours, nil
}

// Dst is a route's destination; that of a default route has length 0.
func Dst(r netlink.Route) netip.Prefix {
	if r.Dst == nil {
		if r.Family == netlink.FAMILY_V6 {
			return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		}
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	a, _ := netip.AddrFromSlice(r.Dst.IP)
	bits, _ := r.Dst.Mask.Size()
	if r.Family != netlink.FAMILY_V6 {
		a = a.Unmap()
	}
	return netip.PrefixFrom(a, bits)
}
