package queue

import (
	"bytes"
	"encoding/binary"
)

const (
	protoTCP = 6
	protoUDP = 17
	ipv4Len  = 20
	ipv6Len  = 40
	tcpLen   = 20
	udpLen   = 8
	csumTCP  = 16 // where the checksum stands in the header
	csumUDP  = 6
	flagFIN  = 0x01
	flagPSH  = 0x08
	flagACK  = 0x10
	flagCWR  = 0x80

	maxBatch = 128
	maxSegs  = 64
	maxTotal = 65535
	// openRuns is how many flows may take turns in a batch before the oldest run is ended.
	openRuns = 16
)

// segment is what merging has to know of a packet: TCP with nothing but ACK and perhaps PSH, or UDP, with a payload.
type segment struct {
	proto     byte
	transport int // length of the IP header
	headers   int // and of both
	payload   int
	ok        bool // it may be part of a run; else it ends the run of its flow
	ack       bool // it says nothing but what was received up to where
}

// look reads a packet. flow is false for what has no ports: it is written as it is.
func look(p []byte) (s segment, flow bool) {
	total := 0
	switch {
	case len(p) >= ipv4Len && p[0] == 0x45 && binary.BigEndian.Uint16(p[6:])&0x3fff == 0:
		s.proto, s.transport, total = p[9], ipv4Len, int(binary.BigEndian.Uint16(p[2:]))
	case len(p) >= ipv6Len && p[0]>>4 == 6:
		s.proto, s.transport, total = p[6], ipv6Len, ipv6Len+int(binary.BigEndian.Uint16(p[4:]))
	default:
		return s, false
	}
	t := p[s.transport:]
	switch {
	case s.proto == protoTCP && len(t) >= tcpLen:
		s.headers = s.transport + int(t[12]>>4)*4
		s.ok = s.headers >= s.transport+tcpLen && t[12]&0x0f == 0 && t[13]&^flagPSH == flagACK
		s.ack = s.ok && s.headers == len(p) && t[13] == flagACK && plainOptions(t[tcpLen:])
	case s.proto == protoUDP && len(t) >= udpLen:
		s.headers = s.transport + udpLen
		s.ok = int(binary.BigEndian.Uint16(t[4:])) == len(t) && t[6]|t[7] != 0
	default:
		return s, false
	}
	s.payload = len(p) - s.headers
	s.ok, s.ack = s.ok && total == len(p) && s.payload > 0, s.ack && total == len(p)
	return s, true
}

// plainOptions reports whether TCP options are none, or a time stamp as it is always written: no SACK.
func plainOptions(o []byte) bool {
	return len(o) == 0 || len(o) == 12 && o[0] == 1 && o[1] == 1 && o[2] == 8 && o[3] == 10
}

// right reports whether the packet's checksum is.
func (s segment) right(p []byte) bool {
	t := p[s.transport:]
	return fold(sum(t, pseudo(p, s.proto, len(t)))) == 0xffff && (p[0]>>4 == 6 || fold(sum(p[:ipv4Len], 0)) == 0xffff)
}

// sameFlow compares addresses and ports of two packets with equal protocol and IP header length.
func sameFlow(s segment, a, b []byte) bool {
	from := 12 // IPv4's addresses end its header, IPv6's too
	if s.transport == ipv6Len {
		from = 8
	}
	return bytes.Equal(a[from:s.transport+4], b[from:s.transport+4])
}

// alike compares what an IP header says besides lengths and addresses.
func alike(s segment, a, b []byte) bool {
	if s.transport == ipv4Len {
		return a[0] == b[0] && a[1] == b[1] && a[6]&0xc0 == b[6]&0xc0 && a[8] == b[8]
	}
	return bytes.Equal(a[:4], b[:4]) && a[7] == b[7]
}

// follows reports whether b, of the same flow as a run that begins with a, may go on with it: nothing in its headers differs that the receiver would not see.
func follows(s segment, a, b []byte, seq uint32) bool {
	if !alike(s, a, b) {
		return false
	}
	if s.proto == protoUDP {
		return true
	}
	x, y := a[s.transport:s.headers], b[s.transport:s.headers]
	return binary.BigEndian.Uint32(y[4:]) == seq && bytes.Equal(x[8:13], y[8:13]) && bytes.Equal(x[14:16], y[14:16]) && bytes.Equal(x[tcpLen:], y[tcpLen:])
}

