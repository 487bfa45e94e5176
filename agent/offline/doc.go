// Package offline holds what the command line does when no agent runs.
//
//	Rescue   undoes every change of ours to this machine; an agent that lives holds the lock of the undo journal, which Rescue takes
//	Replay   runs the machine again over a record, and tells each decision
//	Doctor   looks along the way to a gateway, layer by layer, and says which one is broken
//
// Doctor runs as whoever calls it and needs no privilege:
//
//	links, names --> per address: TCP, TLS, certificate --> first request of a login, UDP --> dart/checkup.Judge
//	                 beside it:   plain HTTP on port 80
//
// Its sockets bear no mark: while a session lives they take the way that any program's take, which may be another than the agent's. The report says when that is
// so. It sends no name of a user and no password, speaks HTTP over TLS to none but a verified gateway, and follows no redirect.
//
// Goroutines: two per address of the gateway and one for UDP, all ended when Doctor returns. The package may import platform and protocol, as package agent does;
// the command line gets its functions as values.
package offline
