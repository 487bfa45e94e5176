package resume

import "encoding/binary"

// serverHello is a ServerHello (RFC 5246 section 7.4.1.3).
type serverHello struct {
	version     uint16
	random      [32]byte
	session     []byte
	suite       uint16
	compression byte
	extensions  []byte // with their length, as they are; empty: none
}

// append appends the body.
func (h *serverHello) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, h.version)
	b = append(b, h.random[:]...)
	b = appendVector(b, 1, h.session)
	b = binary.BigEndian.AppendUint16(b, h.suite)
	b = append(b, h.compression)
	return append(b, h.extensions...)
}

// parseServerHello reads a body. What it returns shares the bytes of b.
func parseServerHello(b []byte) (*serverHello, error) {
	c := cursor{rest: b}
	h := &serverHello{version: uint16(c.number(2)), random: c.random(), session: c.vector(1), suite: uint16(c.number(2)), compression: byte(c.number(1))}
	if len(c.rest) > 0 {
		h.extensions = c.rest
		c.vector(2)
	}
	if err := c.end(); err != nil || len(h.session) > maxSessionID {
		return nil, errMessage
	}
	return h, nil
}

// extended reports whether there is any extension.
func (h *serverHello) extended() bool { return len(h.extensions) > 2 }
