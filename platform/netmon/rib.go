package netmon

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// What follows reads macOS' routing messages, route(4): struct rt_msghdr of <net/route.h> on 64 bits, then a sockaddr for each bit of its addresses, little-endian. It has no build tag, so that its
// tests run on any system.
const (
	ribHeader  = 92 // struct rt_msghdr
	ribVersion = 5  // RTM_VERSION

	// rtm_type
	rtmAdd     = 1
	rtmDelete  = 2
	rtmChange  = 3
	rtmGet     = 4
	rtmNewAddr = 12
	rtmDelAddr = 13
	rtmIfInfo  = 14

	// rtm_flags
	rtfUp        = 0x1
	rtfGateway   = 0x2
	rtfReject    = 0x8
	rtfLLInfo    = 0x400
	rtfBlackhole = 0x1000
	rtfWasCloned = 0x20000
	rtfLocal     = 0x200000
	rtfBroadcast = 0x400000
	rtfMulticast = 0x800000
	rtfScoped    = 0x1000000 // RTF_IFSCOPE: for sockets that are bound to the interface

	// rtfNone are the flags of what is no way out: neighbours, our own addresses, refusals.
	rtfNone = rtfReject | rtfLLInfo | rtfBlackhole | rtfWasCloned | rtfLocal | rtfBroadcast | rtfMulticast

	// rtm_addrs, by position
	rtaxDst     = 0
	rtaxGateway = 1
	rtaxNetmask = 2
	rtaxMax     = 8

	afInet  = 2
	afInet6 = 30
)

// ribHead are the fields of a header that count.
type ribHead struct {
	length int
	kind   uint8
	index  int
	flags  uint32
	addrs  uint32
}

// readHead reads the header of the next message.
func readHead(b []byte) (h ribHead, ok bool) {
	if len(b) < 4 {
		return h, false
	}
	h.length, h.kind = int(binary.LittleEndian.Uint16(b)), b[3]
	if h.length < 4 || h.length > len(b) || b[2] != ribVersion {
		return h, false
	}
	if h.length >= ribHeader {
		h.index = int(binary.LittleEndian.Uint16(b[4:]))
		h.flags, h.addrs = binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[12:])
	}
	return h, true
}

// readRIB reads the answer to NET_RT_DUMP. What is no route of ours to use, or cannot be read, is left out; what comes after a message without a length is lost.
func readRIB(b []byte) []routeRow {
	var out []routeRow
	for len(b) > 0 {
		h, ok := readHead(b)
		if !ok {
			break
		}
		if r, ok := readRoute(h, b[:h.length]); ok {
			out = append(out, r)
		}
		b = b[h.length:]
	}
	return out
}

// readRoute reads one message of a dump. The system's own preference: a default route that is not scoped is the machine's, the scoped ones are those of the other interfaces.
func readRoute(h ribHead, b []byte) (r routeRow, ok bool) {
	if h.length < ribHeader || h.kind != rtmGet && h.kind != rtmAdd || h.flags&rtfUp == 0 || h.flags&rtfNone != 0 {
		return r, false
	}
	var addrs [rtaxMax][]byte
	rest := b[ribHeader:]
	for i := range addrs {
		if h.addrs&(1<<i) == 0 {
			continue
		}
		if len(rest) == 0 {
			return r, false
		}
		size := int(rest[0])
		step := (max(size, 1) + 3) &^ 3
		if size > len(rest) {
			return r, false
		}
		addrs[i], rest = rest[:size], rest[min(step, len(rest)):]
	}
	dst, ok := readSockaddr(addrs[rtaxDst])
	if !ok {
		return r, false
	}
	length := dst.BitLen()
	if h.addrs&(1<<rtaxNetmask) != 0 {
		if length, ok = readMask(addrs[rtaxNetmask], dst.Is4()); !ok {
			return r, false
		}
	}
	r = routeRow{index: h.index, to: netip.PrefixFrom(dst, length).Masked()}
	if h.flags&rtfGateway != 0 {
		r.via, _ = readSockaddr(addrs[rtaxGateway]) // a link is no address: then it is the link itself
	}
	if h.flags&rtfScoped != 0 {
		r.metric = 1
	}
	return r, true
}

// readSockaddr reads a struct sockaddr_in or sockaddr_in6, which may be cut short where zeros follow. The kernel keeps the scope of a link-local address in its second pair of bytes.
func readSockaddr(b []byte) (netip.Addr, bool) {
	if len(b) < 2 {
		return netip.Addr{}, false
	}
	switch b[1] {
	case afInet:
		var a [4]byte
		copy(a[:], b[min(4, len(b)):])
		return netip.AddrFrom4(a), true
	case afInet6:
		var a [16]byte
		copy(a[:], b[min(8, len(b)):])
		if a[0] == 0xfe && a[1]&0xc0 == 0x80 {
			a[2], a[3] = 0, 0
		}
		return netip.AddrFrom16(a).Unmap(), true
	}
	return netip.Addr{}, false
}

// readMask counts the ones of a netmask, whose family means nothing and whose zeros at the end are missing. A mask with holes is none.
func readMask(b []byte, four bool) (int, bool) {
	offset, size := 8, 16
	if four {
		offset, size = 4, 4
	}
	var m [16]byte
	copy(m[:size], b[min(offset, len(b)):])
	n := 0
	for i := 0; i < size && m[i] != 0; i++ {
		ones := bits.LeadingZeros8(^m[i])
		n += ones
		if ones < 8 {
			if m[i]<<ones != 0 {
				return 0, false
			}
			for _, later := range m[i+1 : size] {
				if later != 0 {
					return 0, false
				}
			}
			break
		}
	}
	for _, later := range m[min((n+7)/8, size):size] {
		if later != 0 {
			return 0, false
		}
	}
	return n, true
}

// changes reports whether what came over the routing socket can change a snapshot: neighbours that were found, and lookups that failed, cannot.
func changes(b []byte) bool {
	h, ok := readHead(b)
	if !ok {
		return true // it is only a hint
	}
	switch h.kind {
	case rtmAdd, rtmDelete, rtmChange:
		return h.flags&rtfNone == 0
	case rtmNewAddr, rtmDelAddr, rtmIfInfo:
		return true
	}
	return false
}
