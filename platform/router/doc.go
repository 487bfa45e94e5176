// Package router puts addresses on holdfast0 and decides what goes into it.
//
// On Linux the decision is two policy rules and one routing table, for both families, all of protocol 72:
//
//	                 +--------- rule 18501: fwmark 0x4846 ---------> table main   (our own connections to the gateway)
//	a packet that    |
//	is not local ----+--------- rule 18502: everything else -------> table 18502
//	                 |              include ..... route to holdfast0
//	                 |              unreachable . refused
//	                 |              exclude ..... throw: on to the next rule
//	                 +--------- rule 32766 ------------------------> table main   (what table 18502 has no route for)
//
// The main table is never touched, so nothing of the machine's own has to be saved, and a more specific route that a DHCP server hands out cannot pull
// traffic out of the tunnel: ours is asked first. Host routes to the gateway are not needed: the mark keeps its connections outside. For the same
// reason the uplink's own DNS servers are reachable through marked sockets only once the tunnel takes everything.
//
// With LocalLAN, networks that an uplink is directly connected to are thrown back as well, those of private and link-local ranges only: a hostile access point
// must not be able to declare a part of the Internet to be local. Networks come and go: call Set again, with the same config, when they did.
//
// # The plan
//
// plan.go is pure: what should be (desired), what is (observed), and the steps from one to the other. What the kernel has beside our tags is never part of it.
// What is added comes before what is taken away, routes before the rules that lead to them, and a route that catches before one that lets through: no
// moment of a change sends outside what belongs inside before and after it. After the steps the kernel is read again, and a plan that is not empty by then is an error.
//
// Prefixes come from a gateway: they are masked, repeated ones count once (exclude wins over include, include over unreachable), loopback, multicast and
// link-local ones are passed over, and there are at most 8192.
//
// # Reverse path filter
//
// A strict rp_filter (1) drops what the gateway answers as soon as the rules lead elsewhere for unmarked packets; src_valid_mark does not help, because an
// incoming packet has no mark unless a packet filter puts one on it. While our rules are in place the machine-wide setting is therefore loose (2),
// where any interface was strict; the journal puts it back.
//
// # IPv6
//
// Where the device cannot have IPv6 (disabled by setting, or an MTU below 1280), what was to be included is unreachable instead of outside; an MTU that was below
// 1280 stays there for the life of the device. Where the kernel has no IPv6 at all, there is nothing to do for it.
//
// Other systems answer HOST-007. It imports dart/fault, platform, platform/undo. It has no goroutine; Set may be called from any, one at a time.
package router
