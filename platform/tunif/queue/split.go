package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// vnetLen is the length of struct virtio_net_hdr (linux/virtio_net.h), which goes before every packet.
const vnetLen = 10

// Values of its fields.
const (
	needsCsum = 1 // flags
	gsoNone   = 0
	gsoTCP4   = 1
	gsoTCP6   = 4
	gsoUDP    = 5
)

// vnet is the header's content, in the machine's byte order.
type vnet struct {
	flags, gso                           byte
	headers, size, csumStart, csumOffset uint16
}

func parseVnet(b []byte) (vnet, []byte, error) {
	if len(b) < vnetLen {
		return vnet{}, nil, errShort
	}
	e := binary.NativeEndian
	return vnet{b[0], b[1], e.Uint16(b[2:]), e.Uint16(b[4:]), e.Uint16(b[6:]), e.Uint16(b[8:])}, b[vnetLen:], nil
}

func (v vnet) put(b []byte) {
	e := binary.NativeEndian
	b[0], b[1] = v.flags, v.gso
	e.PutUint16(b[2:], v.headers)
	e.PutUint16(b[4:], v.size)
	e.PutUint16(b[6:], v.csumStart)
	e.PutUint16(b[8:], v.csumOffset)
}

// carries reports whether a run of this kind may be of an IP version.
func (v vnet) carries(version byte) bool {
	return v.gso == gsoTCP4 && version == 4 || v.gso == gsoTCP6 && version == 6 || v.gso == gsoUDP && (version == 4 || version == 6)
}

var (
	errShort   = errors.New("queue: the device gave less than a header")
	errHeader  = errors.New("queue: the device's header does not fit its packet")
	errTooLong = errors.New("queue: a packet is longer than its slot")
)

// splitter takes what one read of the device brought apart.
type splitter struct {
	v       vnet
	p       []byte // the packet as it was read; empty when nothing is left
	headers int    // length of IP and transport header
	at      int    // what follows them up to here is done
	index   int    // segments so far
}

// load begins with what was read. The bytes are used until the last next.
func (s *splitter) load(b []byte) error {
	v, p, err := parseVnet(b)
	if err != nil {
		return err
	}
	*s = splitter{v: v}
	start := int(v.csumStart)
	switch {
	case v.gso == gsoNone:
		if v.flags&needsCsum != 0 && start+int(v.csumOffset)+2 > len(p) {
			return errHeader
		}
		s.p = p
		return nil
	case v.size == 0, len(p) < ipv4Len, start < ipv4Len, !v.carries(p[0] >> 4), p[0]>>4 == 6 && start < ipv6Len:
		return fmt.Errorf("%w: kind %d", errHeader, v.gso)
	}
	// The length of the headers in v may be that of the whole first segment.
	s.headers = start + udpLen
	if v.gso != gsoUDP {
		if len(p) < start+tcpLen {
			return errHeader
		}
		if s.headers = start + int(p[start+12]>>4)*4; s.headers < start+tcpLen {
			return errHeader
		}
	}
	if len(p) <= s.headers || start+int(v.csumOffset)+2 > s.headers {
		return errHeader
	}
	s.p, s.at = p, s.headers
	return nil
}

func (s *splitter) more() bool { return len(s.p) > 0 }

// next writes the next packet into dst and returns its length; an error ends this one and goes on with what is left.
func (s *splitter) next(dst []byte) (int, error) {
	if s.v.gso == gsoNone {
		return s.single(dst)
	}
	p, v := s.p, s.v
	end := min(s.at+int(v.size), len(p))
	n := s.headers + end - s.at
	index, at := s.index, s.at
	s.index, s.at = s.index+1, end
	last := end == len(p)
	if last {
		s.p = nil
	}
	if n > len(dst) {
		return 0, errTooLong
	}
	dst = dst[:n]
	copy(dst, p[:s.headers])
	copy(dst[s.headers:], p[at:end])
	ip, transport := dst[:v.csumStart], dst[v.csumStart:]
	if ip[0]>>4 == 4 {
		binary.BigEndian.PutUint16(ip[2:], uint16(n))
		binary.BigEndian.PutUint16(ip[4:], binary.BigEndian.Uint16(ip[4:])+uint16(index))
		ip[10], ip[11] = 0, 0
		binary.BigEndian.PutUint16(ip[10:], ^fold(sum(ip, 0)))
	} else {
		binary.BigEndian.PutUint16(ip[4:], uint16(n-ipv6Len))
	}
	proto := byte(protoTCP)
	if v.gso == gsoUDP {
		proto = protoUDP
		binary.BigEndian.PutUint16(transport[4:], uint16(len(transport)))
	} else {
		binary.BigEndian.PutUint32(transport[4:], binary.BigEndian.Uint32(transport[4:])+uint32(at-s.headers))
		if !last {
			transport[13] &^= flagFIN | flagPSH
		}
		if index > 0 {
			transport[13] &^= flagCWR
		}
	}
	c := transport[v.csumOffset:]
	c[0], c[1] = 0, 0
	put := ^fold(sum(transport, pseudo(ip, proto, len(transport))))
	if put == 0 && proto == protoUDP {
		put = 0xffff // zero says that there is none (RFC 768)
	}
	binary.BigEndian.PutUint16(c, put)
	return n, nil
}

// single is a packet that is whole; its checksum may be left to us, with the pseudo header's in its place.
func (s *splitter) single(dst []byte) (int, error) {
	p := s.p
	s.p = nil
	if len(p) > len(dst) {
		return 0, errTooLong
	}
	n := copy(dst, p)
	if s.v.flags&needsCsum != 0 {
		from := dst[s.v.csumStart:n]
		put := ^fold(sum(from, 0))
		if put == 0 && s.v.csumOffset == csumUDP {
			put = 0xffff
		}
		binary.BigEndian.PutUint16(from[s.v.csumOffset:], put)
	}
	return n, nil
}
