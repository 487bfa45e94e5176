package netmon

import (
	"encoding/binary"
	"log/slog"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
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

// attr is an attribute with its padding.
func attr(kind uint16, value ...byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(unix.SizeofRtAttr+len(value)))
	b = append(binary.NativeEndian.AppendUint16(b, kind), value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func number(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }

func routeIn(kind uint16, table byte) []byte {
	return rtnl(kind, unix.AF_INET, 24, 0, 0, table, 3, 0, 1, 0, 0, 0, 0)
}

// routeOf is one of a table with a large number.
func routeOf(kind uint16, table uint32, proto byte) []byte {
	body := append([]byte{unix.AF_INET6, 48, 0, 0, unix.RT_TABLE_COMPAT, proto, 0, 1, 0, 0, 0, 0}, attr(unix.RTA_DST, make([]byte, 16)...)...)
	return rtnl(kind, append(body, attr(unix.RTA_TABLE, number(table)...)...)...)
}

func ruleOf(kind uint16, priority uint32, proto byte) []byte {
	body := append(make([]byte, sizeofRule), attr(rulePriority, number(priority)...)...)
	return rtnl(kind, append(body, attr(ruleProtocol, proto)...)...)
}

func addressOn(kind uint16, index uint32) []byte {
	return rtnl(kind, append([]byte{unix.AF_INET, 24, 0, 0}, number(index)...)...)
}

func linkAt(index, flags uint32) []byte {
	return rtnl(unix.RTM_NEWLINK, append(append(append(make([]byte, 4), number(index)...), number(flags)...), make([]byte, 4)...)...)
}

func two(a, b []byte) []byte { return append(append([]byte{}, a...), b...) }

func TestMeaning(t *testing.T) {
	main, other := routeIn(unix.RTM_NEWROUTE, unix.RT_TABLE_MAIN), routeIn(unix.RTM_NEWROUTE, unix.RT_TABLE_COMPAT)
	cut := routeIn(unix.RTM_NEWROUTE, unix.RT_TABLE_LOCAL)
	for name, c := range map[string]struct {
		b    []byte
		want news
	}{
		"a route of the main table":                 {main, uplinks},
		"one that went":                             {routeIn(unix.RTM_DELROUTE, unix.RT_TABLE_MAIN), uplinks},
		"of a table with a large number":            {other, nothing},
		"of the kernel's own":                       {routeIn(unix.RTM_DELROUTE, unix.RT_TABLE_LOCAL), nothing},
		"of ours":                                   {routeOf(unix.RTM_NEWROUTE, platform.RouteTable, platform.RouteProto), nothing},
		"of ours, that went":                        {routeOf(unix.RTM_DELROUTE, platform.RouteTable, platform.RouteProto), removal},
		"of others in our table, that went":         {routeOf(unix.RTM_DELROUTE, platform.RouteTable, 3), nothing},
		"of another table, that went":               {routeOf(unix.RTM_DELROUTE, 7007, platform.RouteProto), nothing},
		"a rule that went":                          {ruleOf(unix.RTM_DELRULE, 31007, 3), nothing},
		"a rule":                                    {ruleOf(unix.RTM_NEWRULE, 31007, 3), nothing},
		"our rule":                                  {ruleOf(unix.RTM_NEWRULE, platform.RulePrioAll, platform.RouteProto), nothing},
		"our first rule went":                       {ruleOf(unix.RTM_DELRULE, platform.RulePrioMark, platform.RouteProto), removal},
		"our second rule went":                      {ruleOf(unix.RTM_DELRULE, platform.RulePrioAll, 0), removal},
		"a rule by our protocol went":               {ruleOf(unix.RTM_DELRULE, 7, platform.RouteProto), removal},
		"a rule that is cut off":                    {rtnl(unix.RTM_DELRULE, 2, 0, 0, 0), anything},
		"a rule without attributes went":            {rtnl(unix.RTM_DELRULE, make([]byte, sizeofRule)...), nothing},
		"a rule whose attribute is longer than all": {rtnl(unix.RTM_DELRULE, append(make([]byte, sizeofRule), 99, 0, 6, 0)...), nothing},
		"a link":                          {rtnl(unix.RTM_NEWLINK, make([]byte, 16)...), uplinks},
		"our link, up":                    {linkAt(9, unix.IFF_UP), uplinks},
		"our link, down":                  {linkAt(9, 0), anything},
		"another link, down":              {linkAt(8, 0), uplinks},
		"a link that is cut off":          {rtnl(unix.RTM_NEWLINK, 1, 2, 3, 4), anything},
		"an address":                      {addressOn(unix.RTM_NEWADDR, 9), uplinks},
		"an address went":                 {addressOn(unix.RTM_DELADDR, 8), uplinks},
		"an address of ours went":         {addressOn(unix.RTM_DELADDR, 9), anything},
		"an address that is cut off":      {rtnl(unix.RTM_DELADDR, 2, 0, 0, 0), anything},
		"two, the second of them matters": {two(other, main), uplinks},
		"two of others":                   {two(other, other), nothing},
		"two that differ":                 {two(main, ruleOf(unix.RTM_DELRULE, platform.RulePrioAll, platform.RouteProto)), anything},
		"nothing":                         {nil, nothing},
		"too short for a message":         {[]byte{1, 2, 3}, anything},
		"a route that is cut off":         {cut[:len(cut)-4], anything},
		"a length of nothing":             {make([]byte, 32), anything},
	} {
		if got := meaning(c.b, func() uint32 { return 9 }); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	if got := meaning(addressOn(unix.RTM_DELADDR, 0), func() uint32 { return 0 }); got != uplinks {
		t.Errorf("an address of no link, and no device: %d", got)
	}
}

// TestRemovals: what others take away of ours is counted, by the kernel's own messages, and what is theirs is not even looked at.
func TestRemovals(t *testing.T) {
	if !testenv.Namespace(t) {
		return
	}
	self := testenv.Self(t)
	ip := func(args ...string) { t.Helper(); self.Run(t, "ip", args...) }
	ip("tuntap", "add", "dev", platform.Interface, "mode", "tun")
	ip("link", "set", platform.Interface, "up")
	m, err := Open(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	told := uint64(0)
	for _, c := range []struct{ make, remove []string }{
		{[]string{"rule", "add", "priority", "18501", "lookup", "main", "protocol", "72"}, []string{"rule", "del", "priority", "18501"}},
		{[]string{"-6", "rule", "add", "priority", "18502", "lookup", "18502", "protocol", "72"}, []string{"-6", "rule", "flush", "protocol", "72"}},
		{[]string{"route", "add", "unreachable", "203.0.113.0/24", "table", "18502", "proto", "72"}, []string{"route", "flush", "table", "18502"}},
		{[]string{"-6", "route", "add", "unreachable", "2001:db8::/32", "table", "18502", "proto", "72"}, []string{"-6", "route", "flush", "table", "18502"}},
		{[]string{"addr", "add", "10.9.0.2/24", "dev", platform.Interface}, []string{"addr", "del", "10.9.0.2/24", "dev", platform.Interface}},
		{[]string{"addr", "add", "2001:db8::2/64", "dev", platform.Interface, "nodad"}, []string{"addr", "flush", "dev", platform.Interface, "to", "2001:db8::2"}},
		{[]string{"link", "set", platform.Interface, "mtu", "1300"}, []string{"link", "set", platform.Interface, "down"}},
	} {
		ip(c.make...)
		ip("rule", "add", "priority", "31007", "lookup", "7007") // others come and go
		ip("rule", "del", "priority", "31007")
		time.Sleep(noisePause + noisePause/2)
		if got := m.Snapshot().Removals; got != told {
			t.Errorf("%v: %d removals, %d before", c.make, got, told)
		}
		ip(c.remove...)
		for late := time.Now().Add(10 * time.Second); m.Snapshot().Removals == told; time.Sleep(time.Millisecond) {
			if time.Now().After(late) {
				t.Fatalf("%v: not noticed", c.remove)
			}
		}
		time.Sleep(noisePause) // the rest of it
		told = m.Snapshot().Removals
	}
	select {
	case s := <-m.Changes():
		if s.Removals != told {
			t.Errorf("told %d", s.Removals)
		}
	case <-time.After(10 * time.Second):
		t.Error("nobody was told")
	}
}

// FuzzMeaning: whatever comes is read to an end.
func FuzzMeaning(f *testing.F) {
	f.Add(routeOf(unix.RTM_DELROUTE, platform.RouteTable, platform.RouteProto))
	f.Add(two(routeIn(unix.RTM_NEWROUTE, unix.RT_TABLE_LOCAL), rtnl(unix.RTM_NEWLINK, 1)))
	f.Add(two(ruleOf(unix.RTM_DELRULE, platform.RulePrioAll, platform.RouteProto), addressOn(unix.RTM_DELADDR, 9)))
	f.Fuzz(func(_ *testing.T, b []byte) { meaning(b, func() uint32 { return 9 }) })
}
