// Package dataplane is the pump: it moves packets between the TUN device and the carrier of the moment, and outlives every carrier.
//
//	device --Read--> reader --WriteBatch--> carrier
//	                   |
//	                 hold: packets of the last 2 s, while no carrier takes them
//	device <-Write-- receiver (one per carrier) <--ReadBatch-- carrier
//
// The reader sends what it has read itself: to hand it to another goroutine costs more, in wake-ups, than it gains. When a carrier takes nothing the device's own
// queue fills, as with any slow link. Without a carrier, or while Hold is in force, packets go into a small queue that forgets its oldest first, so
// that a sender on this machine finds neither a wall nor, after a long outage, its own past; resend empties it when there is a carrier again.
//
// Both directions collect: where packets come fast and few at a time, each side rests for a moment before it looks again (pacer), as a network card moderates its
// interrupts. A batch of forty costs little more than one of two.
//
// A carrier is read by one receiver from its SetCarrier until it ends. While it is the last that was set, held or not, what comes on it reaches the device;
// once it is replaced that is dropped, and the receiver stays for the gateway's last word: a DISCONNECT, the end of a stream that a goodbye waits for.
//
// Where packets come to a carrier by two ways at once, DTLS beside TLS, each of them has a receiver, and both deliver: which way a packet took is the gateway's
// choice.
//
// A receiver collects everything the carrier has into one batch and gives it to the device in one Write, where segments of a flow become one. A large arena is taken when
// traffic fills the small one, and given back when it does not.
//
// Both directions clamp the MSS of TCP connections to the tunnel's MTU, and drop what is no IP packet: one empty packet would make a whole Write fail.
//
// Goroutines: reader and resend from New, a receiver for each carrier and one for what is beside it. Close closes the device and the carriers still in use, and waits for all of
// them. Nothing allocates per packet while a carrier is there. Imports: protocol, protocol/packet.
package dataplane
