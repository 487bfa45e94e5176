package undo

import (
	"errors"
	"fmt"
	"hash/crc32"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/platform/undo/resolvconf"
)

// examples has one entry of each kind.
var examples = []Entry{
	{Kind: KindLink},
	{Kind: KindAddress, Prefix: netip.MustParsePrefix("10.9.0.5/24")},
	{Kind: KindRoute, Prefix: netip.MustParsePrefix("2001:db8::/32")},
	{Kind: KindRule, Family: 6, Priority: 18502},
	{Kind: KindSysctl, Name: RPFilter, Old: "1", New: "2"},
	{Kind: KindResolv, Resolv: &Resolv{Was: resolvconf.File{Kind: resolvconf.Link, Target: "../run/x"}, Wrote: [][]byte{[]byte("nameserver 10.9.0.1\n")}}},
	{Kind: KindResolv, Resolv: &Resolv{Was: resolvconf.File{Kind: resolvconf.Link, Target: "../run/x"}, Stub: true}},
	{Kind: KindLinkDNS, Names: &Names{Were: []netip.Addr{netip.MustParseAddr("192.0.2.1")}, Are: []netip.Addr{netip.MustParseAddr("2001:db8::53")}}},
	{Kind: KindRecord, Names: &Names{Are: []netip.Addr{netip.MustParseAddr("10.9.0.1")}}},
}

