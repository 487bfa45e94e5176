// Package cstp is the TLS tunnel of AnyConnect: the CONNECT exchange, the frames, and the client that speaks them.
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
// # Who runs what
//
//	pump in      ReadBatch: the only reader of the TLS stream. It never writes to it: two peers that both write from their reader block each other for ever
//	             once both TCP windows are full.
//	pump out     WriteBatch: fills the Cork, record by record, then sends it at once, outside every lock.
//	chores       one goroutine per Stream: the answers the reader owes (DPD-RESP), and records that crypto/tls itself wrote while reading (KeyUpdate).
//	             Its queue is small and drops: a peer that floods us with requests gets fewer answers, not our memory.
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
// Imports: protocol, protocol/packet, protocol/keepalive,
// protocol/login, dart/fault, dart/redact.
package cstp
