// Package netstack is a TCP/IP stack in this process, on gVisor: a TUN device on one side, sockets on the other.
//
//	applications --DialTCP, ListenUDP, Ping--> Stack --Read--> packets to the tunnel
//	                                                 <-Write-- packets from the tunnel
//
// The demo and the agent's tests take it for the host: the agent sees a TUN device, the applications of the demo live on the other side. The embedded gateway takes it
// for its inside network. No privilege, no file, no system call; it works on every system.
//
// The device side has the methods of golang.zx2c4.com/wireguard/tun. Packets that find nobody reading are dropped after a queue of 1024, as a TUN device drops them.
// Addresses and routes may change at any time; established connections of an address that stays go on.
//
// gVisor runs goroutines of its own; Close ends them, fails every socket and waits. It does not work inside testing/synctest. The package imports gVisor and
// nothing of ours.
package netstack
