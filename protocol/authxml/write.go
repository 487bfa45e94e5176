package authxml

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

const declaration = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

// maxName is the longest field name in bytes.
const maxName = 64

// ValidName reports whether a field's name can be an element's name: ASCII letters, digits, '_', '-' and '.', beginning with a letter or '_'.
// Real gateways use nothing else, and such a name is safe to show.
func ValidName(s string) bool {
	if s == "" || len(s) > maxName {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_'
		if !letter && (i == 0 || c != '-' && c != '.' && (c < '0' || c > '9')) {
			return false
		}
	}
	return true
}

// writer appends elements and remembers the first thing that could not be written.
type writer struct {
	b   []byte
	bad bool
}

// open writes a start tag; attrs are pairs of name and value, and a pair whose value is empty is left out.
func (w *writer) open(name string, attrs ...string) {
	w.tag(name, attrs)
	w.b = append(w.b, '>')
}

// empty writes an element that has no content.
func (w *writer) empty(name string, attrs ...string) {
	w.tag(name, attrs)
	w.b = append(w.b, "/>"...)
}

func (w *writer) tag(name string, attrs []string) {
	w.b = append(append(w.b, '<'), name...)
	for i := 0; i+1 < len(attrs); i += 2 {
		if attrs[i+1] == "" {
			continue
		}
		w.b = append(append(append(w.b, ' '), attrs[i]...), `="`...)
		w.escaped([]byte(attrs[i+1]), false)
		w.b = append(w.b, '"')
	}
}

func (w *writer) close(name string) {
	w.b = append(append(append(w.b, "</"...), name...), '>')
}

// element writes an element with text, or nothing when the text is empty.
func (w *writer) element(name, text string, attrs ...string) {
	if text == "" {
		return
	}
	w.open(name, attrs...)
	w.escaped([]byte(text), true)
	w.close(name)
}

// value writes an element whose text is a value of a form: no character that ends or hides a line.
func (w *writer) value(name string, v []byte) {
	if !ValidName(name) {
		w.bad = true
		return
	}
	w.open(name)
	w.escaped(v, false)
	w.close(name)
}

// opaque copies one opaque element as it came, if it is one.
func (w *writer) opaque(raw []byte) {
	if len(raw) == 0 {
		return
	}
	n, err := parseTree(raw)
	if err != nil || n.name != "opaque" || !bytes.Equal(n.raw, raw) {
		w.bad = true
		return
	}
	w.b = append(w.b, raw...)
}

// escaped writes text so that it means itself. lines allows tabs and line ends.
func (w *writer) escaped(text []byte, lines bool) {
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && n == 1, r == 0xfffe, r == 0xffff, r >= 0x7f && r <= 0x9f:
			w.bad = true
		case r == '\r', r == '\n', r == '\t':
			if !lines {
				w.bad = true
			}
			w.b = append(strconv.AppendInt(append(w.b, "&#"...), int64(r), 10), ';')
		case r < 0x20:
			w.bad = true
		case r == '&':
			w.b = append(w.b, "&amp;"...)
		case r == '<':
			w.b = append(w.b, "&lt;"...)
		case r == '>':
			w.b = append(w.b, "&gt;"...)
		case r == '"':
			w.b = append(w.b, "&quot;"...)
		default:
			w.b = append(w.b, text[:n]...)
		}
		text = text[n:]
	}
}

// done returns what was appended to start, or start unchanged and ErrValue. What was written and is not returned may hold a secret: it is wiped.
func (w *writer) done(start int) ([]byte, error) {
	if w.bad {
		clear(w.b[start:])
		return w.b[:start], ErrValue
	}
	return w.b, nil
}
