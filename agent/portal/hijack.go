package portal

import (
	"net/netip"
	"slices"
)

// maxHijack is how many addresses of a lie are asked.
const maxHijack = 2

// Hijacked returns those of the addresses, which a name server gives for the gateway now, that cannot be the gateway's: it was reached at a public address, which
// the answer does not hold, and these are of a private network. A name whose servers moved to other public addresses is no lie.
func Hijacked(gateway netip.Addr, now []netip.Addr) []netip.Addr {
	if inner(gateway) || slices.Contains(now, gateway) {
		return nil
	}
	var lies []netip.Addr
	for _, a := range now {
		if a = a.Unmap(); inner(a) && len(lies) < maxHijack {
			lies = append(lies, a)
		}
	}
	return lies
}

// shared is the address space between a carrier and its customers (RFC 6598), where many portals live.
var shared = netip.MustParsePrefix("100.64.0.0/10")

func inner(a netip.Addr) bool {
	return a.IsPrivate() || a.IsLinkLocalUnicast() || shared.Contains(a)
}
