package dtlstun

import "errors"

// Type is the first byte of a datagram. The numbers are those of CSTP frames.
type Type byte

// The types that exist. A datagram of unknown type is a sign of life and nothing else; compression is never offered.
const (
	TypeData       Type = 0x00 // a whole IP packet
	TypeDPDReq     Type = 0x03 // answered with TypeDPDResp and the same bytes
	TypeDPDResp    Type = 0x04
	TypeDisconnect Type = 0x05
	TypeKeepalive  Type = 0x07 // no answer
	TypeTerminate  Type = 0x09
)

// HeaderLen is what a packet grows by inside its record.
const HeaderLen = 1

// ErrEmpty says that a record holds nothing, not even a type.
var ErrEmpty = errors.New("dtlstun: empty record")

// ParseFrame splits a record's plaintext. The payload is a part of b. Error: ErrEmpty.
func ParseFrame(b []byte) (t Type, payload []byte, err error) {
	if len(b) == 0 {
		return 0, nil, ErrEmpty
	}
	return Type(b[0]), b[HeaderLen:], nil
}

// AppendFrame appends a frame.
func AppendFrame(b []byte, t Type, payload []byte) []byte {
	return append(append(b, byte(t)), payload...)
}
