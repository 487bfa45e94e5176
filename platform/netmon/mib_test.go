package netmon

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
)

// inet is a SOCKADDR_INET.
func inet(s string) []byte {
	b := make([]byte, 28)
	a := netip.MustParseAddr(s)
	if a.Is4() {
		b[0] = winInet
		copy(b[4:], a.AsSlice())
	} else {
		b[0] = winInet6
		copy(b[8:], a.AsSlice())
	}
	return b
}

// winRoute is a MIB_IPFORWARD_ROW2.
func winRoute(index uint32, to, via string, metric uint32, loopback byte) []byte {
	p := netip.MustParsePrefix(to)
	b := make([]byte, forwardRow)
	binary.LittleEndian.PutUint32(b[forwardIf:], index)
	copy(b[forwardTo:], inet(p.Addr().String()))
	b[forwardLen] = byte(p.Bits())
	copy(b[forwardHop:], inet(via))
	binary.LittleEndian.PutUint32(b[forwardM:], metric)
	b[forwardLo] = loopback
	return b
}

// winAddr is a MIB_UNICASTIPADDRESS_ROW.
func winAddr(index uint32, addr string, dad uint32) []byte {
	b := make([]byte, unicastRow)
	copy(b, inet(addr))
	binary.LittleEndian.PutUint32(b[unicastIf:], index)
	binary.LittleEndian.PutUint32(b[unicastDAD:], dad)
	return b
}

func winTable(list ...[]byte) []byte {
	b := make([]byte, mibTable)
	binary.LittleEndian.PutUint32(b, uint32(len(list)))
	return append(b, slices.Concat(list...)...)
}

// desktop is the table of a machine with a cable (7) and Wi-Fi (12).
var desktop = winTable(
	winRoute(12, "0.0.0.0/0", "192.0.2.1", 0, 0),
	winRoute(7, "0.0.0.0/0", "198.51.100.1", 0, 0),
	winRoute(1, "127.0.0.0/8", "0.0.0.0", 256, 1),
	winRoute(7, "198.51.100.0/24", "0.0.0.0", 256, 0),
	winRoute(7, "198.51.100.7/32", "0.0.0.0", 256, 0),
	winRoute(7, "198.51.100.255/32", "0.0.0.0", 256, 0),
	winRoute(7, "224.0.0.0/4", "0.0.0.0", 256, 0),
	winRoute(7, "255.255.255.255/32", "0.0.0.0", 256, 0),
	winRoute(7, "::/0", "fe80::1", 256, 0),
	winRoute(7, "2001:db8::/64", "::", 256, 0),
	winRoute(7, "ff00::/8", "::", 256, 0),
	winRoute(12, "203.0.113.9/32", "192.0.2.9", 5, 0),
)

// metrics are those of the interfaces: the cable is better.
func metrics(index int, four bool) int {
	switch {
	case index == 7 && four:
		return 25
	case index == 7:
		return 30
	}
	return 45
}

func TestReadForward(t *testing.T) {
	want := []routeRow{
		{12, netip.MustParsePrefix("0.0.0.0/0"), netip.MustParseAddr("192.0.2.1"), 45},
		{7, netip.MustParsePrefix("0.0.0.0/0"), netip.MustParseAddr("198.51.100.1"), 25},
		{7, netip.MustParsePrefix("198.51.100.0/24"), netip.Addr{}, 281},
		{7, netip.MustParsePrefix("::/0"), netip.MustParseAddr("fe80::1"), 286},
		{7, netip.MustParsePrefix("2001:db8::/64"), netip.Addr{}, 286},
		{12, netip.MustParsePrefix("203.0.113.9/32"), netip.MustParseAddr("192.0.2.9"), 50},
	}
	if got := readForward(desktop, metrics); !slices.Equal(got, want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
	addrs := readUnicast(winTable(winAddr(7, "198.51.100.7", dadPreferred), winAddr(7, "2001:db8::8", dadDeprecated), winAddr(7, "2001:db8::7", dadPreferred),
		winAddr(7, "2001:db8::9", 1), winAddr(12, "192.0.2.10", dadPreferred), winAddr(12, "fe80::2", dadPreferred), winAddr(1, "127.0.0.1", dadPreferred)))
	s := pick([]linkRow{{12, "Wi-Fi"}, {7, "Ethernet"}}, addrs, readForward(desktop, metrics))
	if len(s.Uplinks) != 2 || s.Uplinks[0].Name != "Ethernet" || s.Uplinks[1].Name != "Wi-Fi" {
		t.Fatalf("uplinks %+v", s)
	}
	if u := s.Uplinks[0]; !slices.Equal(u.Local, []netip.Addr{netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("2001:db8::7"), netip.MustParseAddr("2001:db8::8")}) ||
		!slices.Equal(u.NextHop, []netip.Addr{netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("fe80::1")}) {
		t.Errorf("the cable: %+v", u)
	}
	if u := s.Uplinks[1]; len(u.Local) != 1 || len(u.Routes) != 2 {
		t.Errorf("the Wi-Fi: %+v", u)
	}
}

// A table that says more rows than there are, or rows that say nonsense.
func TestMIBLeavesOut(t *testing.T) {
	long := slices.Clone(desktop)
	binary.LittleEndian.PutUint32(long, 1<<31)
	if got := readForward(long, metrics); len(got) != 6 {
		t.Errorf("%d routes", len(got))
	}
	wide := winRoute(7, "10.0.0.0/8", "0.0.0.0", 0, 0)
	wide[forwardLen] = 33
	strange := winRoute(7, "10.0.0.0/8", "0.0.0.0", 0, 0)
	strange[forwardTo] = 99
	if got := readForward(winTable(wide, strange), metrics); len(got) != 0 {
		t.Errorf("%v", got)
	}
	for _, b := range [][]byte{nil, {1}, {1, 0, 0, 0, 0, 0, 0, 0}, {255, 255, 255, 255, 0, 0, 0, 0, 1}} {
		if len(readForward(b, metrics))+len(readUnicast(b)) != 0 {
			t.Errorf("%v", b)
		}
	}
}

// FuzzMIB: whatever the bytes, what is read is in bounds.
func FuzzMIB(f *testing.F) {
	f.Add(desktop)
	f.Add(winTable(winAddr(7, "2001:db8::7", dadPreferred)))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, r := range readForward(b, metrics) {
			if !r.to.IsValid() || r.to != r.to.Masked() || r.metric < 0 {
				t.Errorf("%+v", r)
			}
		}
		for _, a := range readUnicast(b) {
			if !a.addr.IsValid() {
				t.Errorf("%+v", a)
			}
		}
	})
}
