package ipc

import (
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// reveal is the answer as JSON with its secrets in it.
func (a Answer) reveal() ([]byte, error) {
	switch {
	case a.Cancel:
		return []byte(`{"cancel":true}`), nil
	case a.Accept != nil && *a.Accept:
		return []byte(`{"accept":true}`), nil
	case a.Accept != nil:
		return []byte(`{"accept":false}`), nil
	}
	size := len(`{"fields":{}}`)
	for name, v := range a.Fields {
		size += 6*(len(name)+v.Len()) + len(`"":"",`) // the longest escape is \u00xx
	}
	b := append(make([]byte, 0, size), `{"fields":{`...) // never moves: no copy of a secret stays behind
	first := true
	for _, name := range slices.Sorted(maps.Keys(a.Fields)) {
		v := a.Fields[name]
		if !utf8.Valid(v.Reveal()) {
			clear(b)
			return nil, fault.Newf(fault.UseRequest, nil, "an answer must be UTF-8")
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(quote(b, []byte(name)), ':')
		b = quote(b, v.Reveal())
	}
	return append(b, "}}"...), nil
}

// quote appends s, which is UTF-8, as a JSON string (RFC 8259 §7). encoding/json would leave copies.
func quote(b, s []byte) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
