package netmon

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
)

// The sockaddrs of macOS, as its kernel writes them.
func in4(s string) []byte {
	a := netip.MustParseAddr(s).As4()
	return append([]byte{16, afInet, 0, 0}, append(a[:], make([]byte, 8)...)...)
}

func in6(s string) []byte {
	a := netip.MustParseAddr(s).As16()
	return slices.Concat([]byte{28, afInet6, 0, 0, 0, 0, 0, 0}, a[:], make([]byte, 4))
}

// mask4 and mask6 end with their last byte that is not zero; that of a default route has no length.
func mask4(b ...byte) []byte { return append([]byte{byte(4 + len(b)), 255, 255, 255}, b...) }

func mask6(ones int) []byte {
	b := []byte{byte(8 + (ones+7)/8), afInet6, 0, 0, 0, 0, 0, 0}
	for ; ones > 0; ones -= 8 {
		b = append(b, byte(0xff<<max(8-ones, 0)))
	}
	return b
}

// linkAddr is a sockaddr_dl: the gateway of what goes to the link itself.
func linkAddr(index byte) []byte {
	return append([]byte{20, 18, index, 0, 6}, make([]byte, 15)...)
}

// message is one of a dump. A nil address is not there.
func message(kind byte, index uint16, flags uint32, dst, gw, mask []byte) []byte {
	b := make([]byte, ribHeader)
	b[2], b[3] = ribVersion, kind
	binary.LittleEndian.PutUint16(b[4:], index)
	binary.LittleEndian.PutUint32(b[8:], flags)
	var addrs uint32
	for i, a := range [][]byte{dst, gw, mask} {
		if a == nil {
			continue
		}
		addrs |= 1 << i
		b = append(b, a...)
		for len(b)%4 != 0 {
			b = append(b, 0)
		}
	}
	binary.LittleEndian.PutUint32(b[12:], addrs)
	binary.LittleEndian.PutUint16(b, uint16(len(b)))
	return b
}

const wifi = rtfUp | rtfGateway

// laptop is the table of one on Wi-Fi and a cable, with what else stands in such a table.
var laptop = slices.Concat(
	message(rtmGet, 11, wifi, in4("0.0.0.0"), in4("192.0.2.1"), []byte{0, 0, 0, 0}),
	message(rtmGet, 4, wifi|rtfScoped, in4("0.0.0.0"), in4("198.51.100.1"), []byte{0, 0, 0, 0}),
	message(rtmGet, 11, rtfUp, in4("192.0.2.0"), linkAddr(11), mask4(255, 255, 255)),
	message(rtmGet, 11, rtfUp|rtfLLInfo|rtfWasCloned, in4("192.0.2.1"), linkAddr(11), nil),
	message(rtmGet, 1, rtfUp, in4("127.0.0.0"), in4("127.0.0.1"), mask4(255)),
	message(rtmGet, 11, rtfUp|rtfMulticast, in4("224.0.0.0"), linkAddr(11), mask4(240)),
	message(rtmGet, 4, rtfUp, in4("198.51.100.0"), linkAddr(4), mask4(255, 255, 255, 128)),
	message(rtmGet, 11, wifi, in6("::"), in6("fe80:b::1"), mask6(0)),
	message(rtmGet, 11, rtfUp, in6("2001:db8::"), linkAddr(11), mask6(64)),
	message(rtmGet, 11, rtfUp|rtfLocal, in6("2001:db8::7"), linkAddr(1), nil),
	message(rtmGet, 14, wifi, in4("203.0.113.9"), in4("10.9.0.1"), nil),
)

