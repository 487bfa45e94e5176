// Package impair breaks the way to the gateway on purpose, from inside the agent: what `holdfast debug impair` asks for. The host's firewall, routes and sockets of others are not touched.
//
//	SPEC --Parse--> Spec --Add--> Faults <--looks-- Dialer, Stream, Datagrams     every call of a socket
//	                                 '---ends by itself--> Changed --> the agent's loop
//
//	dtls=drop,30s        datagrams are lost, both ways
//	tls=stall,10s        connections that there are go dumb, both ways, and lose nothing: as behind a NAT that forgot them. New ones work
//	tls=close            connections that there are are reset
//	link=down,3s         every uplink is gone: the sensors say so, datagrams are lost, connections stand still, new ones find no way
//	gateway=refuse,5s    new connections are refused
//	mtu=1280,30s         datagrams are lost whose outer IP packet is longer. TCP finds its own size and is left alone
//	loss=20%,30s         that many datagrams are lost; as much of what is written by TLS comes 200 ms late, as TCP's retransmission makes it
//	latency=200ms,30s    every round trip takes that much longer
//	sleep=10s            the clock that counts sleep is ahead by that from now on: as if the machine had slept, unannounced
//	off                  all of it ends
//
// # What it can not do
//
// A fault loses, delays, or fails: it changes no byte, sends nothing anywhere else, dials no other address, and has no part in who is verified and how. What is held back stays in the agent's
// memory, as it was encrypted, 1 MiB for a socket at most. The time that certificates are checked by is the wall clock, which sleep leaves alone. Lengths and times are bounded (Parse), and
// each fault ends at its time whatever becomes of the agent's loop.
//
// # What it costs while nothing is impaired
//
// A connection costs one atomic load for a call that moves up to 64 KiB, a UDP socket one for a batch (udpbatch.Gate). Nothing is allocated, and there is no goroutine.
//
// # Goroutines
//
// One per socket that has something to send later, until it is sent or the socket is closed; Close waits for it. A timer for the next end.
//
// It imports dart/fault, protocol and protocol/udpbatch.
package impair
