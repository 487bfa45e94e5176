package dataplane

import (
	"encoding/binary"
	"testing"
)

// syn makes an IPv4 SYN with an MSS option, pad bytes of NOP before it, and a right checksum.
func syn(mss uint16, pad int) []byte { return makeSYN(false, mss, pad) }

func makeSYN(v6 bool, mss uint16, pad int) []byte {
	opts := (pad + 4 + 3) / 4 * 4
	hl := ipv4Len
	if v6 {
		hl = ipv6Len
	}
	p := make([]byte, hl+tcpLen+opts)
	if v6 {
		p[0], p[6] = 0x60, protoTCP
		binary.BigEndian.PutUint16(p[4:], uint16(tcpLen+opts))
		p[23], p[39] = 1, 2
	} else {
		p[0], p[9] = 0x45, protoTCP
		binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
		copy(p[12:], []byte{10, 0, 0, 1, 10, 0, 0, 2})
	}
	tcp := p[hl:]
	binary.BigEndian.PutUint32(tcp[4:], 0xdeadbeef)
	tcp[12], tcp[13] = byte((tcpLen+opts)/4)<<4, flagSYN
	for i := range pad {
		tcp[tcpLen+i] = optNop
	}
	tcp[tcpLen+pad], tcp[tcpLen+pad+1] = optMSS, mssOptLen
	binary.BigEndian.PutUint16(tcp[tcpLen+pad+2:], mss)
	binary.BigEndian.PutUint16(tcp[16:], ^sum(p, hl))
	return p
}

// sum is the ones' complement sum of pseudo header and segment: 0xffff when the checksum in it is right.
func sum(p []byte, hl int) uint16 {
	addrs, n := p[12:20], uint32(len(p)-hl)
	if hl == ipv6Len {
		addrs = p[8:40]
	}
	s := n + protoTCP
	for _, part := range [][]byte{addrs, p[hl:]} {
		for i := 0; i < len(part); i += 2 {
			w := uint32(part[i]) << 8
			if i+1 < len(part) {
				w |= uint32(part[i+1])
			}
			s += w
		}
	}
	for s > 0xffff {
		s = s&0xffff + s>>16
	}
	return uint16(s)
}

func TestClampMSS(t *testing.T) {
	for _, c := range []struct {
		name      string
		v6        bool
		mss, want uint16
		pad       int
	}{
		{"larger", false, 1460, 1360, 0},
		{"larger, IPv6", true, 1440, 1340, 0},
		{"equal", false, 1360, 1360, 0},
		{"smaller stays", false, 536, 536, 0},
		{"at an odd place", false, 1460, 1360, 1},
		{"at an odd place, IPv6", true, 65535, 1340, 3},
		{"behind other options", false, 1460, 1360, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, hl := makeSYN(c.v6, c.mss, c.pad), ipv4Len
			if c.v6 {
				hl = ipv6Len
			}
			if sum(p, hl) != 0xffff {
				t.Fatal("the test's own checksum is wrong")
			}
			clampMSS(p, 1400)
			if got := binary.BigEndian.Uint16(p[hl+tcpLen+c.pad+2:]); got != c.want {
				t.Errorf("the MSS is %d, want %d", got, c.want)
			}
			if got := sum(p, hl); got != 0xffff {
				t.Errorf("the checksum is wrong: %04x", got)
			}
		})
	}
}

func TestClampLeavesAlone(t *testing.T) {
	for name, change := range map[string]func(p []byte){
		"no SYN":            func(p []byte) { p[ipv4Len+13] = 0x10 },
		"UDP":               func(p []byte) { p[9] = 17 },
		"a later fragment":  func(p []byte) { p[7] = 1 },
		"header too long":   func(p []byte) { p[0] = 0x4f },
		"options too long":  func(p []byte) { p[ipv4Len+12] = 0xf0 },
		"an option of zero": func(p []byte) { p[ipv4Len+tcpLen], p[ipv4Len+tcpLen+1] = 8, 0 },
		"the list ended":    func(p []byte) { p[ipv4Len+tcpLen] = optEnd },
	} {
		p := syn(1460, 0)
		change(p)
		was := string(p)
		if clampMSS(p, 1400); string(p) != was {
			t.Errorf("%s: changed", name)
		}
	}
}

func FuzzClampMSS(f *testing.F) {
	f.Add(syn(1460, 0), 1400)
	f.Add(makeSYN(true, 1440, 3), 1280)
	f.Add([]byte{0x45}, 0)
	f.Fuzz(func(t *testing.T, p []byte, mtu int) {
		if !valid(p) {
			return
		}
		hl := ipv6Len
		if p[0]>>4 == 4 {
			hl = int(p[0]&0x0f) * 4
		}
		n, before := len(p), uint16(0)
		whole := len(p) > hl && hl >= ipv4Len
		if whole {
			before = sumAny(p[hl:])
		}
		clampMSS(p, mtu%65536)
		if len(p) != n || whole && !sameSum(before, sumAny(p[hl:])) {
			t.Fatalf("the sum was %04x and is %04x", before, sumAny(p[hl:]))
		}
	})
}

func sumAny(b []byte) uint16 {
	s := uint32(0)
	for i, c := range b {
		s += uint32(c) << (8 * (1 - i%2))
		s = s&0xffff + s>>16
	}
	return uint16(s)
}

// sameSum compares ones' complement sums, in which there are two zeroes.
func sameSum(a, b uint16) bool { return a == b || a+b == 0xffff && (a == 0 || b == 0) }

func TestClampDoesNotAllocate(t *testing.T) {
	p := syn(1460, 1)
	if n := testing.AllocsPerRun(1000, func() { clampMSS(p, 1400) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
