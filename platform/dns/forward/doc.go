// Package forward is a small DNS forwarder on loopback, for hosts whose way of resolving names cannot send some of them here and others there.
//
//	program --> 127.72.70.53:53 --+-- below a domain of the session --> the tunnel's servers
//	                              `-- any other name ----------------> the machine's own servers, by marked sockets past the tunnel
//
// It passes messages on and back byte for byte but for the id, and keeps none: there is no cache to poison, no answer is made up but SERVFAIL. An answer counts only
// if it comes to the socket of its question, which is connected to the one server and has a port and an id of its own, both random, and repeats the question.
// A name that belongs inside is never asked outside, whatever inside servers answer or fail to.
//
// Only programs of this machine reach it, because the kernel routes 127.0.0.0/8 nowhere else. It holds at most 512 questions at a time; what exceeds that is dropped,
// and the asker asks again. A message may have one question of an opcode QUERY; others are refused. TCP is served the same way, one connection's questions one after the other.
//
// When its process dies nobody listens: names fail until the next start or a rescue takes the address out of resolv.conf, and nothing is asked in the wrong place.
//
// The Server owns its goroutines; Close waits for them. It imports miekg/dns and platform.
package forward
