package queue

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
)

const room = 64 // before a packet in its buffer

// flowOf describes a packet to be made.
type flowOf struct {
	six, udp bool
	port     uint16
	seq, ack uint32
	options  int
	flags    byte
	payload  int
}

// make is a packet with right checksums, in a buffer with room before it.
func (f flowOf) make(fill byte) []byte {
	ip, transport, proto := ipv4Len, tcpLen+f.options, byte(protoTCP)
	if f.six {
		ip = ipv6Len
	}
	if f.udp {
		transport, proto = udpLen, protoUDP
	}
	b := make([]byte, room+ip+transport+f.payload)
	p := b[room:]
	if f.six {
		p[0], p[6], p[7] = 0x60, proto, 64
		binary.BigEndian.PutUint16(p[4:], uint16(transport+f.payload))
		copy(p[8:], bytes.Repeat([]byte{0x20, 1, 0xd, 0xb8}, 8))
	} else {
		p[0], p[6], p[8], p[9] = 0x45, 0x40, 64, proto
		binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
		copy(p[12:], []byte{10, 0, 0, 1, 10, 0, 0, 2})
		binary.BigEndian.PutUint16(p[10:], ^fold(sum(p[:ipv4Len], 0)))
	}
	t := p[ip:]
	binary.BigEndian.PutUint16(t, f.port)
	binary.BigEndian.PutUint16(t[2:], 443)
	for i := range f.payload {
		t[transport+i] = fill + byte(i)
	}
	at := csumTCP
	if f.udp {
		at = csumUDP
		binary.BigEndian.PutUint16(t[4:], uint16(len(t)))
	} else {
		binary.BigEndian.PutUint32(t[4:], f.seq)
		binary.BigEndian.PutUint32(t[8:], f.ack)
		t[12], t[13] = byte(transport/4)<<4, f.flags|flagACK
		binary.BigEndian.PutUint16(t[14:], 1000)
		for i := range f.options {
			t[tcpLen+i] = 1
		}
	}
	binary.BigEndian.PutUint16(t[at:], ^fold(sum(t, pseudo(p, proto, len(t)))))
	return b
}

// whole is what the device gets of a run, in one piece.
func whole(m *merger, r *run, bufs [][]byte) []byte {
	b := append([]byte(nil), bufs[r.first][room-vnetLen:]...)
	for i := r.first; i != r.last; {
		i = int(m.next[i])
		b = append(b, bufs[i][room+r.headers:]...)
	}
	return b
}

// TestRoundTrip: what merge puts together split takes apart again, to the last bit but IPv4's identification.
func TestRoundTrip(t *testing.T) {
	for name, f := range map[string]flowOf{
		"TCP over IPv4": {payload: 1348, options: 12}, "TCP over IPv6": {six: true, payload: 1220, options: 12}, "no options, odd size": {payload: 333},
		"UDP over IPv4": {udp: true, payload: 1200}, "UDP over IPv6": {udp: true, six: true, payload: 1199},
	} {
		t.Run(name, func(t *testing.T) {
			var bufs, want [][]byte
			f.port = 5
			for i := range 40 {
				if i == 39 {
					f.payload, f.flags = f.payload/2, flagPSH
				}
				b := f.make(byte(i))
				bufs, want = append(bufs, b), append(want, append([]byte(nil), b[room:]...))
				f.seq += uint32(f.payload)
			}
			m := &merger{udp: true}
			m.merge(bufs, room)
			if len(m.runs) != 1 || m.runs[0].count != 40 {
				t.Fatalf("%d runs, the first of %d", len(m.runs), m.runs[0].count)
			}
			r := &m.runs[0]
			r.finish(bufs[0][room:]).put(bufs[0][room-vnetLen:])
			var s splitter
			if err := s.load(whole(m, r, bufs)); err != nil {
				t.Fatal(err)
			}
			dst := make([]byte, 2048)
			for i := 0; s.more(); i++ {
				n, err := s.next(dst)
				if err != nil {
					t.Fatal(err)
				}
				got := dst[:n]
				if !f.six {
					if fold(sum(got[:ipv4Len], 0)) != 0xffff {
						t.Fatalf("packet %d: wrong IPv4 checksum", i)
					}
					copy(got[4:6], want[i][4:6])
					copy(got[10:12], want[i][10:12])
				}
				if !bytes.Equal(got, want[i]) {
					t.Fatalf("packet %d of %d bytes differs:\n%x\n%x", i, n, got[:64], want[i][:64])
				}
			}
		})
	}
}

