package uplink

import "net/netip"

// order puts addresses in the order they should be tried.
func (d *Dialer) order(addrs []netip.Addr, ifName string) []netip.Addr {
	return arrange(addrs, func(a netip.Addr) bool { return d.routed(a, ifName) })
}

// arrange puts what is routed first, and in each half interleaves the families, IPv6 first, keeping the order within a family.
func arrange(addrs []netip.Addr, routed func(netip.Addr) bool) []netip.Addr {
	var halves [2][2][]netip.Addr // routed or not, IPv6 or IPv4
	for _, a := range addrs {
		half, family := 1, 0
		if routed(a) {
			half = 0
		}
		if a.Is4() {
			family = 1
		}
		halves[half][family] = append(halves[half][family], a)
	}
	out := make([]netip.Addr, 0, len(addrs))
	for _, h := range halves {
		for i := range max(len(h[0]), len(h[1])) {
			for _, family := range h {
				if i < len(family) {
					out = append(out, family[i])
				}
			}
		}
	}
	return out
}

// routed reports whether the kernel knows a way to a for a socket like ours: connecting a UDP socket sends nothing.
func (d *Dialer) routed(a netip.Addr, ifName string) bool {
	via, err := find(0, ifName)
	if err != nil {
		return false
	}
	c, err := d.dialer(via, 0).Dial("udp", netip.AddrPortFrom(a, 443).String())
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}
