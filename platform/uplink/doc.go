// Package uplink opens the outer connections: past the tunnel, on the uplink the agent chose, with names resolved by the uplink's own servers.
//
//	DialTCP   SO_MARK 0x4846, SO_BINDTODEVICE when an uplink is given, the local address when one is given, TCP_USER_TIMEOUT 30 s, no TCP keepalive (DPD
//	          does that), TCP_NODELAY. Where none is given, it is bound once connected, to the uplink that the system chose. Routing rules send what bears the mark to the main table (platform/router), so no outer packet enters the tunnel
//	DialUDP   the same for a connected UDP socket, which has no time limits of its own
//	Lookup    a literal address; /etc/hosts; then A and AAAA in parallel, over marked UDP and, truncated, TCP, from the servers a function names at each
//	          lookup (platform/dns.Upstream: those the tunnel displaced). Servers inside the tunnel's own networks are skipped, search domains are not
//	          applied, nothing is cached: the agent keeps the addresses of the first resolution itself
//	LookupOn  the same through one uplink. It asks the same servers: those of another uplink are not known here
//
// An answer must repeat the question; CNAMEs are followed inside the answer, 8 at most, and 16 addresses are taken at most. The order is that of RFC 6724 as
// far as it matters here: addresses with a route before those without, IPv6 before IPv4, the families interleaved (RFC 8305 §4), so that the second try is already the
// other family. Once one family has answered with addresses the other has 300 ms left.
//
// Errors are *fault.Error: NET-001 no such name, NET-002 no route, NET-003 refused, NET-004 silent, NET-005 anything else that went wrong on the way, NET-013 the
// uplink or its address is gone. That the mark cannot be set (no CAP_NET_ADMIN) is INT-001: an unmarked socket would be a loop into the tunnel.
//
// NewUnmarked is for looking at the network without privilege, and for nothing that a session depends on.
//
// Windows binds by IP_UNICAST_IF and IPV6_UNICAST_IF, macOS by IP_BOUND_IF and IPV6_BOUND_IF: a socket that is bound uses the routes of that interface alone. There is no mark
// there, so a connection that is not bound follows the machine's routes.
//
// Lookup waits for the goroutines it starts. The package imports platform, dart/fault, miekg/dns and vishvananda/netlink.
package uplink
