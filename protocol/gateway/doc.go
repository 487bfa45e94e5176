// Package gateway is an AnyConnect gateway in the box: the server half of everything Holdfast speaks, with faults on demand. The demo connects to it, tests use it as
// the peer, and an administrator rehearses a failover against it.
//
//	             TLS                       login: aggregate-auth forms over HTTP
//	client --> valve --> Cork --> tls --> connection --CONNECT--> tunnel --> Inside
//	  |         |                             |                     |  ^       |
//	  |      can hang                   Misbehave(...)         session  |  netstack or Echo
//	  |          UDP                                                    |
//	  '-------> outlet: whose? --> way --> DTLS --> channel ------------'
//
// A user logs in by form (name, password, group; then a challenge for users who have one) and gets a session with a token, in the document and in the webvpn cookie.
// A group may have its users sign in at a web page instead: the gateway then is its own identity provider (browser.go), and seals what it hands to the browser to the key that the client announced. A client that announced one must
// sign each CONNECT where Config.Bound says so.
// CONNECT with the token makes the session's tunnel. The session outlives it: a tunnel that is lost leaves the session inactive, with its addresses, until the
// disconnected timeout, the session timeout, a DISCONNECT that says so, or Revoke. A second CONNECT with the token ends the older tunnel with an empty
// DISCONNECT, as ocserv does.
//
// # DTLS
//
// While ServeDatagrams runs, a client that asks for PSK-NEGOTIATE is told an App-ID and a port. A ClientHello with that id as its session id begins a handshake, whose key is
// exported from the tunnel's TLS connection; so the id says who it may be, and the key whether it is. A client that does not know that, or meets a gateway that is told to be as Cisco's
// (Config.DTLS), is told the id of a session to resume under the master secret that it sent. What has another id, or none, gets no answer, so nobody is flooded by way
// of this port. There is no cookie exchange: our answer is hardly longer than the hello, and of handshakes there are three to a tunnel and 64 in all at once.
// Packets to a client go the way that its last packet came. A channel that ends, fails or is silent for three DPDs is given up; TLS carries on. A client whose translator moved it
// to another port is followed there, once a datagram from it is authentic and younger than all from the old port: a copy moves nothing.
//
// On Linux each client gets a socket of its own beside the one that hellos come to, connected to it at the same port. The kernel finds out whose a datagram is, datagrams move many at
// a time (protocol/udpbatch), and clients do not wait for each other. Elsewhere, and in memory, the one socket serves all.
//
//	g, err := gateway.New(gateway.Config{Certificate: cert, Users: users, Pools: pools, Inside: gateway.NewEcho(inside...)})
//	go g.Serve(listener)
//	go g.ServeDatagrams(packetConn)
//	defer g.Close()
//
// What is behind the gateway is an Inside. Echo, here, answers pings and datagrams and works inside testing/synctest; package inside has a TCP/IP stack with real servers.
//
// Faults are methods: DropConnections, Refuse, Restart, Hang, Revoke, Kick, Renumber, Misbehave; of datagrams alone BlockUDP, RefuseUDP, LimitUDP, GarbleUDP, DropDTLS, HangDTLS. Administrators look at Sessions (display.go): parent, SSL and DTLS tunnels of each, what it can do, how
// often it came back; WriteSessions is for people, a Session prints as one counter line and goes as JSON. A session is inactive when it has no SSL tunnel, and the idle timer then goes on as
// disconnected timeout where there is no other.
//
// # Who runs what
//
//	Serve        the caller's goroutine, accepts; ServeDatagrams another, finds out whose a datagram is
//	connection   one each: handshake, login, then the tunnel's reader
//	writer       one per tunnel: packets from the inside to the client
//	control      one per tunnel: DPD, keepalive, idle and session time
//	way          one per client that sends DTLS: handshake, then the channel's reader
//	router       one: reads the Inside, finds the tunnel and sends by DTLS itself; it never waits for a client, the queue of a TLS connection drops when it is full
//
// Close ends and waits for all but Serve and ServeDatagrams, which return. Everything from a client is hostile: sizes, counts and times are bounded and packets with a foreign source
// are dropped. It is nevertheless a gateway for rehearsals, not for production: passwords are compared in memory, nothing is rate-limited.
//
// Imports: authxml, cstp, dtlstun, packet, protocol, strap, dart/redact, dart/fault. No gVisor: that is in package inside alone.
package gateway
