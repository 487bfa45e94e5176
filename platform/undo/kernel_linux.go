package undo

import (
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/vishvananda/netlink"

	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/undo/tagged"
)

// revertKernel undoes an entry that dies with the kernel, and reports whether there was anything to undo.
func revertKernel(e Entry) (bool, error) {
	switch e.Kind {
	case KindLink:
		return removeLink()
	case KindAddress:
		return removeAddress(e.Prefix)
	case KindRoute:
		// of no particular scope: that of a route to the device differs from that of the others
		return gone(netlink.RouteDel(&netlink.Route{Dst: ipNet(e.Prefix), Table: platform.RouteTable, Protocol: platform.RouteProto, Scope: netlink.SCOPE_NOWHERE}))
	case KindRule:
		return removeRules(func(r netlink.Rule) bool {
			return r.Priority == e.Priority && (r.Family == netlink.FAMILY_V4) == (e.Family == 4)
		})
	case KindTable:
		return tagged.RemoveTable()
	case KindSysctl:
		return resetSysctl(e)
	}
	return false, errors.New("unknown kind")
}

// sweepKernel removes everything that bears our tags: rules first, so that no moment has rules without routes.
func sweepKernel() (undone []string, err error) {
	var failed []error
	for _, s := range []struct {
		what   string
		remove func() (bool, error)
	}{
		{"rules", func() (bool, error) { return removeRules(func(netlink.Rule) bool { return true }) }},
		{"routes", removeRoutes},
		{"nftables table", tagged.RemoveTable},
		{"link", removeLink},
	} {
		did, err := s.remove()
		failed = append(failed, err)
		if did {
			undone = append(undone, s.what+" found by tag")
		}
	}
	return undone, errors.Join(failed...)
}

func removeLink() (bool, error) {
	link, err := tagged.Link()
	if link == nil || err != nil {
		return false, err
	}
	return gone(netlink.LinkDel(link))
}

func removeAddress(p netip.Prefix) (bool, error) {
	link, err := tagged.Link()
	if link == nil || err != nil {
		return false, err
	}
	addrs, err := tagged.Whole(func() ([]netlink.Addr, error) { return netlink.AddrList(link, netlink.FAMILY_ALL) })
	if err != nil {
		return false, err
	}
	for _, a := range addrs {
		if a.IPNet.String() == p.String() {
			return gone(netlink.AddrDel(link, &a))
		}
	}
	return false, nil
}

func removeRoutes() (did bool, err error) {
	routes, err := tagged.Routes()
	if err != nil {
		return false, err
	}
	for _, r := range routes {
		one, err := gone(netlink.RouteDel(&r))
		if err != nil {
			return did, err
		}
		did = did || one
	}
	return did, nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

func removeRules(which func(netlink.Rule) bool) (did bool, err error) {
	rules, err := tagged.Rules()
	if err != nil {
		return false, err
	}
	for _, r := range rules {
		if !which(r) {
			continue
		}
		one, err := gone(netlink.RuleDel(&r))
		if err != nil {
			return did, err
		}
		did = did || one
	}
	return did, nil
}

// gone turns the answer to a removal into "was it there": what somebody else removed first is as good.
func gone(err error) (bool, error) {
	if tagged.Gone(err) {
		return false, nil
	}
	return err == nil, err
}

// resetSysctl puts the old value back if the setting still has ours.
func resetSysctl(e Entry) (bool, error) {
	now, err := ReadSysctl(e.Name)
	if err != nil || now != e.New || e.New == e.Old {
		return false, err
	}
	return true, WriteSysctl(e.Name, e.Old)
}

// ReadSysctl returns the value of a setting that an entry may name, "" when the kernel does not have it.
func ReadSysctl(name string) (string, error) {
	b, err := os.ReadFile(sysctls[name].path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(b)), err
}

// WriteSysctl changes a setting that an entry may name; the entry must be in the journal by then.
func WriteSysctl(name, value string) error {
	return os.WriteFile(sysctls[name].path, []byte(value), 0)
}
