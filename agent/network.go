package agent

import (
	"net/netip"
	"slices"

	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// snapshot takes what the network looks like now. Only another set of ways to the gateway is news to the machine: an address of somebody else's
// container, or a route that leads elsewhere, is not.
func (l *loop) snapshot(s platform.NetSnapshot) {
	l.network = s
	l.waysTo(l.toward)
}

// waysTo tells the machine the ways to a gateway: once one has answered, only those of its family count.
func (l *loop) waysTo(gateway netip.Addr) {
	l.toward = gateway
	paths := pathsTo(gateway, l.network)
	if l.state.PathsKnown && slices.Equal(paths, l.state.Paths) {
		return
	}
	l.feed(machine.Event{Kind: machine.EvNetworkChanged, Paths: paths})
}

// wayOf is the way to the gateway that the tunnel took: that of the uplink with its outer address. The zero Path when no uplink has it.
func (l *loop) wayOf(t protocol.Tunnel) machine.Path {
	local := t.Settings().Local
	u := slices.IndexFunc(l.network.Uplinks, func(u platform.Uplink) bool { return slices.Contains(u.Local, local) })
	if u < 0 {
		return machine.Path{}
	}
	p := slices.IndexFunc(l.state.Paths, func(p machine.Path) bool { return p.IfIndex == l.network.Uplinks[u].Index })
	if p < 0 {
		return machine.Path{}
	}
	return l.state.Paths[p]
}

// pathsTo lists the ways to the gateway, best first: one per uplink that has an address of its family. With no gateway yet, every uplink counts by its
// first address. A gateway on this very machine (a rehearsal) is reached without an uplink.
func pathsTo(gateway netip.Addr, s platform.NetSnapshot) []machine.Path {
	if gateway.IsLoopback() {
		return []machine.Path{{Name: "loopback"}}
	}
	var paths []machine.Path
	for _, u := range s.Uplinks {
		fits := func(a netip.Addr) bool { return !gateway.IsValid() || a.Is4() == gateway.Is4() }
		i := slices.IndexFunc(u.Local, fits)
		if i < 0 {
			continue
		}
		p := machine.Path{IfIndex: u.Index, Name: u.Name, Local: u.Local[i]}
		if h := slices.IndexFunc(u.NextHop, func(a netip.Addr) bool { return a.Is4() == p.Local.Is4() }); h >= 0 {
			p.NextHop = u.NextHop[h]
		}
		if !slices.Contains(paths, p) {
			paths = append(paths, p)
		}
	}
	return paths
}
