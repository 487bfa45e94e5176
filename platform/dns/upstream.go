package dns

import (
	"bytes"
	"net/netip"
	"slices"

	"github.com/holdfast-vpn/holdfast/platform/dns/forward"
	"github.com/holdfast-vpn/holdfast/platform/undo"
	"github.com/holdfast-vpn/holdfast/platform/undo/records"
	"github.com/holdfast-vpn/holdfast/platform/undo/resolvconf"
)

// stub is where systemd-resolved listens.
var stub = netip.MustParseAddr("127.0.0.53")

// stubs are the local servers that keep a list of those they ask themselves.
var stubs = []struct {
	at   netip.Addr
	list resolvconf.File
}{
	{stub, resolvconf.File{Kind: resolvconf.Link, Target: uplinkFile}},
	{netip.MustParseAddr("127.0.0.1"), resolvconf.File{Kind: resolvconf.Link, Target: "/run/NetworkManager/no-stub-resolv.conf"}},
}

// Upstream returns the name servers of the machine's own network, in order: those that would answer if the changes that the journal in stateDir lists were not
// there. It may be called while a journal is open, by any process that may read stateDir, and with stateDir "" when there is none.
func Upstream(stateDir string) ([]netip.Addr, error) {
	now, err := resolvconf.Read()
	if err != nil {
		return nil, err
	}
	var changes []undo.Entry
	if stateDir != "" {
		if changes, err = undo.NameChanges(stateDir); err != nil {
			return nil, err
		}
	}
	return upstream(now, changes), nil
}

// Listed returns the name servers that any program of the machine asks now, the tunnel's while there is one: those of /etc/resolv.conf as it stands.
func Listed() ([]netip.Addr, error) {
	now, err := resolvconf.Read()
	if err != nil {
		return nil, err
	}
	return unstub(resolvconf.Servers(now.Content)), nil
}

// upstream takes our changes out of what stands at /etc/resolv.conf, and what somebody has written there since into account.
func upstream(now resolvconf.File, changes []undo.Entry) []netip.Addr {
	var file *undo.Resolv
	var names []*undo.Names
	record := false
	for _, e := range changes {
		switch e.Kind {
		case undo.KindResolv:
			file = e.Resolv
		case undo.KindRecord:
			record = true
			names = append(names, e.Names)
		case undo.KindLinkDNS:
			names = append(names, e.Names)
		}
	}
	var servers []netip.Addr
	switch {
	case file != nil && ours(now, file):
		servers = resolvconf.Servers(file.Was.Live())
	case resolvconf.Marked(now.Content) && file != nil:
		servers = resolvconf.Servers(resolvconf.Foreign(now.Content, file.Wrote, file.Was))
	case resolvconf.Marked(now.Content):
		servers = resolvconf.Servers(resolvconf.Foreign(now.Content, nil, resolvconf.File{Kind: resolvconf.Absent}))
	default:
		servers = resolvconf.Servers(now.Content)
	}
	return without(unstub(servers), names, record)
}

// without leaves out servers that resolved or resolvconf have from us, where they stand beside the machine's own. If nobody is left, because ours was exclusive or the
// same server answers inside and outside, those of the other records are named, else those of the moment before.
func without(servers []netip.Addr, names []*undo.Names, record bool) []netip.Addr {
	servers = slices.DeleteFunc(servers, func(a netip.Addr) bool { return a == forward.Addr }) // which resolved may have read from our file
	if len(names) == 0 {
		return servers
	}
	theirs := slices.DeleteFunc(servers, func(a netip.Addr) bool {
		return slices.ContainsFunc(names, func(n *undo.Names) bool { return slices.Contains(n.Are, a) })
	})
	if len(theirs) == 0 && record {
		theirs = records.Others()
	}
	if len(theirs) == 0 {
		theirs = names[0].Were
	}
	return theirs
}

// ours reports whether the file is byte for byte one that we wrote, or the link that we made.
func ours(now resolvconf.File, listed *undo.Resolv) bool {
	if listed.Stub && now.Kind == resolvconf.Link && now.Target == resolvconf.Stub.Target {
		return true
	}
	return now.Kind == resolvconf.Regular && slices.ContainsFunc(listed.Wrote, func(w []byte) bool { return bytes.Equal(w, now.Content) })
}

// unstub replaces a local stub, resolved's or that of NetworkManager's dnsmasq, by the servers behind it, if there are any: the stub is bound to no uplink.
func unstub(servers []netip.Addr) []netip.Addr {
	for _, s := range stubs {
		if slices.Contains(servers, s.at) {
			if behind := resolvconf.Servers(s.list.Live()); len(behind) > 0 {
				return behind
			}
		}
	}
	return servers
}
