package protocol

import (
	"fmt"
	"net/netip"
	"testing"
)

func TestFamilies(t *testing.T) {
	var addrs []netip.Addr
	for _, s := range []string{"2001:db8::1", "192.0.2.1", "::ffff:192.0.2.2", "2001:db8::2"} {
		addrs = append(addrs, netip.MustParseAddr(s))
	}
	for text, want := range map[string]string{
		"":          "[2001:db8::1 192.0.2.1 ::ffff:192.0.2.2 2001:db8::2]",
		"both":      "[2001:db8::1 192.0.2.1 ::ffff:192.0.2.2 2001:db8::2]",
		"IPv4":      "[192.0.2.1 ::ffff:192.0.2.2]",
		"IPv6":      "[2001:db8::1 2001:db8::2]",
		"IPv4,IPv6": "[192.0.2.1 ::ffff:192.0.2.2 2001:db8::1 2001:db8::2]",
		"IPv6,IPv4": "[2001:db8::1 2001:db8::2 192.0.2.1 ::ffff:192.0.2.2]",
	} {
		if got := fmt.Sprint(ParseFamilies(text).Of(addrs)); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	if fmt.Sprint(addrs) != "[2001:db8::1 192.0.2.1 ::ffff:192.0.2.2 2001:db8::2]" {
		t.Errorf("the list given was changed: %v", addrs)
	}
}
