package profile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

var errEncoding = errors.New("half a UTF-16 character at the end")

// coding is how a document's characters were bytes.
type coding uint8

const (
	utf8Coding coding = iota
	utf16Little
	utf16Big
	latin1
)

const white = " \t\r\n"

// decode returns data as UTF-8 without a byte order mark and without white space before the prolog. What the bytes are decides, not what the prolog says:
// tools write UTF-16 under a prolog that claims UTF-8. Bytes that are neither are read as ISO 8859-1.
func decode(data []byte) (text []byte, c coding, err error) {
	switch {
	case bytes.HasPrefix(data, []byte{0xef, 0xbb, 0xbf}):
		data = data[3:]
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		data, c = data[2:], utf16Little
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		data, c = data[2:], utf16Big
	case bytes.HasPrefix(data, []byte{'<', 0}): // no mark, but nothing else begins so
		c = utf16Little
	case bytes.HasPrefix(data, []byte{0, '<'}):
		c = utf16Big
	}
	if c != utf8Coding {
		if data, err = fromUTF16(data, c.order()); err != nil {
			return nil, c, err
		}
	}
	if !utf8.Valid(data) {
		data, c = fromLatin1(data), latin1
	}
	return bytes.TrimLeft(data, white), c, nil
}

// encode is decode the other way round: it keeps the byte order mark and the white space that the bytes as they came had in front.
func (c coding) encode(raw, text []byte) []byte {
	for _, mark := range []string{"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"} {
		if bytes.HasPrefix(raw, []byte(mark)) {
			out := []byte(mark)
			return append(out, c.encode(raw[len(mark):], text)...)
		}
	}
	switch c {
	case utf16Little, utf16Big:
		whole, err := fromUTF16(raw, c.order())
		if err != nil {
			whole = nil // it was decoded once, so this cannot be
		}
		units := utf16.Encode([]rune(string(whole[:len(whole)-len(bytes.TrimLeft(whole, white))]) + string(text)))
		out := make([]byte, 0, 2*len(units))
		for _, u := range units {
			out = c.order().AppendUint16(out, u)
		}
		return out
	case latin1:
		out := bytes.Clone(raw[:len(raw)-len(bytes.TrimLeft(raw, white))])
		for _, r := range string(text) {
			if r > 0xff {
				out = fmt.Appendf(out, "&#%d;", r)
				continue
			}
			out = append(out, byte(r))
		}
		return out
	}
	return append(bytes.Clone(raw[:len(raw)-len(bytes.TrimLeft(raw, white))]), text...)
}

// byteOrder reads and writes UTF-16.
type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

func (c coding) order() byteOrder {
	if c == utf16Big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

func fromUTF16(b []byte, order binary.ByteOrder) ([]byte, error) {
	if len(b)%2 != 0 {
		return nil, errEncoding
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = order.Uint16(b[2*i:])
	}
	return []byte(string(utf16.Decode(units))), nil
}

func fromLatin1(b []byte) []byte {
	out := make([]byte, 0, len(b)+len(b)/8)
	for _, c := range b {
		out = utf8.AppendRune(out, rune(c))
	}
	return out
}
