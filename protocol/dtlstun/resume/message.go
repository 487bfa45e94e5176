package resume

import (
	"bytes"
	"encoding/binary"
)

// The handshake messages that are known here (RFC 5246 section 7.4, RFC 6347 section 4.3.2). Every other type belongs to a full handshake.
const (
	typeHelloRequest byte = 0
	typeClientHello  byte = 1
	typeServerHello  byte = 2
	typeHelloVerify  byte = 3
	typeFinished     byte = 20
)

const (
	messageHeader = 12
	// maxMessage is the longest message that is put together: a ClientHello with all the extensions a library offers by itself.
	maxMessage = 1024
)

// message is a whole handshake message.
type message struct {
	typ  byte
	seq  uint16
	body []byte
}

// append appends the message as one fragment, which is also the form that Finished messages cover.
func (m message) append(b []byte) []byte {
	return fragment{typ: m.typ, seq: m.seq, length: len(m.body), body: m.body}.append(b)
}

// fragment is a part of a handshake message, or all of it (RFC 6347 section 4.2.2).
type fragment struct {
	typ            byte
	seq            uint16
	length, offset int // of the whole message, and where in it body lies: 24 bits each
	body           []byte
}

func (f fragment) append(b []byte) []byte {
	b = append(b, f.typ, byte(f.length>>16), byte(f.length>>8), byte(f.length))
	b = binary.BigEndian.AppendUint16(b, f.seq)
	b = append(b, byte(f.offset>>16), byte(f.offset>>8), byte(f.offset))
	b = append(b, byte(len(f.body)>>16), byte(len(f.body)>>8), byte(len(f.body)))
	return append(b, f.body...)
}

// parseFragment reads the first fragment of a record. Its body shares the bytes of b.
func parseFragment(b []byte) (f fragment, rest []byte, err error) {
	c := cursor{rest: b}
	f = fragment{typ: byte(c.number(1)), length: c.number(3), seq: uint16(c.number(2)), offset: c.number(3)}
	f.body = c.vector(3)
	if c.failed || f.offset+len(f.body) > f.length {
		return fragment{}, nil, errMessage
	}
	return f, c.rest, nil
}

// assembly puts the fragments of one message together, in whatever order they come. A fragment of another message starts it anew: nothing tells which of two that
// differ is the real one, and the peer repeats its own.
type assembly struct {
	typ     byte
	seq     uint16
	body    []byte
	have    []bool
	missing int
}

// add returns the message once it is whole. The message has bytes of its own.
func (a *assembly) add(f fragment) (m message, whole bool) {
	if f.length > maxMessage {
		return message{}, false
	}
	if len(f.body) == f.length {
		*a = assembly{}
		return message{f.typ, f.seq, bytes.Clone(f.body)}, true
	}
	if a.missing == 0 || a.typ != f.typ || a.seq != f.seq || len(a.body) != f.length {
		*a = assembly{f.typ, f.seq, make([]byte, f.length), make([]bool, f.length), f.length}
	}
	copy(a.body[f.offset:], f.body)
	for i := f.offset; i < f.offset+len(f.body); i++ {
		if !a.have[i] {
			a.have[i] = true
			a.missing--
		}
	}
	if a.missing > 0 {
		return message{}, false
	}
	m = message{a.typ, a.seq, a.body}
	*a = assembly{}
	return m, true
}