func TestReadRIB(t *testing.T) {
	want := []routeRow{
		{11, netip.MustParsePrefix("0.0.0.0/0"), netip.MustParseAddr("192.0.2.1"), 0},
		{4, netip.MustParsePrefix("0.0.0.0/0"), netip.MustParseAddr("198.51.100.1"), 1},
		{11, netip.MustParsePrefix("192.0.2.0/24"), netip.Addr{}, 0},
		{1, netip.MustParsePrefix("127.0.0.0/8"), netip.Addr{}, 0},
		{4, netip.MustParsePrefix("198.51.100.0/25"), netip.Addr{}, 0},
		{11, netip.MustParsePrefix("::/0"), netip.MustParseAddr("fe80::1"), 0},
		{11, netip.MustParsePrefix("2001:db8::/64"), netip.Addr{}, 0},
		{14, netip.MustParsePrefix("203.0.113.9/32"), netip.MustParseAddr("10.9.0.1"), 0},
	}
	if got := readRIB(laptop); !slices.Equal(got, want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
	got := pick([]linkRow{{4, "en4"}, {11, "en0"}},
		[]addressRow{{index: 11, addr: netip.MustParseAddr("192.0.2.10")}, {index: 11, addr: netip.MustParseAddr("fe80::7")}, {index: 11, addr: netip.MustParseAddr("2001:db8::7")}, {index: 4, addr: netip.MustParseAddr("198.51.100.7")}},
		readRIB(laptop))
	if len(got.Uplinks) != 2 || got.Uplinks[0].Name != "en0" || len(got.Uplinks[0].Local) != 2 || len(got.Uplinks[0].NextHop) != 2 || len(got.Uplinks[0].Routes) != 4 ||
		got.Uplinks[1].Name != "en4" || got.Uplinks[1].NextHop[0] != netip.MustParseAddr("198.51.100.1") {
		t.Errorf("uplinks %+v", got)
	}
}

func TestReadRIBLeavesOut(t *testing.T) {
	good := message(rtmGet, 11, wifi, in4("0.0.0.0"), in4("192.0.2.1"), nil)
	cut := func(n int) []byte { return good[:n] }
	set := func(at int, v byte) []byte { b := slices.Clone(good); b[at] = v; return b }
	for name, b := range map[string][]byte{
		"nothing": nil, "a piece": cut(3), "half a header": cut(50), "half an address": cut(ribHeader + 5), "no length": set(0, 0), "another version": set(2, 4),
		"a family that is none": set(ribHeader+1, 99), "an address longer than its message": set(ribHeader, 200),
		"a mask with a hole":        message(rtmGet, 11, wifi, in4("10.0.0.0"), in4("192.0.2.1"), mask4(255, 0, 255)),
		"a mask with a hole inside": message(rtmGet, 11, wifi, in4("10.0.0.0"), in4("192.0.2.1"), mask4(0xaf)),
		"down":                      message(rtmGet, 11, rtfGateway, in4("0.0.0.0"), in4("192.0.2.1"), nil),
		"refused":                   message(rtmGet, 11, wifi|rtfReject, in4("0.0.0.0"), in4("192.0.2.1"), nil),
		"no destination":            message(rtmGet, 11, wifi, nil, in4("192.0.2.1"), nil),
	} {
		if got := readRIB(b); len(got) != 0 {
			t.Errorf("%s: %v", name, got)
		}
		if got := readRIB(append(slices.Clone(b), good...)); len(got) > 1 {
			t.Errorf("%s before a good one: %v", name, got)
		}
	}
}

func TestChanges(t *testing.T) {
	short := func(kind byte) []byte {
		return []byte{20, 0, ribVersion, kind, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	}
	for name, c := range map[string]struct {
		b    []byte
		want bool
	}{
		"a default route":          {message(rtmAdd, 11, wifi, in4("0.0.0.0"), in4("192.0.2.1"), nil), true},
		"a route that goes":        {message(rtmDelete, 11, wifi, in4("0.0.0.0"), in4("192.0.2.1"), nil), true},
		"an address":               {short(rtmNewAddr), true},
		"an address that goes":     {short(rtmDelAddr), true},
		"an interface":             {short(rtmIfInfo), true},
		"a neighbour that is met":  {message(rtmAdd, 11, rtfUp|rtfLLInfo|rtfWasCloned, in4("192.0.2.9"), linkAddr(11), nil), false},
		"a lookup that failed":     {message(7, 11, 0, in4("192.0.2.9"), nil, nil), false},
		"a neighbour to be asked":  {message(11, 11, rtfUp, in4("192.0.2.9"), nil, nil), false},
		"what cannot be read":      {[]byte{1}, true},
		"a version of later times": {[]byte{20, 0, 9, rtmIfInfo}, true},
	} {
		if got := changes(c.b); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// FuzzReadRIB: whatever the bytes, each route is one, and each takes at least a header.
func FuzzReadRIB(f *testing.F) {
	f.Add(laptop)
	f.Add(laptop[:100])
	f.Fuzz(func(t *testing.T, b []byte) {
		list := readRIB(b)
		if len(list) > len(b)/ribHeader {
			t.Errorf("%d routes in %d bytes", len(list), len(b))
		}
		for _, r := range list {
			if !r.to.IsValid() || r.to != r.to.Masked() || r.index < 0 || r.metric < 0 || r.metric > 1 {
				t.Errorf("%+v", r)
			}
		}
		changes(b)
	})
}
