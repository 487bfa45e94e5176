// Package native is the one place that picks implementations: it makes the platform.Host of the system it is built for.
//
//	Linux   Tun tunif, Router router, Resolver dns, Monitor netmon, Power power, Dialer uplink asking dns.Upstream, Clock clock; all host changes
//	        through one undo journal, which Host.Undo recovers and Host.Close gives back
//	others  HOST-007: there is no host yet, only the demo
//
// Guest is a dialer alone, for a process without privilege.
//
// Host changes nothing on the machine but the two directories, which the journal makes, checks and locks. Whoever calls it runs Host.Undo before anything
// else, so that a start begins with the machine as it was before us; unless it takes up what a former process has left: then every Set begins from that.
package native
