package record

import (
	"encoding/binary"
	"errors"
)

// Type is a record's content type (RFC 5246 section 6.2.1).
type Type byte

// The content types.
const (
	TypeChangeCipherSpec Type = 20
	TypeAlert            Type = 21
	TypeHandshake        Type = 22
	TypeData             Type = 23
)

// The versions, as they stand in a record.
const (
	DTLS12    uint16 = 0xfefd
	DTLS10    uint16 = 0xfeff
	DTLSCisco uint16 = 0x0100 // older than the standard
)

// HeaderLen is the length of a record's header in bytes.
const HeaderLen = 13

// maxSeq is the largest sequence number: 48 bits.
const maxSeq = 1<<48 - 1

// ErrHeader says that bytes are no record.
var ErrHeader = errors.New("record: not a DTLS record")

// Header is the header of a record (RFC 6347 section 4.1). The body's length is not in it: Parse cuts.
type Header struct {
	Type    Type
	Version uint16
	Epoch   uint16
	Seq     uint64 // 48 bits
}

// Parse splits the first record off a datagram: h is its header, rec all its bytes with the header, rest what follows. Error: ErrHeader, and then the rest of the datagram
// is of no use either.
func Parse(b []byte) (h Header, rec, rest []byte, err error) {
	if len(b) < HeaderLen {
		return Header{}, nil, nil, ErrHeader
	}
	n := HeaderLen + int(binary.BigEndian.Uint16(b[11:]))
	if n > len(b) {
		return Header{}, nil, nil, ErrHeader
	}
	seq := binary.BigEndian.Uint64(b[3:])
	h = Header{Type: Type(b[0]), Version: binary.BigEndian.Uint16(b[1:]), Epoch: uint16(seq >> 48), Seq: seq & maxSeq}
	return h, b[:n:n], b[n:], nil
}

// Append appends a header for a body of n bytes, 65535 at most.
func (h Header) Append(b []byte, n int) []byte {
	var a [HeaderLen]byte
	h.put(a[:], n)
	return append(b, a[:]...)
}

// put writes the header into b.
func (h Header) put(b []byte, n int) {
	_ = b[HeaderLen-1]
	b[0] = byte(h.Type)
	binary.BigEndian.PutUint16(b[1:], h.Version)
	binary.BigEndian.PutUint64(b[3:], uint64(h.Epoch)<<48|h.Seq)
	binary.BigEndian.PutUint16(b[11:], uint16(n))
}

// putMAC writes what is authenticated beside n bytes of plaintext (RFC 5246 section 6.2.3, with epoch and number as RFC 6347 section 4.1.2.1 says).
func (h Header) putMAC(b []byte, n int) {
	_ = b[HeaderLen-1]
	binary.BigEndian.PutUint64(b, uint64(h.Epoch)<<48|h.Seq)
	b[8] = byte(h.Type)
	binary.BigEndian.PutUint16(b[9:], h.Version)
	binary.BigEndian.PutUint16(b[11:], uint16(n))
}