// TestMergeRefuses: what a receiver would see the difference of is not merged, and nothing passes what came before it in its flow.
func TestMergeRefuses(t *testing.T) {
	base := flowOf{port: 5, payload: 1000, seq: 100}
	second := base
	second.seq += 1000
	for name, change := range map[string]func(*flowOf, []byte){
		"a gap":                      func(f *flowOf, _ []byte) { f.seq++ },
		"another port":               func(f *flowOf, _ []byte) { f.port++ },
		"a longer one":               func(f *flowOf, _ []byte) { f.payload++ },
		"another acknowledgement":    func(f *flowOf, _ []byte) { f.ack++ },
		"FIN":                        func(f *flowOf, _ []byte) { f.flags = flagFIN },
		"options":                    func(f *flowOf, _ []byte) { f.options = 12 },
		"no payload":                 func(f *flowOf, _ []byte) { f.payload = 0 },
		"a wrong checksum":           func(_ *flowOf, p []byte) { p[len(p)-1]++ },
		"another hop limit":          func(_ *flowOf, p []byte) { p[8]-- },
		"another traffic class":      func(_ *flowOf, p []byte) { p[1] = 3 },
		"a fragment":                 func(_ *flowOf, p []byte) { p[6] = 0x20 },
		"IPv4 options":               func(_ *flowOf, p []byte) { p[0] = 0x46 },
		"a length that is not it":    func(_ *flowOf, p []byte) { p[3]-- },
		"TCP header past its end":    func(_ *flowOf, p []byte) { p[32] = 0xf0; copy(p[20:], p[20:24]) },
		"TCP header of no length":    func(_ *flowOf, p []byte) { p[32] = 0 },
		"neither TCP nor UDP":        func(_ *flowOf, p []byte) { p[9] = 47 },
		"a window that differs":      func(_ *flowOf, p []byte) { p[34]++ },
		"congestion was experienced": func(_ *flowOf, p []byte) { p[33] |= flagCWR },
	} {
		t.Run(name, func(t *testing.T) {
			f := second
			change(&f, make([]byte, 4096))
			odd := f.make(1)
			change(&flowOf{}, odd[room:])
			third := second
			third.seq = f.seq + uint32(f.payload)
			m := &merger{udp: true}
			m.merge([][]byte{base.make(0), odd, third.make(2)}, room)
			if m.runs[0].count != 1 {
				t.Error("merged with the first")
			}
			seen := 0
			for _, r := range m.runs {
				seen += r.count
			}
			if seen != 3 {
				t.Errorf("%d packets are left", seen)
			}
		})
	}
}

// TestFlowsTakeTurns: packets of several flows that alternate make a run each, in order.
func TestFlowsTakeTurns(t *testing.T) {
	var bufs [][]byte
	for i := range 30 {
		bufs = append(bufs, flowOf{port: uint16(i % 3), payload: 500, seq: uint32(i/3) * 500}.make(byte(i)))
	}
	m := &merger{}
	m.merge(bufs, room)
	if len(m.runs) != 3 || m.runs[0].count != 10 || m.runs[2].count != 10 {
		t.Errorf("%+v", m.runs)
	}
}

