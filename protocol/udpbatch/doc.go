// Package udpbatch moves many datagrams per system call over one connected UDP socket.
//
//	Send: | 1437 | 1437 | 1437 | 900 | 52 | 52 |      one sendmmsg
//	        '------ one message -----'  '-- one --'    UDP_SEGMENT: the kernel cuts, late and once
//
//	Receive: one recvmmsg -> | 1437 1437 1437 900 | 52 | ...   UDP_GRO: what came glued is cut by Next
//
// On Linux a run of datagrams of equal size, the last of which may be shorter, goes through the network stack as one packet. Its parts are where the caller has them:
// nothing is copied into one buffer. Runs are made of neighbours only, so no flow is ever reordered. On other systems, and for a net.Conn that is no UDP socket (the
// network in memory, tests), the same calls move one datagram each.
//
// # What is no error
//
// A datagram socket reports things that anybody can forge and that pass: somebody said that nobody listens or that there is no way, a queue was full, a packet filter
// dropped, the path does not carry that size just now. Such a datagram is lost, as any may be; whether the way works is decided by who answers. Only a socket that is
// closed or broken ends Receive and Send. That a datagram did not fit is remembered for whoever looks for the right size (TooBig).
//
// EIO means that the way out cannot cut for us (a tunnel of the kernel's): cutting is turned off, and the run goes out one by one.
//
// One goroutine calls Receive and Next, one calls Send; Write and Close anybody. Nothing is allocated for a datagram once the buffers have grown to the traffic.
// A socket must not be read by anybody else after New: datagrams come glued.
//
// A net.Conn that is a Gate around a socket keeps its say over every datagram, and costs nothing while it has none.
//
// Imports: protocol/pollconn and golang.org/x/sys on Linux.
package udpbatch
