package uplink

import (
	"net"
	"net/netip"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// stay binds a connection that went as the system routes to the uplink it went over. Unbound it would follow the next change of routes onto another uplink with the
// address of this one, where nobody answers it. Where the uplink is not certain, as with an address that stands on another interface, it stays as it is.
func stay(c net.Conn, mark int) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return
	}
	ifi := wayOut(c, mark)
	if ifi == nil {
		return
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { _ = unix.BindToDevice(int(fd), ifi.Name) })
}

// wayOut is the interface that the kernel sends a connection's packets to, if it has their source address.
func wayOut(c net.Conn, mark int) *net.Interface {
	from, err1 := netip.ParseAddrPort(c.LocalAddr().String())
	to, err2 := netip.ParseAddrPort(c.RemoteAddr().String())
	if err1 != nil || err2 != nil || to.Addr().Unmap().IsLoopback() {
		return nil
	}
	src := from.Addr().Unmap().WithZone("")
	routes, err := netlink.RouteGetWithOptions(net.IP(to.Addr().Unmap().WithZone("").AsSlice()), &netlink.RouteGetOptions{SrcAddr: net.IP(src.AsSlice()), Mark: uint32(mark)})
	if err != nil || len(routes) != 1 {
		return nil
	}
	ifi, err := net.InterfaceByIndex(routes[0].LinkIndex)
	if err != nil || ifi.Flags&net.FlagLoopback != 0 {
		return nil
	}
	addrs, err := ifi.Addrs()
	if err != nil {
		return nil
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Unmap() == src {
			return ifi
		}
	}
	return nil
}
