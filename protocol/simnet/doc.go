// Package simnet is a network in memory: hosts, links and TCP-like streams, for the demo and for tests inside testing/synctest.
//
//	laptop --wifi0--[NAT]--.
//	       --wired0---------+-- (internet) --eth0-- gateway
//
// A Net holds hosts. A Host has links (uplinks of a client, the one link of a server), each with its addresses, a latency and a loss. Any host can listen and dial:
//
//	n := simnet.New(1)
//	gw := n.Host("gateway", netip.MustParseAddr("198.51.100.1"))
//	pc := n.Host("laptop")
//	wifi := pc.Uplink("wifi0", netip.MustParseAddr("192.168.1.20"))
//	nat := wifi.NAT(netip.MustParseAddr("203.0.113.7"))
//	l, _ := gw.Listen(443)
//	c, err := pc.Dialer().DialTCP(ctx, netip.MustParseAddrPort("198.51.100.1:443"), protocol.Path{})
//
// What can go wrong is what goes wrong outside:
//
//   - Link.Down stalls the streams on it and hides its host; Link.Up lets them go on when their retransmission timer fires next, as TCP does.
//   - Loss is delay: a lost segment arrives one retransmission time-out later and everything behind it waits.
//   - NAT.Rebind strands the streams through it: nothing arrives on them any more, in either direction, for ever. New ones work.
//   - A port nobody listens on refuses after a round trip; an address nobody has, or a host that is Silent, says nothing at all.
//   - Host.Restart forgets listeners and streams; the peers of those hear a reset, at once or when they next send something.
//
// Errors of a Dialer are *fault.Error as protocol.Dialer asks; those of a stream are *net.OpError with the usual system errors in them.
//
// Everything is driven by timers under one mutex that is never held while waiting, and waits are on sync.Cond or channels, so that a synctest bubble always
// comes to rest; outside a bubble the same code runs in real time. The randomness of each stream comes from the seed and the stream's number. There is no
// goroutine but those of due timers; Close stops all timers, fails all streams and waits for the callbacks that are running.
//
// It imports dart/fault and protocol and nothing of a real network but the types of package net.
package simnet
