package resume

import "encoding/binary"

// helloVerify is a HelloVerifyRequest (RFC 6347 section 4.2.1): the server wants to see its cookie back before it does anything. Its version means nothing.
type helloVerify struct {
	version uint16
	cookie  []byte
}

// append appends the body.
func (h *helloVerify) append(b []byte) []byte {
	return appendVector(binary.BigEndian.AppendUint16(b, h.version), 1, h.cookie)
}

// parseHelloVerify reads a body. What it returns shares the bytes of b.
func parseHelloVerify(b []byte) (*helloVerify, error) {
	c := cursor{rest: b}
	h := &helloVerify{version: uint16(c.number(2)), cookie: c.vector(1)}
	if err := c.end(); err != nil {
		return nil, err
	}
	return h, nil
}