// TestAcknowledgements: a later one stands for those before it, where it says everything that they did.
func TestAcknowledgements(t *testing.T) {
	at := func(ack uint32, change func(*flowOf)) flowOf {
		f := flowOf{port: 5, seq: 7, ack: ack}
		if change != nil {
			change(&f)
		}
		return f
	}
	for name, c := range map[string]struct {
		packets []flowOf
		want    []uint32 // the acknowledgements that are written
	}{
		"rising":            {[]flowOf{at(1000, nil), at(2000, nil), at(3000, nil)}, []uint32{3000}},
		"past the wrap":     {[]flowOf{at(0xffffff00, nil), at(100, nil)}, []uint32{100}},
		"a loss":            {[]flowOf{at(1000, nil), at(1000, nil), at(1000, nil), at(2000, nil)}, []uint32{1000, 1000, 2000}},
		"an old one":        {[]flowOf{at(2000, nil), at(1000, nil)}, []uint32{2000, 1000}},
		"too far":           {[]flowOf{at(0, nil), at(60000, nil), at(70000, nil)}, []uint32{60000, 70000}},
		"two flows":         {[]flowOf{at(1, nil), at(1, func(f *flowOf) { f.port = 6 }), at(2, nil), at(2, func(f *flowOf) { f.port = 6 })}, []uint32{2, 2}},
		"data between":      {[]flowOf{at(1, nil), at(1, func(f *flowOf) { f.payload = 9 }), at(2, func(f *flowOf) { f.seq = 16 })}, []uint32{1, 1, 2}},
		"other options":     {[]flowOf{at(1, func(f *flowOf) { f.options = 8 }), at(2, func(f *flowOf) { f.options = 8 })}, []uint32{1, 2}},
		"PSH":               {[]flowOf{at(1, nil), at(2, func(f *flowOf) { f.flags = flagPSH })}, []uint32{1, 2}},
		"FIN":               {[]flowOf{at(1, nil), at(2, func(f *flowOf) { f.flags = flagFIN })}, []uint32{1, 2}},
		"over IPv6 as well": {[]flowOf{at(1, func(f *flowOf) { f.six = true }), at(2, func(f *flowOf) { f.six = true })}, []uint32{2}},
	} {
		t.Run(name, func(t *testing.T) {
			var bufs [][]byte
			for _, f := range c.packets {
				bufs = append(bufs, f.make(0))
			}
			m := &merger{}
			m.merge(bufs, room)
			var got []uint32
			for _, r := range m.runs {
				got = append(got, binary.BigEndian.Uint32(bufs[r.first][room+r.transport+8:]))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%d, not %d", got, c.want)
			}
		})
	}
	good, bad := at(1, nil).make(0), at(2, nil).make(0)
	bad[len(bad)-1]++
	m := &merger{}
	if m.merge([][]byte{good, bad}, room); len(m.runs) != 2 {
		t.Error("one with a wrong checksum replaced a good one")
	}
}

func TestMergeIsBounded(t *testing.T) {
	var bufs [][]byte
	for i := range maxBatch {
		bufs = append(bufs, flowOf{payload: 1400, seq: uint32(i) * 1400}.make(0))
	}
	m := &merger{}
	m.merge(bufs, room)
	for _, r := range m.runs {
		if r.total > maxTotal || r.count > maxSegs {
			t.Errorf("%d packets, %d bytes", r.count, r.total)
		}
	}
	if len(m.runs) != 3 {
		t.Errorf("%d runs", len(m.runs))
	}
}

func TestSum(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 300 {
		p := make([]byte, n)
		for i := range p {
			p[i] = byte(r.Uint32())
		}
		if n%7 == 0 {
			p = bytes.Repeat([]byte{0xff}, n)
		}
		want := uint32(0)
		for i, c := range p {
			want += uint32(c) << (8 * (1 - i%2))
		}
		for want > 0xffff {
			want = want>>16 + want&0xffff
		}
		if got := fold(sum(p, 0)); got != uint16(want) {
			t.Fatalf("%d bytes: %x, not %x", n, got, want)
		}
	}
}

