package protocol

import (
	"net/netip"
	"slices"
)

// Families says which of a gateway's addresses are tried, and in which order. The zero value takes them as they were resolved.
type Families uint8

const (
	AnyFamily Families = iota
	OnlyIPv4
	OnlyIPv6
	IPv4First
	IPv6First
)

// ParseFamilies reads a profile's IPProtocolSupport; anything else is AnyFamily.
func ParseFamilies(s string) Families {
	return map[string]Families{"IPv4": OnlyIPv4, "IPv6": OnlyIPv6, "IPv4,IPv6": IPv4First, "IPv6,IPv4": IPv6First}[s]
}

// Of returns the addresses that may be tried, in the order in which they should be; addrs stays as it is.
func (f Families) Of(addrs []netip.Addr) []netip.Addr {
	addrs = slices.Clone(addrs)
	is6 := func(a netip.Addr) bool { return a.Is6() && !a.Is4In6() }
	switch f {
	case OnlyIPv4:
		return slices.DeleteFunc(addrs, is6)
	case OnlyIPv6:
		return slices.DeleteFunc(addrs, func(a netip.Addr) bool { return !is6(a) })
	case IPv4First, IPv6First:
		slices.SortStableFunc(addrs, func(a, b netip.Addr) int {
			switch {
			case is6(a) == is6(b):
				return 0
			case is6(a) == (f == IPv6First):
				return -1
			}
			return 1
		})
	}
	return addrs
}
