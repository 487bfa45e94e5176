// Package pollconn is a socket whose reader and writer wait in poll(2), in a thread of their own, and not in the runtime's poller.
//
// The runtime's poller is made for ten thousand connections that are mostly silent. A tunnel has two that never are, and pays for it: the poller's thread wakes for every
// segment that comes, also for those that nobody waits for yet, hands the goroutine to a scheduler that looks for threads, and keeps the runtime's monitor at its
// shortest period. At 100 MB/s that was nearly half of the agent's processor time. A thread that waits for one socket is woken once and goes on.
//
// That is so while packets follow each other. When nothing has come for a few milliseconds Read rests in the runtime's poller after all, which costs less the longer nothing comes, until packets
// come in quick succession again.
//
//	Take(net.Conn) --dup, close the original--> Conn: Read, Write, deadlines, Close, SyscallConn
//
// Conn is a net.Conn for one reader and one writer, with what *net.TCPConn and *net.UDPConn have besides and the tunnel uses. Its Read and Write make no allocation. On other systems
// than Linux, and for what is no socket of the system, Take returns what it was given.
//
// It imports only golang.org/x/sys.
package pollconn
