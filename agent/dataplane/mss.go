package dataplane

import "encoding/binary"

const (
	protoTCP  = 6
	flagSYN   = 0x02
	ipv4Len   = 20
	ipv6Len   = 40
	tcpLen    = 20
	optEnd    = 0
	optNop    = 1
	optMSS    = 2
	mssOptLen = 4
)

// valid reports whether p is long enough for the IP header that its first nibble announces.
func valid(p []byte) bool {
	if len(p) < ipv4Len {
		return false
	}
	switch p[0] >> 4 {
	case 4:
		return true
	case 6:
		return len(p) >= ipv6Len
	}
	return false
}

// clampMSS lowers the MSS option (RFC 9293 3.7.1) of a SYN to what fits mtu, in place, and mends the checksum. It leaves alone what is no TCP SYN, has no such option or a
// smaller value, is a later fragment, or is cut short. p is valid.
func clampMSS(p []byte, mtu int) {
	var tcp []byte
	var room int
	if p[0]>>4 == 4 {
		hl := int(p[0]&0x0f) * 4
		if p[9] != protoTCP || hl < ipv4Len || len(p) < hl || binary.BigEndian.Uint16(p[6:])&0x1fff != 0 {
			return
		}
		tcp, room = p[hl:], mtu-ipv4Len-tcpLen
	} else {
		if p[6] != protoTCP {
			return
		}
		tcp, room = p[ipv6Len:], mtu-ipv6Len-tcpLen
	}
	if len(tcp) < tcpLen || tcp[13]&flagSYN == 0 || room <= 0 {
		return
	}
	end := int(tcp[12]>>4) * 4
	if end > len(tcp) {
		return
	}
	for at := tcpLen; at < end; {
		switch {
		case tcp[at] == optEnd:
			return
		case tcp[at] == optNop:
			at++
		case at+1 >= end || tcp[at+1] < 2:
			return
		case tcp[at] == optMSS && tcp[at+1] == mssOptLen && at+mssOptLen <= end:
			lower(tcp, at+2, uint16(room))
			return
		default:
			at += int(tcp[at+1])
		}
	}
}

// lower sets the 16-bit value at tcp[at:] to v if it is larger, and updates the checksum by the difference (RFC 1624, equation 3).
func lower(tcp []byte, at int, v uint16) {
	old := binary.BigEndian.Uint16(tcp[at:])
	if old <= v {
		return
	}
	binary.BigEndian.PutUint16(tcp[at:], v)
	if at%2 == 1 {
		// Over two words of the sum: as if its bytes were swapped.
		old, v = old<<8|old>>8, v<<8|v>>8
	}
	sum := uint32(^binary.BigEndian.Uint16(tcp[16:])) + uint32(^old) + uint32(v)
	sum = sum&0xffff + sum>>16
	sum = sum&0xffff + sum>>16
	binary.BigEndian.PutUint16(tcp[16:], ^uint16(sum))
}
