package firewall

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/platform"
)

func prefixes(s string) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range strings.Fields(s) {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

func TestDesired(t *testing.T) {
	for name, tt := range map[string]struct {
		c    platform.FilterConfig
		lan  string
		want string // direct 4, caught 4, direct 6, caught 6
	}{
		"tunnel-all": {platform.FilterConfig{Caught: prefixes("0.0.0.0/0 ::/0")}, "192.168.1.0/24",
			"[] [0.0.0.0-255.255.255.255] [] [::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]"},
		"one family may pass by": {platform.FilterConfig{Caught: prefixes("0.0.0.0/0")}, "", "[] [0.0.0.0-255.255.255.255] [] []"},
		"local network": {platform.FilterConfig{Caught: prefixes("0.0.0.0/0"), LocalLAN: true}, "192.168.1.0/24 fd00:1::/64",
			"[169.254.0.0-169.254.255.255 192.168.1.0-192.168.1.255 224.0.0.0-239.255.255.255 255.255.255.255-255.255.255.255] [0.0.0.0-255.255.255.255] " +
				"[fd00:1::-fd00:1::ffff:ffff:ffff:ffff fe80::-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff ff00::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff] []"},
		"split, lists that overlap and follow each other": {platform.FilterConfig{Caught: prefixes("10.0.1.0/24 10.0.0.0/24 10.0.0.128/25 10.9.0.1/32 10.0.0.0/24"), Direct: prefixes("10.0.1.7/32")}, "",
			"[10.0.1.7-10.0.1.7] [10.0.0.0-10.0.1.255 10.9.0.1-10.9.0.1] [] []"},
		"host bits, and IPv4 written as IPv6": {platform.FilterConfig{Caught: prefixes("10.1.2.3/8 ::ffff:192.0.2.0/120")}, "",
			"[] [10.0.0.0-10.255.255.255 192.0.2.0-192.0.2.255] [] []"},
	} {
		r, err := desired(tt.c, prefixes(tt.lan))
		if got := fmt.Sprint(r.v4.direct, r.v4.caught, r.v6.direct, r.v6.caught); got != tt.want || err != nil {
			t.Errorf("%s:\n got %s\nwant %s (%v)", name, got, tt.want, err)
		}
	}
	if _, err := desired(platform.FilterConfig{Caught: make([]netip.Prefix, maxPrefixes+1)}, nil); err == nil {
		t.Error("no bound")
	}
}

// FuzzMerge: the spans are disjoint, in order, with a gap between them, and hold what the prefixes hold.
func FuzzMerge(f *testing.F) {
	f.Add([]byte{10, 0, 0, 0, 8, 10, 1, 0, 0, 16, 255, 255, 255, 255, 32}, []byte{10, 1, 2, 3})
	f.Fuzz(func(t *testing.T, b, probe []byte) {
		var list []netip.Prefix
		for ; len(b) >= 5; b = b[5:] {
			list = append(list, netip.PrefixFrom(netip.AddrFrom4([4]byte(b[:4])), int(b[4])%33))
		}
		spans := merge(list, true)
		for i, s := range spans {
			if s.last.Less(s.first) || i > 0 && (!spans[i-1].last.Next().IsValid() || !spans[i-1].last.Next().Less(s.first)) {
				t.Fatalf("%v of %v", spans, list)
			}
		}
		if len(probe) != 4 {
			return
		}
		a, in, held := netip.AddrFrom4([4]byte(probe)), false, false
		for _, p := range list {
			in = in || p.Contains(a)
		}
		for _, s := range spans {
			held = held || !a.Less(s.first) && !s.last.Less(a)
		}
		if in != held {
			t.Errorf("%v: %v in %v, %v in %v", a, in, list, held, spans)
		}
	})
}