func encode(t testing.TB, records ...record) []byte {
	t.Helper()
	var b []byte
	for _, r := range records {
		var err error
		if b, err = appendRecord(b, r); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// line is a record's line with a right checksum, whatever the body is.
func line(body string) string {
	return fmt.Sprintf("%08x %s\n", crc32.Checksum([]byte(body), castagnoli), body)
}

func TestRecordRoundTrip(t *testing.T) {
	b := encode(t, record{SlotTun, examples[:1]}, record{SlotRouter, nil}, record{SlotRouter, examples[1:5]}, record{SlotDNS, examples[5:]})
	slots, err := parse(b)
	want := map[Slot][]Entry{SlotTun: examples[:1], SlotRouter: examples[1:5], SlotDNS: examples[5:]}
	if err != nil || !reflect.DeepEqual(slots, want) {
		t.Errorf("parse = %v, %v; want %v", slots, err, want)
	}
}

func TestParseTornAtEveryByte(t *testing.T) {
	first := encode(t, record{SlotRouter, examples[3:4]})
	whole := append(first, encode(t, record{SlotRouter, examples[1:5]})...)
	for n := len(first) + 1; n < len(whole); n++ {
		slots, err := parse(whole[:n])
		if !errors.Is(err, ErrTorn) || !reflect.DeepEqual(slots[SlotRouter], examples[3:4]) {
			t.Fatalf("cut at byte %d: %v, %v", n, slots, err)
		}
	}
	for n := len(first); n < len(whole)-1; n++ {
		damaged := append([]byte(nil), whole...)
		damaged[n] ^= 1
		if slots, err := parse(damaged); !errors.Is(err, ErrTorn) || !reflect.DeepEqual(slots[SlotRouter], examples[3:4]) {
			t.Fatalf("damaged at byte %d: %v, %v", n, slots, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ name, body string }{
		{"an unknown slot", `{"slot":"files","entries":[]}`},
		{"an unknown kind", `{"slot":"dns","entries":[{"kind":"file"}]}`},
		{"a path", `{"slot":"dns","entries":[{"kind":"resolv.conf","path":"/etc/shadow"}]}`},
		{"a setting that is not listed", `{"slot":"router","entries":[{"kind":"sysctl","name":"kernel.core_pattern","old":"0","new":"1"}]}`},
		{"a setting that is a path", `{"slot":"router","entries":[{"kind":"sysctl","name":"../../kernel/core_pattern","old":"0","new":"1"}]}`},
		{"a value that is none of the setting's", `{"slot":"router","entries":[{"kind":"sysctl","name":"` + RPFilter + `","old":"|/bin/sh","new":"2"}]}`},
		{"a rule that is not ours", `{"slot":"router","entries":[{"kind":"rule","family":4,"priority":32766}]}`},
		{"a rule of no family", `{"slot":"router","entries":[{"kind":"rule","priority":18501}]}`},
		{"a route without a destination", `{"slot":"router","entries":[{"kind":"route"}]}`},
		{"a prefix that is none", `{"slot":"router","entries":[{"kind":"route","prefix":"10.0.0.0/99"}]}`},
		{"a resolv.conf without contents", `{"slot":"dns","entries":[{"kind":"resolv.conf"}]}`},
		{"a resolv.conf with a setuid mode", `{"slot":"dns","entries":[{"kind":"resolv.conf","resolv":{"was":{"kind":"file","mode":2541},"wrote":["eA=="]}}]}`},
		{"a resolv.conf of no kind", `{"slot":"dns","entries":[{"kind":"resolv.conf","resolv":{"was":{"kind":"device"},"wrote":["eA=="]}}]}`},
		{"a link without a target", `{"slot":"dns","entries":[{"kind":"resolv.conf","resolv":{"was":{"kind":"link"},"wrote":["eA=="]}}]}`},
		{"a link's servers without the servers", `{"slot":"dns","entries":[{"kind":"link dns"}]}`},
		{"a record of another name", `{"slot":"dns","entries":[{"kind":"resolvconf","names":{"were":[],"are":[]},"record":"eth0"}]}`},
		{"too many servers", `{"slot":"dns","entries":[{"kind":"resolvconf","names":{"were":[` + strings.Repeat(`"192.0.2.1",`, MaxNames) + `"192.0.2.1"],"are":[]}}]}`},
		{"a server that is none", `{"slot":"dns","entries":[{"kind":"link dns","names":{"were":["ns.example"],"are":[]}}]}`},
		{"too many contents", `{"slot":"dns","entries":[{"kind":"resolv.conf","resolv":{"was":{"kind":"absent"},"wrote":["","",""]}}]}`},
		{"too many entries", `{"slot":"tun","entries":[` + strings.Repeat(`{"kind":"link"},`, maxEntries) + `{"kind":"link"}]}`},
		{"two values", `{"slot":"tun","entries":[]}{}`},
		{"no object", `[]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if slots, err := parse([]byte(line(c.body))); !errors.Is(err, ErrTorn) || len(slots) != 0 {
				t.Errorf("parse = %v, %v", slots, err)
			}
		})
	}
	if _, err := parse(make([]byte, maxFile+1)); !errors.Is(err, ErrTorn) {
		t.Errorf("a file that is too long: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(encode(f, record{SlotRouter, examples[1:5]}, record{SlotDNS, examples[5:]}))
	f.Add([]byte(line(`{"slot":"tun","entries":[{"kind":"link"}]}`)))
	f.Add([]byte("00000000 {}\n"))
	f.Add([]byte("short"))
	f.Fuzz(func(t *testing.T, b []byte) {
		slots, _ := parse(b)
		for s, entries := range slots {
			again, err := parse(encode(t, record{s, entries}))
			if err != nil || len(again[s]) != len(entries) {
				t.Errorf("what was read is not what would be written: %v, %v", entries, err)
			}
			for _, e := range entries {
				if e.String() == "unknown change" {
					t.Errorf("%+v has no name", e)
				}
			}
		}
	})
}

// FuzzRecord reaches behind the checksum.
func FuzzRecord(f *testing.F) {
	f.Add(`{"slot":"router","entries":[{"kind":"rule","family":4,"priority":18501}]}`)
	f.Add(`{"slot":"dns","entries":[{"kind":"resolv.conf","resolv":{"was":{"kind":"absent"},"wrote":["eA=="]}}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		if strings.Contains(body, "\n") {
			return
		}
		slots, err := parse([]byte(line(body)))
		if err == nil && len(slots) != 1 {
			t.Errorf("%d slots of one record", len(slots))
		}
	})
}
