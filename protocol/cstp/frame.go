package cstp

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Type is the seventh byte of a frame's header: what the frame is.
type Type byte

// The frame types that exist. Compressed frames are skipped like any unknown type: compression is never offered.
const (
	TypeData       Type = 0x00 // a whole IP packet
	TypeDPDReq     Type = 0x03 // either side; answered with TypeDPDResp
	TypeDPDResp    Type = 0x04 // the payload is the peer's affair
	TypeDisconnect Type = 0x05 // reason byte and text
	TypeKeepalive  Type = 0x07 // no payload, no answer
	TypeCompressed Type = 0x08
	TypeTerminate  Type = 0x09 // gateway to client: reason byte and text
)

const (
	// HeaderLen is the length of a frame's header: 'S' 'T' 'F' 1, a 16-bit payload length, the type, 0.
	HeaderLen = 8
	// MaxPayload is the longest payload sent or accepted: with its header it fits one TLS record, and peers have no larger buffers.
	MaxPayload = 16384 - HeaderLen
)

var (
	// ErrMagic says that the stream does not hold a frame where one must begin.
	ErrMagic = errors.New("cstp: no frame header where one must be")
	// ErrOversize says that a frame announces more than MaxPayload bytes.
	ErrOversize = errors.New("cstp: frame too long")
)

// PutHeader writes the header of a frame with n bytes of payload into the first HeaderLen bytes of b. n is at most MaxPayload.
func PutHeader(b []byte, t Type, n int) {
	b[0], b[1], b[2], b[3] = 'S', 'T', 'F', 1
	binary.BigEndian.PutUint16(b[4:], uint16(n))
	b[6], b[7] = byte(t), 0
}

// AppendFrame appends a whole frame. The payload is at most MaxPayload bytes.
func AppendFrame(b []byte, t Type, payload []byte) []byte {
	var h [HeaderLen]byte
	PutHeader(h[:], t, len(payload))
	return append(append(b, h[:]...), payload...)
}

// ParseHeader reads a header of HeaderLen bytes. Errors: ErrMagic, ErrOversize.
func ParseHeader(b []byte) (t Type, n int, err error) {
	if len(b) < HeaderLen || b[0] != 'S' || b[1] != 'T' || b[2] != 'F' || b[3] != 1 || b[7] != 0 {
		return 0, 0, ErrMagic
	}
	n = int(binary.BigEndian.Uint16(b[4:]))
	if n > MaxPayload {
		return 0, 0, fmt.Errorf("%w: %d bytes", ErrOversize, n)
	}
	return Type(b[6]), n, nil
}
