// Package netmon watches the network: which uplinks there are, less everything of ours.
//
//	rtnetlink groups --any message--> hint --> run: dump at once, then once per 50 ms, in noise per 250 --changed?--> Changes
//	                                                                           \--> Snapshot
//
// An uplink is a link that is up and running, is neither loopback nor ours, has a global address, and carries at least one unicast route of the main table that
// is not ours by protocol 72. Uplinks stand in the order of the system's own preference: default route before none, the lower metric first, IPv4's where both
// families have one, then the index. With each stand the destinations its routes lead to, so that the bridge of a container is no way to a gateway elsewhere. Addresses
// that are on their way out (deprecated) come last.
//
// Messages are hints, and nothing is read from them but whether they can matter: the dump says what is so. The socket is subscribed before the first dump, so that nothing falls between.
// The dump is made again after a message, when it was interrupted, when messages were lost (ENOBUFS), and after the socket had to be opened anew. Only a
// snapshot that differs from the last one goes out; a reader who is slow finds the newest, or nothing if all is as he last saw it.
//
// # What is ours
//
// It is no part of a snapshot, but for a count of removals: a policy rule of priority 18501 or 18502 or of protocol 72, a route of table 18502 and protocol 72, an address of holdfast0, of either
// family, and holdfast0 set down. Each is counted whoever removed it, and so is every loss of messages: whoever reads the count looks for himself. Rules and routes of others, and what is added, wake nobody. The kernel
// does not tell of IPv4 routes that go with the last address of their link, or with the link set down: the address tells of it, and the link does. Other systems do not count.
//
// # Other systems
//
//	macOS     hints from a routing socket (route(4)), less those of neighbours and failed lookups; routes by sysctl NET_RT_DUMP, interfaces and addresses as the
//	          standard library reads them. The default route that is not scoped to an interface comes first, as the system has it
//	Windows   hints from NotifyIpInterfaceChange, NotifyUnicastIpAddressChange and NotifyRouteChange2; GetAdaptersAddresses, GetUnicastIpAddressTable and
//	          GetIpForwardTable2 say what is so. A route's metric is its own and its interface's
//
// What the systems say is bytes; rib.go and mib.go read them without a build tag, so that tables and fuzzing run anywhere; pick makes the same snapshot of them.
//
// Open starts two goroutines, one that reads hints and one that dumps; Close ends both and closes Changes. The package imports platform, golang.org/x/sys and vishvananda/netlink.
package netmon
