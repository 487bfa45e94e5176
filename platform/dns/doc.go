// Package dns points name resolution at the servers behind the tunnel while a session lives, in the way that this machine resolves names.
//
// # Which way
//
// Decide picks a back end from Facts: what /etc/resolv.conf is and who made it, who is on the bus and in which network, which resolvconf there is. The rule is that the one
// counts whom programs really ask, and those read the file. Every decision is logged with its facts, and made again whenever something changes.
//
//	the file leads to            back end            inside alone            split DNS
//	resolved's stub, or to its   systemd-resolved    domain "." of the link  domains of the link
//	  list of servers
//	what Debian's resolvconf     a record            forwarder               forwarder
//	  makes
//	what openresolv makes        an exclusive record the record              forwarder
//	anything else                the file itself     the file                forwarder
//
// The forwarder is ours (package forward), on loopback: it sends some names here and others there where the back end cannot. Where it cannot listen there is no split
// DNS: inside servers are asked first for every name, and the log says so. A back end that fails gives way to the file. Where systemd-resolved runs although the file does not lead
// to it, it is told as well, for programs that ask it by its socket or bus.
//
// Where the file leads to resolved's list of servers it leads to its stub for the session. Where there is no stub the file is ours, and in the end resolved is made to
// forget what it read there: it reads every file that is not its own, and looks no more when its own is back.
//
// NetworkManager is no back end: it takes servers for devices of its own only, and what it takes globally survives us on disk. Where it writes the file, ours stands in
// its place and is put back when it writes again; where it feeds resolved or resolvconf, those are the back end.
//
// A session that says neither "all names" nor which: inside servers first and then the displaced ones, by resolved both at once. Its search domains belong inside in every case.
//
// # The file
//
// Package undo/resolvconf says how it is replaced and put back. Programs read three servers and, some of them, six search domains of 256 characters; what exceeds that is
// left out, of the inside servers so much that one displaced server remains. Options of the displaced file are not taken over.
//
// # The watch
//
// From Set to the next Set the resolver looks whenever something in /etc or systemd-resolved's memory changes, and makes good what somebody else undid, twenty times a minute at most. What
// somebody else wrote into the file then counts as the displaced file, and is what comes back in the end.
//
// # The uplink's own servers
//
// The agent must still resolve the gateway's name outside the tunnel. Upstream says with which servers: those that would answer if our changes, as the journal lists them, were
// not there; where that is nothing but resolved's stub or NetworkManager's dnsmasq, those behind it.
//
// Addresses and names come from a gateway: loopback, multicast and unspecified servers are passed over, domains must be host names. Other systems answer HOST-007. It
// imports dart/fault, platform, platform/sysbus and platform/undo.
package dns
