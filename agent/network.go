package agent

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// snapshot takes what the network looks like now. Only another set of ways to the gateway is news to the machine: an address of somebody else's
// container, or a route that leads elsewhere, is not.
func (l *loop) snapshot(s platform.NetSnapshot) {
	moved := l.res.pump != nil && !slices.Equal(connectedTo(l.network), connectedTo(s))
	l.network = s
	if moved {
		l.applier.queue(l.applier.follow)
	}
	l.waysTo(l.toward)
}

// connectedTo lists the networks that the uplinks are directly connected to.
func connectedTo(s platform.NetSnapshot) (nets []netip.Prefix) {
	for _, u := range s.Uplinks {
		for _, r := range u.Routes {
			if !r.Via.IsValid() && r.To.Bits() > 0 {
				nets = append(nets, r.To)
			}
		}
	}
	return nets
}

// waysTo tells the machine the ways to a gateway, which has these addresses; none before one has answered.
func (l *loop) waysTo(gateway []netip.Addr) {
	l.toward = gateway
	paths := pathsTo(gateway, l.state.Path, l.network)
	if l.state.PathsKnown && slices.Equal(paths, l.state.Paths) {
		return
	}
	ev := machine.Event{Kind: machine.EvNetworkChanged, Paths: paths}
	if t, ok := l.res.tunnels[l.state.Tunnel]; ok {
		ev.Path = wayOf(t.live, paths)
	}
	l.feed(ev)
}

// addressesOf lists where a session's gateway may be reached: where it was, and the other addresses of the first resolution.
func addressesOf(ref protocol.SessionRef) []netip.Addr {
	all := []netip.Addr{ref.Gateway.Addr().Unmap()}
	for _, a := range ref.Target.Fixed {
		if a = a.Unmap(); !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	return all
}

// wayOf is the one of these ways that a tunnel took: that with its outer address. The zero Path when it is none of them, as on an uplink that is not known yet.
func wayOf(t protocol.Tunnel, ways []machine.Path) machine.Path {
	local := t.Settings().Local
	i := slices.IndexFunc(ways, func(p machine.Path) bool { return local.IsValid() && p.Local == local })
	if i < 0 {
		return machine.Path{}
	}
	return ways[i]
}

// exit is one candidate of pathsTo.
type exit struct {
	machine.Path
	bits int // of the route that leads there: a closer one is the system's choice
}

// pathsTo lists the ways to the gateway, the system's own choice first: one per uplink and family of its addresses, where a route leads to it. Bridges of containers
// and virtual machines are none, unless the gateway is behind them or the default route is. An uplink that has only IPv6 counts although the gateway has only IPv4:
// its name server may know an address for it (NAT64). With no gateway yet, every uplink with a default route counts. The address in use stays the one that is looked at
// while the uplink has it, whatever others come. A gateway on this very machine (a rehearsal) is reached without an uplink.
func pathsTo(gateway []netip.Addr, used machine.Path, s platform.NetSnapshot) []machine.Path {
	if len(gateway) > 0 && gateway[0].IsLoopback() {
		return []machine.Path{{Name: "loopback"}}
	}
	var exits []exit
	for _, u := range s.Uplinks {
		here := len(exits)
		for _, a := range orAny(gateway) {
			hop, bits, ok := leads(u, a)
			local, found := localFor(u, a, used)
			p := machine.Path{IfIndex: u.Index, Name: u.Name, Local: local, NextHop: hop}
			if ok && found && !slices.ContainsFunc(exits, func(w exit) bool { return w.IfIndex == p.IfIndex && w.Local == p.Local }) {
				exits = append(exits, exit{p, bits})
			}
		}
		if six := netip.IPv6Unspecified(); len(exits) == here && !slices.ContainsFunc(gateway, netip.Addr.Is6) && !slices.ContainsFunc(u.Local, netip.Addr.Is4) {
			hop, bits, ok := leads(u, six)
			if local, found := localFor(u, six, used); ok && found {
				exits = append(exits, exit{machine.Path{IfIndex: u.Index, Name: u.Name, Local: local, NextHop: hop}, bits})
			}
		}
	}
	slices.SortStableFunc(exits, func(a, b exit) int { return cmp.Compare(b.bits, a.bits) })
	var paths []machine.Path
	for _, w := range exits {
		paths = append(paths, w.Path)
	}
	return paths
}

// orAny stands for a gateway that is not known yet: what a default route leads to.
func orAny(gateway []netip.Addr) []netip.Addr {
	if len(gateway) == 0 {
		return []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()}
	}
	return gateway
}

// leads finds the closest route of an uplink to an address. An unspecified address asks for a default route. Where the system does not tell its routes, all lead
// everywhere.
func leads(u platform.Uplink, to netip.Addr) (hop netip.Addr, bits int, ok bool) {
	if u.Routes == nil {
		i := slices.IndexFunc(u.NextHop, func(a netip.Addr) bool { return a.Is4() == to.Is4() })
		if i >= 0 {
			hop = u.NextHop[i]
		}
		return hop, 0, true
	}
	for _, r := range u.Routes { // the closest is the last
		if r.To.Contains(to) && (!to.IsUnspecified() || r.To.Bits() == 0) {
			hop, bits, ok = r.Via, r.To.Bits(), true
		}
	}
	return hop, bits, ok
}

// localFor is the address that an uplink has for a destination: the one in use, else the one that the system likes best.
func localFor(u platform.Uplink, to netip.Addr, used machine.Path) (netip.Addr, bool) {
	if used.IfIndex == u.Index && used.Local.IsValid() && used.Local.Is4() == to.Is4() && slices.Contains(u.Local, used.Local) {
		return used.Local, true
	}
	i := slices.IndexFunc(u.Local, func(a netip.Addr) bool { return a.Is4() == to.Is4() })
	if i < 0 {
		return netip.Addr{}, false
	}
	return u.Local[i], true
}
