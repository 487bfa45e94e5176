// Package resume is Cisco's way into DTLS: the two ends "resume" a session that never was. The client draws a master secret and tells it in its CONNECT (X-DTLS-Master-Secret), the
// gateway answers with a session id (X-DTLS-Session-ID) and the one suite it chose, all of it inside TLS; by UDP nothing is agreed on any more but two random numbers.
//
//	client                                     gateway
//	  ClientHello (session id)    ------------>
//	              <---------------------------- [HelloVerifyRequest]
//	  [ClientHello with cookie]   ------------>
//	              <---------------------------- ServerHello (the same id), ChangeCipherSpec, Finished
//	  ChangeCipherSpec, Finished  ------------>
//
// Client and Server are values without I/O, clock or goroutine: datagrams and the time go in, datagrams, a deadline and at the end Result come out. Run is the thin driver over a
// net.Conn. Result.Secrets goes to protocol/dtlstun/record, whose Sealer is the only one that seals from then on.
//
// # What holds it together
//
// Nothing before the Finished messages is authentic: whoever can write to the path may send hellos, and UDP may repeat and reorder them. So the last hello of the peer counts until a
// Finished has been opened and verified; a flight that comes again mends what a forged or damaged one broke. Everything that is kept is bounded: one message of
// maxMessage bytes for each kind, heldRecords records that came before their keys. Every key is fresh, because each hello that is accepted brings a random number that is fresh.
//
// A handshake that is not this one is an error (ErrNotResumed): another session id, a Certificate, anything of a full handshake. A gateway would do that when it does
// not know the session, and so would somebody else who answers in its place. There are no extensions, above all no extended master secret: the hello has
// none, and an answer with any is refused. Alerts without protection end nothing, for anybody can send them; Complaint tells of them if the time runs out.
//
// # Flights
//
// A flight that stays without an answer is sent again after 500 ms, then 1 s, 2 s and so on. Hellos get a new record number each time, and so does the server's Finished: a number never
// seals two records. The client sends last, without an answer to wait for; it keeps that datagram (Result.Repeat), and whoever reads from the socket afterwards sends the same bytes
// when the server's last flight comes again, never unasked: a gateway may take offence.
//
// # The DTLS before the standard
//
// Gateways before DTLS 1.2, ocserv among them when it must suit old clients, speak version 0x0100 (OpenSSL: DTLS1_BAD_VER; GnuTLS: DTLS 0.9), which
// is DTLS 1.0 but for this: the Finished messages cover the bodies of handshake messages only, without their headers, and ChangeCipherSpec has three bytes, the last two a message
// number, which it uses up. Its ciphers, and those of DTLS 1.0, are AES-CBC with HMAC-SHA1; record.Weak says so of them.
//
// Sources: RFC 6347, RFC 5246 section 7.3 (the abbreviated handshake), and the behaviour of ocserv, openconnect, GnuTLS and OpenSSL.
//
// Imports: protocol/dtlstun/record, dart/redact.
package resume
