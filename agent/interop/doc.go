// Package interop tests the real agent and command line against servers and clients we did not write, in network namespaces.
//
//	client ----- router ------ gateway ------ inside
//	192.0.2.2    NAT, DNS      ocserv         10.99.0.2  HTTP, DNS (dnsmasq)
//	2001:db8:1::2              198.51.100.1   2001:db8:99::2
//	                           2001:db8:100::1
//
// Every test runs in a network and mount namespace of its own (platform/testenv) and makes the four hosts inside it. IPv4 of the client is masqueraded, IPv6 is
// routed. The router's public DNS does not know the inside domain, and one name resolves differently inside and outside, so that a split-DNS mistake shows.
//
// There is only test code here: the package has no importers.
package interop
