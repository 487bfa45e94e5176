package dns

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/undo/resolvconf"
)

func addrs(s string) (out []netip.Addr) {
	for _, f := range strings.Fields(s) {
		out = append(out, netip.MustParseAddr(f))
	}
	return out
}

func TestCompose(t *testing.T) {
	const was = "search home.example corp.example\nnameserver 192.0.2.1\nnameserver 192.0.2.2\noptions ndots:5\n"
	for _, c := range []struct {
		name      string
		config    platform.DNSConfig
		displaced string
		servers   string
		search    string
	}{
		{"everything through the tunnel", platform.DNSConfig{Servers: addrs("10.0.0.1 2001:db8::1"), Search: []string{"corp.example"}, All: true}, was, "10.0.0.1 2001:db8::1", "corp.example"},
		{"split: inside first, outside after", platform.DNSConfig{Servers: addrs("10.0.0.1"), Search: []string{"corp.example"}}, was, "10.0.0.1 192.0.2.1 192.0.2.2", "corp.example home.example"},
		{"split domains make no difference to a plain file", platform.DNSConfig{Servers: addrs("10.0.0.1"), Split: []string{"corp.example"}}, was, "10.0.0.1 192.0.2.1 192.0.2.2", "home.example corp.example"},
		{"split leaves room for one outside", platform.DNSConfig{Servers: addrs("10.0.0.1 10.0.0.2 10.0.0.3")}, was, "10.0.0.1 10.0.0.2 192.0.2.1", "home.example corp.example"},
		{"split and nothing displaced", platform.DNSConfig{Servers: addrs("10.0.0.1 10.0.0.2 10.0.0.3")}, "", "10.0.0.1 10.0.0.2 10.0.0.3", ""},
		{"the same server inside and outside", platform.DNSConfig{Servers: addrs("192.0.2.1")}, was, "192.0.2.1 192.0.2.2", "home.example corp.example"},
		{"domains alone keep the servers, even where all goes inside", platform.DNSConfig{Search: []string{"corp.example"}, All: true}, was, "192.0.2.1 192.0.2.2", "corp.example home.example"},
		{"hostile servers", platform.DNSConfig{Servers: append(addrs("127.0.0.1 ::1 0.0.0.0 224.0.0.1 ::ffff:10.0.0.1 10.0.0.1 fe80::1%eth0"), netip.Addr{}), All: true}, was, "10.0.0.1", ""},
		{"hostile domains", platform.DNSConfig{Servers: addrs("10.0.0.1"), All: true, Search: []string{"a b", "x\nnameserver 6.6.6.6", "", ".", "-a.example", "a..b", "ü.example", strings.Repeat("a", 64) + ".example",
			strings.Repeat("a.", 130) + "b", "Corp.Example.", "corp.example", "_sip._tcp.example"}}, was, "10.0.0.1", "corp.example _sip._tcp.example"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var search []string
			if c.search != "" {
				search = strings.Fields(c.search)
			}
			want := string(resolvconf.Compose(addrs(c.servers), search))
			if got := string(compose(c.config, []byte(c.displaced), netip.Addr{})); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// FuzzCompose: whatever a gateway calls a domain, and whatever stood in the file before, no line comes into the file that is not ours.
func FuzzCompose(f *testing.F) {
	for _, s := range []string{"corp.example", "\nnameserver 6.6.6.6", "a\r\noptions debug", "a\x00b", "a\u2028nameserver 6.6.6.6", "a\vb", "a;b#c", "search", "-", "..", "\xff"} {
		f.Add(s, "search "+s+"\nnameserver 192.0.2.1\n")
	}
	f.Fuzz(func(t *testing.T, domain, displaced string) {
		c := platform.DNSConfig{Servers: addrs("10.0.0.1"), Search: []string{domain, domain + ".example", "x." + domain}, Split: []string{domain}}
		for _, c.All = range []bool{true, false} {
			lines := strings.Split(strings.TrimSuffix(string(compose(c, []byte(displaced), netip.Addr{})), "\n"), "\n")
			for i, l := range lines {
				words := strings.Split(l, " ")
				switch {
				case i == 0 && resolvconf.Marked([]byte(l)), i == len(lines)-1 && l == "# Holdfast end.":
				case words[0] == "search" && len(words) > 1:
					for _, w := range words[1:] {
						if !isName(w) {
							t.Errorf("domain %q in %q", w, lines)
						}
					}
				case words[0] == "nameserver" && len(words) == 2:
					a, err := netip.ParseAddr(words[1])
					if err != nil || a != addrs("10.0.0.1")[0] && (c.All || !slices.Contains(resolvconf.Servers([]byte(displaced)), a)) {
						t.Errorf("server %q in %q", l, lines)
					}
				default:
					t.Errorf("line %q in %q", l, lines)
				}
			}
		}
	})
}
