package dns

import (
	"bytes"
	"net/netip"
	"slices"

	"github.com/holdfast-vpn/holdfast/platform/undo"
	"github.com/holdfast-vpn/holdfast/platform/undo/resolvconf"
)

// stub is where systemd-resolved listens; stubFile is the list of servers it uses itself.
var (
	stub     = netip.MustParseAddr("127.0.0.53")
	stubFile = resolvconf.File{Kind: resolvconf.Link, Target: "/run/systemd/resolve/resolv.conf"}
)

// Upstream returns the name servers of the machine's own network, in order: those of the resolv.conf that the journal in stateDir displaced while ours is in its
// place, else those of /etc/resolv.conf. It may be called while a journal is open, by any process that may read stateDir, and with stateDir "" when there is none.
func Upstream(stateDir string) ([]netip.Addr, error) {
	now, err := resolvconf.Read()
	if err != nil {
		return nil, err
	}
	content := now.Content
	if resolvconf.Marked(content) {
		if stateDir != "" {
			listed, err := undo.Displaced(stateDir)
			if err != nil {
				return nil, err
			}
			if listed != nil {
				return upstream(now, listed), nil
			}
		}
		content = resolvconf.Foreign(content, nil, resolvconf.File{Kind: resolvconf.Absent})
	}
	return unstub(resolvconf.Servers(content)), nil
}

// Listed returns the name servers that any program of the machine asks now, the tunnel's while there is one: those of /etc/resolv.conf as it stands.
func Listed() ([]netip.Addr, error) {
	now, err := resolvconf.Read()
	if err != nil {
		return nil, err
	}
	return unstub(resolvconf.Servers(now.Content)), nil
}

// upstream picks between what we displaced and what somebody has written since.
func upstream(now resolvconf.File, listed *undo.Resolv) []netip.Addr {
	if ours(now, listed) {
		return unstub(resolvconf.Servers(listed.Was.Live()))
	}
	return unstub(resolvconf.Servers(resolvconf.Foreign(now.Content, listed.Wrote, listed.Was)))
}

// ours reports whether the file is byte for byte one that we wrote.
func ours(now resolvconf.File, listed *undo.Resolv) bool {
	return now.Kind == resolvconf.Regular && slices.ContainsFunc(listed.Wrote, func(w []byte) bool { return bytes.Equal(w, now.Content) })
}

// unstub replaces resolved's stub by the servers behind it, if there are any: the stub is bound to no uplink.
func unstub(servers []netip.Addr) []netip.Addr {
	if !slices.Contains(servers, stub) {
		return servers
	}
	behind := resolvconf.Servers(stubFile.Live())
	if len(behind) == 0 {
		return servers
	}
	return behind
}
