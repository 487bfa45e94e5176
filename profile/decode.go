package profile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"unicode/utf16"
	"unicode/utf8"
)

var errEncoding = errors.New("half a UTF-16 character at the end")

// decode returns data as UTF-8 without a byte order mark and without white space before the prolog. What the bytes are decides, not what the prolog says:
// tools write UTF-16 under a prolog that claims UTF-8. Bytes that are neither are read as ISO 8859-1, and latin1 says so.
func decode(data []byte) (text []byte, latin1 bool, err error) {
	switch {
	case bytes.HasPrefix(data, []byte{0xef, 0xbb, 0xbf}):
		data = data[3:]
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		data, err = fromUTF16(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		data, err = fromUTF16(data[2:], binary.BigEndian)
	case bytes.HasPrefix(data, []byte{'<', 0}): // no mark, but nothing else begins so
		data, err = fromUTF16(data, binary.LittleEndian)
	case bytes.HasPrefix(data, []byte{0, '<'}):
		data, err = fromUTF16(data, binary.BigEndian)
	}
	if err != nil {
		return nil, false, err
	}
	if !utf8.Valid(data) {
		data, latin1 = fromLatin1(data), true
	}
	return bytes.TrimLeft(data, " \t\r\n"), latin1, nil
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
