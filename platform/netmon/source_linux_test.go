package netmon

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"
)

// rtnl is one of rtnetlink.
func rtnl(kind uint16, body ...byte) []byte {
	b := make([]byte, unix.SizeofNlMsghdr, 64)
	b = append(b, body...)
	binary.NativeEndian.PutUint32(b, uint32(len(b)))
	binary.NativeEndian.PutUint16(b[4:], kind)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func routeIn(kind uint16, table byte) []byte {
	return rtnl(kind, unix.AF_INET, 24, 0, 0, table, 3, 0, 1, 0, 0, 0, 0)
}

func TestWhatMatters(t *testing.T) {
	main, other := routeIn(unix.RTM_NEWROUTE, unix.RT_TABLE_MAIN), routeIn(unix.RTM_NEWROUTE, unix.RT_TABLE_COMPAT)
	cut := routeIn(unix.RTM_NEWROUTE, unix.RT_TABLE_LOCAL)
	for name, c := range map[string]struct {
		b    []byte
		want bool
	}{
		"a route of the main table":       {main, true},
		"one that went":                   {routeIn(unix.RTM_DELROUTE, unix.RT_TABLE_MAIN), true},
		"of a table with a large number":  {other, false},
		"of the kernel's own":             {routeIn(unix.RTM_DELROUTE, unix.RT_TABLE_LOCAL), false},
		"a link":                          {rtnl(unix.RTM_NEWLINK, make([]byte, 16)...), true},
		"an address":                      {rtnl(unix.RTM_DELADDR, make([]byte, 8)...), true},
		"two, the second of them matters": {append(append([]byte{}, other...), main...), true},
		"two of others":                   {append(append([]byte{}, other...), other...), false},
		"nothing":                         {nil, false},
		"too short for a message":         {[]byte{1, 2, 3}, true},
		"a route that is cut off":         {cut[:len(cut)-4], true},
		"a length of nothing":             {make([]byte, 32), true},
	} {
		if got := matters(c.b); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// FuzzMatters: whatever comes is read to an end.
func FuzzMatters(f *testing.F) {
	f.Add(routeIn(unix.RTM_NEWROUTE, unix.RT_TABLE_COMPAT))
	f.Add(append(routeIn(unix.RTM_NEWROUTE, unix.RT_TABLE_LOCAL), rtnl(unix.RTM_NEWLINK, 1)...))
	f.Fuzz(func(_ *testing.T, b []byte) { matters(b) })
}
