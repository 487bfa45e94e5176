package resume

import (
	"encoding/binary"
	"slices"
)

const (
	maxSessionID  = 32 // RFC 5246 section 7.4.1.2
	noCompression = 0
)

// clientHello is a ClientHello (RFC 6347 section 4.2.1).
type clientHello struct {
	version         uint16
	random          [32]byte
	session, cookie []byte
	suites          []uint16
	compressions    []byte
	extensions      []byte // with their length, as they are; empty: none
}

// append appends the body.
func (h *clientHello) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, h.version)
	b = append(b, h.random[:]...)
	b = appendVector(b, 1, h.session)
	b = appendVector(b, 1, h.cookie)
	b = binary.BigEndian.AppendUint16(b, uint16(2*len(h.suites)))
	for _, s := range h.suites {
		b = binary.BigEndian.AppendUint16(b, s)
	}
	b = appendVector(b, 1, h.compressions)
	return append(b, h.extensions...)
}

// parseClientHello reads a body. What it returns shares the bytes of b.
func parseClientHello(b []byte) (*clientHello, error) {
	c := cursor{rest: b}
	h := &clientHello{version: uint16(c.number(2)), random: c.random(), session: c.vector(1), cookie: c.vector(1)}
	suites := c.vector(2)
	h.compressions = c.vector(1)
	if len(c.rest) > 0 {
		h.extensions = c.rest
		c.vector(2)
	}
	if err := c.end(); err != nil || len(suites)%2 != 0 || len(h.session) > maxSessionID || !slices.Contains(h.compressions, noCompression) {
		return nil, errMessage
	}
	for pair := range slices.Chunk(suites, 2) {
		h.suites = append(h.suites, binary.BigEndian.Uint16(pair))
	}
	return h, nil
}