func TestSplitRefuses(t *testing.T) {
	tcp := flowOf{payload: 3000}.make(0)[room:]
	for name, b := range map[string][]byte{
		"nothing":              {},
		"half a header":        make([]byte, vnetLen-1),
		"no size":              with(vnet{gso: gsoTCP4, csumStart: 20, csumOffset: 16}, tcp),
		"headers only":         with(vnet{gso: gsoTCP4, size: 1000, csumStart: 20, csumOffset: 16}, tcp[:40]),
		"the other version":    with(vnet{gso: gsoTCP6, size: 1000, csumStart: 40, csumOffset: 16}, tcp),
		"an unknown kind":      with(vnet{gso: 3, size: 1000, csumStart: 20, csumOffset: 16}, tcp),
		"checksum past header": with(vnet{gso: gsoTCP4, size: 1000, csumStart: 20, csumOffset: 30}, tcp),
		"checksum past end":    with(vnet{flags: needsCsum, csumStart: 3030, csumOffset: 16}, tcp),
		"transport past end":   with(vnet{gso: gsoTCP4, size: 1000, csumStart: 65000, csumOffset: 16}, tcp),
	} {
		if err := new(splitter).load(b); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	var s splitter
	if err := s.load(with(vnet{gso: gsoTCP4, size: 1400, csumStart: 20, csumOffset: 16}, tcp)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.next(make([]byte, 100)); err == nil || !s.more() {
		t.Errorf("a slot that is too small: %v", err)
	}
}

func with(v vnet, p []byte) []byte {
	b := make([]byte, vnetLen, vnetLen+len(p))
	v.put(b)
	return append(b, p...)
}

// FuzzSplit: whatever the device says, nothing is read or written outside, and it comes to an end.
func FuzzSplit(f *testing.F) {
	f.Add(with(vnet{gso: gsoTCP4, size: 1400, csumStart: 20, csumOffset: 16}, flowOf{payload: 3000}.make(0)[room:]))
	f.Add(with(vnet{gso: gsoUDP, size: 1000, csumStart: 40, csumOffset: 6}, flowOf{udp: true, six: true, payload: 3000}.make(0)[room:]))
	f.Add(with(vnet{flags: needsCsum, csumStart: 20, csumOffset: 16}, flowOf{payload: 300}.make(0)[room:]))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s splitter
		dst := make([]byte, 2048)
		if s.load(b) != nil {
			return
		}
		for n := 0; s.more(); n++ {
			if _, err := s.next(dst); n > len(b) {
				t.Fatal("no end", err)
			}
		}
	})
}

// FuzzMerge: every packet is in one run, and a run's bytes are its packets'.
func FuzzMerge(f *testing.F) {
	f.Add(flowOf{payload: 100}.make(0)[room:], flowOf{payload: 100, seq: 100}.make(0)[room:], 60)
	f.Add(flowOf{udp: true, six: true, payload: 100}.make(0)[room:], flowOf{udp: true, six: true, payload: 90}.make(0)[room:], 0)
	f.Fuzz(func(t *testing.T, a, b []byte, cut int) {
		var bufs [][]byte
		for _, p := range [][]byte{a, b, a[:min(len(a), max(0, cut))], b, a} {
			if len(p) > 0 && len(p) < 2048 {
				bufs = append(bufs, append(make([]byte, room), p...))
			}
		}
		m := &merger{udp: true}
		m.merge(bufs, room)
		seen := 0
		for i := range m.runs {
			r := &m.runs[i]
			seen += r.count + r.replaced
			r.finish(bufs[r.first][room:]).put(bufs[r.first][room-vnetLen:])
			if n := len(whole(m, r, bufs)) - vnetLen; n != r.total {
				t.Fatalf("%d bytes, not %d", n, r.total)
			}
		}
		if seen != len(bufs) {
			t.Fatalf("%d packets of %d", seen, len(bufs))
		}
	})
}

func TestNothingAllocates(t *testing.T) {
	var bufs [][]byte
	for i := range 64 {
		bufs = append(bufs, flowOf{payload: 1000, seq: uint32(i) * 1000}.make(0))
	}
	big := with(vnet{gso: gsoTCP4, size: 1400, csumStart: 20, csumOffset: 16}, flowOf{payload: 60000}.make(0)[room:])
	m, s, dst := &merger{runs: make([]run, 0, maxBatch)}, &splitter{}, make([]byte, 2048)
	if n := testing.AllocsPerRun(100, func() {
		m.merge(bufs, room)
		_ = s.load(big)
		for s.more() {
			_, _ = s.next(dst)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
