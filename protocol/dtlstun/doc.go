// Package dtlstun is the datagram channel of AnyConnect beside the TLS tunnel, in its PSK-NEGOTIATE form.
//
//	handshake:  UDP  <->  loan      <->  pion/dtls
//	                      until cut      and its counter
//
//	after it:   UDP  <->  udpbatch  <->  record           <->  Channel  <->  packets (protocol.Receiver, WriteBatch)
//	                      many a call    in place, and the     1 type byte
//	                                     only counter          below each packet
//
// The key is not this package's affair: it is exported from the TLS connection (label EXPORTER-openconnect-psk), and the identity is always "psk". What tells the
// gateway whose datagrams these are is the App-ID of its answer to CONNECT: it goes into the session id of the ClientHello, where a resumption would have one. It is
// none: a full PSK handshake follows. Offered are TLS_PSK_WITH_AES_256_GCM_SHA384, which pion does not have (suite.go), and TLS_PSK_WITH_AES_128_GCM_SHA256.
// Nothing with a certificate is offered, so nobody without the key can answer.
//
// # From the handshake to the channel
//
// pion does the handshake on a socket that is lent to it (loan). When it is done the loan is cut: nothing that pion writes from then on leaves the machine, not its close_notify and not
// a flight that it repeats, because they would use the same numbers as ours. Then the numbers are read and the channel goes on from there (takeOver). The keys of the suite that
// pion has itself come out of its serialised state; the other suite is ours, and keeps them. What the peer sent early is kept for the channel, so nothing is lost in between.
//
// After that records of a handshake, of ChangeCipherSpec and of epoch 0 are dropped without a word, and alerts count only if they open. One thing remains of the handshake: whoever spoke
// last in it (the gateway here, the client where a session is resumed) sends the same bytes again when the peer shows that it misses them, by a Finished that opens or whose number was
// seen, sixteen times at most, and not once data has come.
//
// Resume and AcceptResumed do the other handshake, that of Cisco's gateways (protocol/dtlstun/resume); Established makes a channel of what either hands over.
//
// A batch is sealed in its slots and sent with few system calls; what came together is opened into the slots of one batch, without a copy on the way. No allocation, and no lock, for a packet.
//
// # Frames
//
// A datagram is a type byte and what it is about; the types have the numbers of CSTP. DATA goes into the batch. DPD-REQ is answered at once by whoever reads, with the
// same bytes: on datagrams a full buffer drops instead of blocking, so the two peers cannot stop each other. Everything that was authentic is told to the owner,
// who decides what it means (DPD, keepalive, silence). DISCONNECT and TERMINATE end the channel; what they mean for the session is said on TLS.
//
// Accept is the other end, for the gateway in the box: the same handshake and the same channel.
//
// Dial, ReadBatch (one goroutine), WriteBatch (one goroutine), WriteControl and Close (anyone). pion's goroutines end with the handshake.
//
// Imports: protocol/packet, protocol/udpbatch, protocol/dtlstun/record, dart/redact and pion/dtls.
package dtlstun
