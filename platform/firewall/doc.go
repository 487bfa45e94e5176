// Package firewall keeps what belongs into the tunnel from leaving beside it.
//
// Routes decide for a packet whose sender leaves the choice to the system. A program may choose for itself: a socket that is bound to an uplink (SO_BINDTODEVICE,
// IP_UNICAST_IF: any user may) passes over every route that leads elsewhere, in IPv4 even over an unreachable one. So the nftables table holdfast, one for both
// families, has a chain in the output hook:
//
//	oifname lo, holdfast0 -------------------------------> accept
//	mark 0x4846 (our own connections to the gateway) ----> accept
//	DHCP, neighbour discovery, IGMP and MLD -------------> accept   what an uplink needs to stay one
//	questions for names, where the gateway has them asked outside > accept   (Names)
//	to what the gateway leaves outside, or local networks > accept   (Direct)
//	to what belongs into the tunnel ---------------------> reject   (Caught)
//	anything else ---------------------------------------> accept   split tunnelling
//
// It is made before the routes and removed after them, so that it also covers the moments between. It outlives the agent: killed, it still holds what belongs inside,
// until the next start or `holdfast rescue` removes it. What programs send below the IP layer (packet sockets: ARP, a client of DHCP), what this machine forwards for
// others, and root are beyond it.
//
// plan.go is pure: a config becomes ranges of addresses, disjoint, as the kernel wants them. The table is replaced whole, in one transaction.
//
// A kernel without nftables is not an error: routes hold what they can, and the log says so. Other systems answer HOST-007 to anything but the zero config.
// It imports dart/fault, platform, platform/undo and google/nftables. It has no goroutine.
package firewall
