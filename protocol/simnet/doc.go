// Package simnet is a network in memory: hosts, links, TCP-like streams and datagrams, for the demo and for tests inside testing/synctest.
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
//	s, _ := gw.ListenPacket(443)
//	u, err := pc.Dialer().DialUDP(ctx, netip.MustParseAddrPort("198.51.100.1:443"), protocol.Path{})
//
// What can go wrong is what goes wrong outside:
//
//   - Link.Down stalls the streams on it and hides its host; Link.Up lets them go on when their retransmission timer fires next, as TCP does.
//   - Loss is delay: a lost segment arrives one retransmission time-out later and everything behind it waits.
//   - NAT.Rebind strands the streams through it: nothing arrives on them any more, in either direction, for ever. New ones work. Datagrams go on from another
//     port, and what the other side sends to the old one is lost: it must notice.
//   - A datagram is lost, late (SetStraggle), too long for a link (SetMTU, which holds streams up as well) or of a kind that a filter drops (BlockUDP); none of that is told
//     to its sender.
//   - A port nobody listens on refuses after a round trip, to datagrams, too; an address nobody has, or a host that is Silent, says nothing at all.
//   - Host.Restart forgets listeners, sockets and streams; the peers of those hear a reset, at once or when they next send something.
//
// Errors of a Dialer are *fault.Error as protocol.Dialer asks; those of a stream are *net.OpError with the usual system errors in them.
//
// Everything is driven by timers under one mutex that is never held while waiting, and waits are on sync.Cond or channels, so that a synctest bubble always
// comes to rest; outside a bubble the same code runs in real time. The randomness of each stream and socket comes from the seed and its number. There is no
// goroutine but those of due timers; Close stops all timers, fails all streams and waits for the callbacks that are running.
//
// It imports dart/fault and protocol and nothing of a real network but the types of package net.
package simnet
