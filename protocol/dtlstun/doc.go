// Package dtlstun is the datagram channel of AnyConnect beside the TLS tunnel, in its PSK-NEGOTIATE form.
//
//	UDP  <->  socket  <->  pion/dtls  <->  Channel  <->  packets (protocol.Receiver, WriteBatch)
//	          forgives     handshake,      1 type byte
//	          what IP      records         below each
//	          loses        and their       packet,
//	                       counters        in place
//
// The key is not this package's affair: it is exported from the TLS connection (label EXPORTER-openconnect-psk), and the identity is always "psk". What tells the
// gateway whose datagrams these are is the App-ID of its answer to CONNECT: it goes into the session id of the ClientHello, where a resumption would have one. It is
// none: a full PSK handshake follows. Offered are TLS_PSK_WITH_AES_256_GCM_SHA384, which pion does not have (suite.go), and TLS_PSK_WITH_AES_128_GCM_SHA256.
// Nothing with a certificate is offered, so nobody without the key can answer.
//
// # Records
//
// pion seals and opens every record, from the handshake to close_notify: one counter per key, in one place, so no nonce can come twice. The price is speed. pion
// allocates for each record, sends each with a system call of its own, and hands over one packet at a time, so ReadBatch returns one. A record path
// of our own, on batched UDP, would take the keys over after the handshake; this version has none.
//
// # Frames
//
// A datagram is a type byte and what it is about; the types have the numbers of CSTP. DATA goes into the batch. DPD-REQ is answered at once by whoever reads, with the
// same bytes: on datagrams a full buffer drops instead of blocking, so the two peers cannot stop each other. Everything that was authentic is told to the owner,
// who decides what it means (DPD, keepalive, silence). DISCONNECT and TERMINATE end the channel; what they mean for the session is said on TLS.
//
// Accept is the other end, for the gateway in the box: the same handshake and the same channel.
//
// Dial, ReadBatch (one goroutine), WriteBatch (one goroutine), WriteControl and Close (anyone). pion has goroutines of its own, which end with Close.
//
// Imports: protocol/packet, dart/redact and pion/dtls.
package dtlstun
