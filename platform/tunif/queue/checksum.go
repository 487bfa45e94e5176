package queue

import (
	"encoding/binary"
	"math/bits"
)

// sum adds p to a ones' complement sum (RFC 1071), 64 bits wide: the words may be added in any width. p begins at an even place of what is summed.
func sum(p []byte, acc uint64) uint64 {
	var carry uint64
	for len(p) >= 64 {
		q := p[:64]
		acc, carry = bits.Add64(acc, binary.BigEndian.Uint64(q), carry)
		acc, carry = bits.Add64(acc, binary.BigEndian.Uint64(q[8:]), carry)
		acc, carry = bits.Add64(acc, binary.BigEndian.Uint64(q[16:]), carry)
		acc, carry = bits.Add64(acc, binary.BigEndian.Uint64(q[24:]), carry)
		acc, carry = bits.Add64(acc, binary.BigEndian.Uint64(q[32:]), carry)
		acc, carry = bits.Add64(acc, binary.BigEndian.Uint64(q[40:]), carry)
		acc, carry = bits.Add64(acc, binary.BigEndian.Uint64(q[48:]), carry)
		acc, carry = bits.Add64(acc, binary.BigEndian.Uint64(q[56:]), carry)
		p = p[64:]
	}
	for len(p) >= 8 {
		acc, carry = bits.Add64(acc, binary.BigEndian.Uint64(p), carry)
		p = p[8:]
	}
	if len(p) > 0 {
		var last [8]byte
		copy(last[:], p)
		acc, carry = bits.Add64(acc, binary.BigEndian.Uint64(last[:]), carry)
	}
	acc, carry = bits.Add64(acc, 0, carry)
	return acc + carry
}

// fold makes 16 bits of a sum; the checksum is its complement.
func fold(acc uint64) uint16 {
	acc = acc>>32 + acc&0xffffffff
	acc = acc>>16&0xffff + acc>>32 + acc&0xffff
	acc = acc>>16 + acc&0xffff
	acc = acc>>16 + acc&0xffff
	return uint16(acc)
}

// pseudo is the sum of the pseudo header of an IP packet with n bytes behind the IP header (RFC 9293 3.1, RFC 8200 8.1).
func pseudo(ip []byte, proto byte, n int) uint64 {
	addrs := ip[12:20]
	if ip[0]>>4 == 6 {
		addrs = ip[8:40]
	}
	return sum(addrs, uint64(proto)+uint64(n))
}
