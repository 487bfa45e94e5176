package netmon

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/platform"
)

// look asks for interfaces and addresses, and dumps the routes of both families.
func look() (platform.NetSnapshot, error) {
	list, err := net.Interfaces()
	if err != nil {
		return platform.NetSnapshot{}, fmt.Errorf("netmon: %w", err)
	}
	var links []linkRow
	var addrs []addressRow
	for _, ifi := range list {
		const need = net.FlagUp | net.FlagRunning
		if ifi.Flags&need != need || ifi.Flags&net.FlagLoopback != 0 {
			continue
		}
		links = append(links, linkRow{ifi.Index, ifi.Name})
		all, err := ifi.Addrs()
		if err != nil {
			continue // it went away meanwhile
		}
		for _, a := range all {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				addrs = append(addrs, addressRow{index: ifi.Index, addr: p.Addr().Unmap()})
			}
		}
	}
	var routes []routeRow
	var errs []error
	for _, family := range []int{unix.AF_INET, unix.AF_INET6} {
		b, err := dump(family)
		routes, errs = append(routes, readRIB(b)...), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return platform.NetSnapshot{}, fmt.Errorf("netmon: %w", err)
	}
	return pick(links, addrs, routes), nil
}

// dump is sysctl(3) NET_RT_DUMP. The table may grow between the question for its size and that for itself.
func dump(family int) (b []byte, err error) {
	for range dumps {
		if b, err = unix.SysctlRaw("net", unix.AF_ROUTE, 0, family, unix.NET_RT_DUMP, 0); err == nil {
			return b, nil
		}
	}
	return nil, err
}
