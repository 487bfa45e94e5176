// Package gateway is an AnyConnect gateway in the box: the server half of everything Holdfast speaks, with faults on demand. The demo connects to it, tests use it as
// the peer, and an administrator rehearses a failover against it.
//
//	             TLS                       login: aggregate-auth forms over HTTP
//	client --> valve --> Cork --> tls --> connection --CONNECT--> tunnel --> Inside
//	            |                             |                     |          |
//	         can hang                   Misbehave(...)          session    netstack or Echo
//
// A user logs in by form (name, password, group; then a challenge for users who have one) and gets a session with a token, in the document and in the webvpn cookie.
// CONNECT with the token makes the session's tunnel. The session outlives it: a tunnel that is lost leaves the session inactive, with its addresses, until the
// disconnected timeout, the session timeout, a DISCONNECT that says so, or Revoke. A second CONNECT with the token ends the older tunnel with an empty
// DISCONNECT, as ocserv does.
//
//	g, err := gateway.New(gateway.Config{Certificate: cert, Users: users, Pools: pools, Inside: gateway.NewEcho(inside...)})
//	go g.Serve(listener)
//	defer g.Close()
//
// What is behind the gateway is an Inside. Echo, here, answers pings and datagrams and works inside testing/synctest; package inside has a TCP/IP stack with real servers.
//
// Faults are methods: DropConnections, Refuse, Restart, Hang, Revoke, Misbehave. Administrators look at Sessions; a Session prints as one counter line.
//
// # Who runs what
//
//	Serve        the caller's goroutine, accepts
//	connection   one each: handshake, login, then the tunnel's reader
//	writer       one per tunnel: packets from the inside to the client
//	control      one per tunnel: DPD, keepalive, idle and session time
//	router       one: reads the Inside and finds the tunnel; it never blocks on a client, a full queue drops
//
// Close ends and waits for all but Serve, which returns. Everything from a client is hostile: sizes, counts and times are bounded and packets with a foreign source
// are dropped. It is nevertheless a gateway for rehearsals, not for production: passwords are compared in memory, nothing is rate-limited.
//
// Imports: authxml, cstp, packet, protocol, dart/redact, dart/fault. No gVisor: that is in package inside alone.
package gateway
