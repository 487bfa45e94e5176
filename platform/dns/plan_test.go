package dns

import (
	"net/netip"
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
			if got := string(compose(c.config, []byte(c.displaced))); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}
