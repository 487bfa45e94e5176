package native

import (
	"net"
	"net/netip"
	"testing"
)

// TestGuest: whoever runs it can connect and look up, without a mark and without a journal.
func TestGuest(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d := Guest(t.TempDir())
	addrs, err := d.Lookup(t.Context(), "127.0.0.1")
	if err != nil || len(addrs) != 1 {
		t.Fatalf("%v, %v", addrs, err)
	}
	c, err := d.DialTCP(t.Context(), netip.AddrPortFrom(addrs[0], netip.MustParseAddrPort(l.Addr().String()).Port()), 0, "", netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
