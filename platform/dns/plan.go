package dns

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/dns/forward"
	"github.com/holdfast-vpn/holdfast/platform/undo/resolvconf"
	"github.com/holdfast-vpn/holdfast/platform/undo/resolved"
)

// readServers is how many servers programs read from the file.
const readServers = 3

// compose returns the file for c, given the content of the one it displaces. Where via is an address, it alone is asked.
func compose(c platform.DNSConfig, displaced []byte, via netip.Addr) []byte {
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
	if via.IsValid() {
		return resolvconf.Compose([]netip.Addr{via}, search)
	}
	return resolvconf.Compose(append(servers, outside...), search)
}

// forwarded reports whether a back end needs our forwarder: for split DNS those that cannot split. Debian's resolvconf has no exclusive records, but ends its list with a
// loopback address: there it also keeps everything inside.
func forwarded(c platform.DNSConfig, b Backend) bool {
	if len(usableServers(c.Servers)) == 0 || b == Resolved || b == Nothing {
		return false
	}
	if c.All {
		return b == Resolvconf
	}
	return len(usableNames(c.Split)) > 0
}

// rulesFor is what the forwarder does for c. Search domains are the session's own, so they belong inside like its split domains.
func rulesFor(c platform.DNSConfig, outside func() []netip.Addr) forward.Rules {
	return forward.Rules{Inside: usableServers(c.Servers), Domains: append(usableNames(c.Split), usableNames(c.Search)...), All: c.All, Outside: outside}
}

// linkFor is what systemd-resolved should know of the tunnel's link. Names below the session's domains are asked inside and nowhere else; all others
//
//	tunnel-all DNS     inside alone: "." is a domain of the link, the longest match but for the domains of other links
//	split DNS          outside alone
//	neither            on both sides at once, the first that knows the name wins
func linkFor(c platform.DNSConfig) resolved.Link {
	l := resolved.Link{Index: c.Index, Servers: usableServers(c.Servers), Default: c.All || len(c.Split) == 0}
	search := usableNames(c.Search)
	for _, name := range search {
		l.Domains = append(l.Domains, resolved.Domain{Name: name})
	}
	for _, name := range usableNames(c.Split) {
		if !slices.Contains(search, name) {
			l.Domains = append(l.Domains, resolved.Domain{Name: name, RouteOnly: true})
		}
	}
	if c.All {
		l.Domains = append(l.Domains, resolved.Domain{Name: ".", RouteOnly: true})
	}
	return l
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

// usableNames keeps host names (RFC 1123 §2.1, and underscores), in lower case, without a final dot, once each. What a gateway says before a domain to mean
// everything below it ("*." or ".") is passed over: that is meant anyway.
func usableNames(in []string) []string {
	var out []string
	for _, s := range in {
		s = strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(strings.TrimSuffix(s, ".")), "*"), ".")
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