// run is packets that are written at once.
type run struct {
	segment
	first, last int // indices of packets; next leads from one to the other
	count       int
	replaced    int    // acknowledgements that the first packet stands for besides its own
	size        int    // payload of all but the last
	total       int    // bytes when merged
	seq         uint32 // what the next packet begins with; of an acknowledgement, what the first one confirmed
	push        bool
	checked     bool // the first packet's checksum is right
	open        bool
}

// merger finds the runs of a batch.
type merger struct {
	udp  bool // the device takes UDP runs
	runs []run
	next [maxBatch]int16
}

// merge finds runs in at most maxBatch packets, each at offset in its buffer. Runs are in the order of their first packets, which is that of each flow.
func (m *merger) merge(bufs [][]byte, offset int) {
	m.runs = m.runs[:0]
	for i, b := range bufs {
		p := b[offset:]
		s, flow := look(p)
		if flow && s.proto == protoUDP && !m.udp {
			flow = false
		}
		if flow && m.join(bufs, offset, i, p, s) {
			continue
		}
		r := run{segment: s, first: i, last: i, count: 1, size: s.payload, total: len(p), open: flow && (s.ok || s.ack)}
		if s.ack {
			r.seq = binary.BigEndian.Uint32(p[s.transport+8:])
		} else if r.open && s.proto == protoTCP {
			r.seq = binary.BigEndian.Uint32(p[s.transport+4:]) + uint32(s.payload)
			r.push = p[s.transport+13]&flagPSH != 0
			r.open = !r.push
		}
		m.runs = append(m.runs, r)
	}
}

// join adds packet i to the open run of its flow, or ends that.
func (m *merger) join(bufs [][]byte, offset, i int, p []byte, s segment) bool {
	for k := len(m.runs) - 1; k >= max(0, len(m.runs)-openRuns); k-- {
		r := &m.runs[k]
		if !r.open || r.proto != s.proto || r.transport != s.transport {
			continue
		}
		first := bufs[r.first][offset:]
		if !sameFlow(s, first, p) {
			continue
		}
		if r.ack {
			r.open = s.ack && r.replace(first, p, s)
			if r.open {
				r.first, r.last, r.replaced = i, i, r.replaced+1
			}
			return r.open
		}
		if !s.ok || s.headers != r.headers || s.payload > r.size || r.count == maxSegs || r.total+s.payload > maxTotal || !follows(s, first, p, r.seq) || !s.right(p) || !r.check(first) {
			r.open = false
			return false
		}
		m.next[r.last] = int16(i)
		r.last, r.count, r.total, r.seq = i, r.count+1, r.total+s.payload, r.seq+uint32(s.payload)
		r.push = s.proto == protoTCP && p[s.transport+13]&flagPSH != 0
		r.open = s.payload == r.size && !r.push
		return true
	}
	return false
}

// replace reports whether the acknowledgement b says all that a said, and more: then b stands for both, up to the size of a run, as if the peer had confirmed once what came to it
// merged. Equal numbers count for themselves: that is how losses are told.
func (r *run) replace(a, b []byte, s segment) bool {
	x, y := a[s.transport:], b[s.transport:]
	was, is := binary.BigEndian.Uint32(x[8:]), binary.BigEndian.Uint32(y[8:])
	return s.headers == r.headers && bytes.Equal(x[4:8], y[4:8]) && int32(is-was) > 0 && is-r.seq <= maxTotal && alike(s, a, b) && s.right(b)
}

func (r *run) check(first []byte) bool {
	r.checked = r.checked || r.right(first)
	return r.checked
}

// finish makes the first packet's headers those of the whole run, with only the pseudo header's checksum, and returns what the device has to know.
func (r *run) finish(p []byte) vnet {
	if r.count == 1 {
		return vnet{}
	}
	v := vnet{flags: needsCsum, gso: gsoTCP4, headers: uint16(r.headers), size: uint16(r.size), csumStart: uint16(r.transport), csumOffset: csumTCP}
	if r.transport == ipv4Len {
		binary.BigEndian.PutUint16(p[2:], uint16(r.total))
		p[10], p[11] = 0, 0
		binary.BigEndian.PutUint16(p[10:], ^fold(sum(p[:ipv4Len], 0)))
	} else {
		v.gso = gsoTCP6
		binary.BigEndian.PutUint16(p[4:], uint16(r.total-ipv6Len))
	}
	t, n := p[r.transport:], r.total-r.transport
	if r.proto == protoUDP {
		v.gso, v.csumOffset = gsoUDP, csumUDP
		binary.BigEndian.PutUint16(t[4:], uint16(n))
	} else if r.push {
		t[13] |= flagPSH
	}
	binary.BigEndian.PutUint16(t[v.csumOffset:], fold(pseudo(p, r.proto, n)))
	return v
}
