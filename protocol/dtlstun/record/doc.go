// Package record seals and opens DTLS records once a handshake is done. It does no I/O and starts nothing.
//
//	slot:  | .... 13 header | 8 nonce | packet ............ | 16 tag .... |
//	         ^ written by Seal -------'   sealed in place     ^ written by Seal
//
// A handshake (pion's, or the abbreviated one of protocol/dtlstun/resume) hands over Secrets; New derives the keys and returns the two directions. The packet is never
// moved: header and nonce are written below it, the tag behind it, so its slot needs Headroom bytes before and Tailroom bytes after.
//
// # One counter
//
// With AES-GCM a number that is used twice gives the key away. Only a Sealer knows the number, and it draws one for every record, by one atomic addition: packets and
// control frames sealed by several goroutines at once cannot meet, and there is no way to name a number from outside. Whoever takes a key over from somebody else says
// in Secrets.NextSeq what was used; the two must never seal side by side. At the end of the numbers Seal fails for ever.
//
// # What is spoken
//
// DTLS 1.2 (RFC 6347) with AES-GCM (RFC 5288), which is what a gateway should choose. For gateways that have nothing else: AES-CBC with HMAC-SHA1, MAC then encrypt, as in
// DTLS 1.2, DTLS 1.0 (RFC 4347), and the DTLS that Cisco shipped before there was a standard (version 0x0100; OpenSSL calls it DTLS1_BAD_VER). That one is slower,
// takes a lock for each record, and is called weak (Weak): padding is checked in constant time, but the construction has a history.
//
// PRF and Digest are exported because a handshake needs the same functions for its Finished messages.
//
// Any number of goroutines may use a Sealer, one an Opener. Sealing and opening with AES-GCM allocates nothing.
//
// Imports: dart/redact.
package record
