// Package dns points name resolution at the servers behind the tunnel while a session lives.
//
// On Linux it does so with a plain /etc/resolv.conf, the one way that every program understands. Package undo/resolvconf says how the file is replaced and put
// back; this package says what stands in it:
//
//	tunnel-all DNS   the inside servers alone; the search domains of the session
//	otherwise        the inside servers, then those of the displaced file; the search domains of the session, then those of the displaced file
//
// # Limits of a plain file
//
// A resolv.conf cannot send some names here and others there: with split DNS the inside servers are asked first for every name, and the displaced ones only
// when those do not answer. Programs read three servers and, some of them, six search domains of 256 characters; what exceeds that is left out, of the inside servers
// so much that one displaced server remains. Options of the displaced file are not taken over.
//
// Where systemd-resolved owns the file, as a link to its stub, the link is replaced all the same, and Backend says so: programs that ask resolved by its own
// socket or bus instead of reading the file keep its answers.
//
// Addresses and names come from a gateway: loopback, multicast and unspecified servers are passed over, search domains must be host names.
//
// # The uplink's own servers
//
// While our file is in place the agent must still resolve the gateway's name outside the tunnel. Upstream says with which servers: those of the displaced
// file as long as ours stands in its place, else those of the file itself; where they are nothing but resolved's stub, those that resolved itself uses.
//
// Nothing watches the file. Set compares and is cheap: call it again when the network changed. What somebody else wrote there in between then counts as the displaced
// file. Other systems answer HOST-007. It imports dart/fault, platform and platform/undo.
package dns
