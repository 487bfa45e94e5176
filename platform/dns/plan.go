package dns

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/undo/resolvconf"
)

// readServers is how many servers programs read from the file.
const readServers = 3

// compose returns the file for c, given the content of the one it displaces.
func compose(c platform.DNSConfig, displaced []byte) []byte {
	servers := usableServers(c.Servers)
	search := usableNames(c.Search)
	if c.All && len(servers) > 0 {
		return resolvconf.Compose(servers, search)
	}
	outside := slices.DeleteFunc(resolvconf.Servers(displaced), func(a netip.Addr) bool { return slices.Contains(servers, a) })
	if len(outside) > 0 {
		servers = servers[:min(len(servers), readServers-1)]
	}
	for _, name := range usableNames(resolvconf.Search(displaced)) {
		if !slices.Contains(search, name) {
			search = append(search, name)
		}
	}
	return resolvconf.Compose(append(servers, outside...), search)
}

// usableServers keeps what can be a server behind a tunnel, once each.
func usableServers(in []netip.Addr) []netip.Addr {
	var out []netip.Addr
	for _, a := range in {
		a = a.Unmap()
		if !a.IsValid() || a.Zone() != "" || a.IsUnspecified() || a.IsLoopback() || a.IsMulticast() || slices.Contains(out, a) {
			continue
		}
		out = append(out, a)
	}
	return out
}

// usableNames keeps host names (RFC 1123 §2.1, and underscores), in lower case, without a final dot, once each.
func usableNames(in []string) []string {
	var out []string
	for _, s := range in {
		s = strings.ToLower(strings.TrimSuffix(s, "."))
		if isName(s) && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func isName(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' {
				return false
			}
		}
	}
	return true
}
