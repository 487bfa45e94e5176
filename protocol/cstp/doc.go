// Package cstp is the TLS tunnel of AnyConnect: the CONNECT exchange, the frames, and the client that speaks them; and the choice, packet by packet, between
// that tunnel and the DTLS channel beside it (protocol/dtlstun).
//
//	TCP  <->  Cork  <->  crypto/tls  <->  Stream  <->  packets (protocol.Carrier)
//	          64 KiB      one record       8-byte header
//	          per read,   per frame        below each packet, in place
//	          one send
//	          per batch
//
// Both roles use the same parts: a gateway wraps the accepted connection in a Cork, gives that to tls.Server, reads the request with net/http, hands it to
// ParseRequest, answers with AppendResponse and goes on with NewStream. The client is Connector: it builds the request, reads the answer by hand (frames may
// follow the blank line in the same TLS record) and turns the headers into protocol.Settings. Everything in them is hostile until checked.
//
// # DTLS
//
// A Tunnel is open as soon as CONNECT was accepted, and its packets go by TLS. Beside it one goroutine makes a DTLS channel where the gateway offers one: by
// PSK-NEGOTIATE where the TLS connection can export a key, else by resumption under a secret that CONNECT told; once a DPD request of full size was answered there,
// WriteBatch sends by it. When it fails, when its DPD dies, or when it is silent while TLS answers (three requests by UDP against one by TLS), WriteBatch sends by TLS again, from the next packet on; then the channel is tried anew, after 1, 2, 4, 8, 16 s and
// every 45 s. TLS keeps its DPD, its keepalive and the last word on the session. Packets are taken from both ways at any time: the carrier is protocol.Doubled.
//
// The tunnel's MTU is the one for DTLS until that has failed six times; then, or when only shorter packets come through, it is another, and the agent is told (NoteMTU).
// What was found is kept in the SessionRef, and in the Connector's memory of the network (places.go), which says as well how often DTLS has failed there. For new keys packets go by TLS while a second channel is made, and the first is read until then: a gateway may take the
// second hello for the end of the first channel, so that packets sent by that would be lost.
//
//	datagrams.go  make, prove, show, try again      link.go   watch: DPD, keepalive, silence, verdict
//	offer.go      X-DTLS-*, key, socket             tunnel.go the carrier that chooses
//	resumeoffer.go  what CONNECT tells for resumption   size.go   what size the tunnel has
//	strangers.go  whose word on a session counts
//	places.go     what is known of a network        ladder.go asking what size passes
//
// After a verdict of silence the agent is asked for a new tunnel (NoteRenew): a gateway whose datagrams get lost may go on sending them for half a minute. So it is when the path has become
// narrower: the gateway must know, and the TCP connection may be stuck behind a segment that will never arrive. A connection that is given up is reset, since only that ends a gateway's
// worker that waits for us to take such a segment. The next one is dialled for the narrow path (protocol.Path.MTU).
//
// # Who runs what
//
//	pump in      ReadBatch: the only reader of the TLS stream. It never writes to it: two peers that both write from their reader block each other for ever
//	             once both TCP windows are full.
//	pump out     WriteBatch: fills the Cork, record by record, then sends it at once, outside every lock.
//	chores       one goroutine per Stream: the answers the reader owes (DPD-RESP), and records that crypto/tls itself wrote while reading (KeyUpdate).
//	             Its queue is small and drops: a peer that floods us with requests gets fewer answers, not our memory.
//	pump in      beside: the only reader of the DTLS channels, one after the other.
//	datagrams    one goroutine per client Tunnel that may have DTLS.
//	control      one goroutine per client Tunnel: DPD, keepalive, rekey, what the peer said, notifications.
//
// Stream.Close and Tunnel.Close wait for their goroutines.
//
// # Allocations
//
// Sending a batch allocates nothing, nor does our half of receiving one. crypto/tls does: it wraps its reader anew, 24 bytes, each time its own input buffer, which
// is about as long as the longest record so far, runs dry, and no public API changes either. Measured on loopback that is 0.4 times per packet of 1400
// bytes with one record per packet. Tests hold the first two to zero and the last to less than one per packet.
//
// Sending by DTLS allocates, in pion.
//
// Imports: protocol, protocol/authxml, protocol/packet, protocol/keepalive, protocol/dtlstun, protocol/dtlstun/resume, protocol/login, protocol/strap, dart/fault, dart/redact.
package cstp
