package resolved

import "net/netip"

// Domain is one of a link's domains: names below it are asked of the link's servers. One that only routes is no part of the search list; "." is every name.
type Domain struct {
	Name      string
	RouteOnly bool
}

// Link is what resolved should know of a link.
type Link struct {
	Index   int
	Servers []netip.Addr
	Domains []Domain
	Default bool // asked for names that no link's domain matches, along with every other such link
}
