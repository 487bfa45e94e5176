package resume

import (
	"encoding/binary"
	"errors"
)

// errMessage says that bytes are not the message they should be. Whatever is not authentic is dropped for it.
var errMessage = errors.New("resume: malformed message")

// cursor reads a message from its beginning. After a failure everything is empty.
type cursor struct {
	rest   []byte
	failed bool
}

// take returns the next n bytes, which are not copied.
func (c *cursor) take(n int) []byte {
	if n > len(c.rest) {
		c.rest, c.failed = nil, true
		return nil
	}
	b := c.rest[:n:n]
	c.rest = c.rest[n:]
	return b
}

func (c *cursor) number(n int) int {
	v := 0
	for _, b := range c.take(n) {
		v = v<<8 | int(b)
	}
	return v
}

// vector is what follows a length of n bytes.
func (c *cursor) vector(n int) []byte { return c.take(c.number(n)) }

func (c *cursor) random() (r [32]byte) {
	copy(r[:], c.take(len(r)))
	return r
}

// end is an error unless everything was read.
func (c *cursor) end() error {
	if c.failed || len(c.rest) > 0 {
		return errMessage
	}
	return nil
}

// appendVector appends v behind its length of n bytes, 1 or 2.
func appendVector(b []byte, n int, v []byte) []byte {
	if n == 2 {
		b = binary.BigEndian.AppendUint16(b, uint16(len(v)))
	} else {
		b = append(b, byte(len(v)))
	}
	return append(b, v...)
}
