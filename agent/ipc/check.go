package ipc

import (
	"unicode"
	"unicode/utf8"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// Bounds on what a client may send, in bytes where they measure text.
const (
	maxBody     = 1 << 20
	maxTarget   = 1024
	maxName     = 256 // group, user, a field's name
	maxPins     = 16
	maxPin      = 128
	maxFields   = 64
	maxValue    = 4096
	maxPromptID = 64
	maxTimeout  = 10 * 60 * 1000 // ms
)

// check reports what makes the request unusable, before anything looks into it.
func (r ConnectRequest) check() error {
	switch {
	case !text(r.Target, maxTarget):
		return unusable("target")
	case !text(r.Group, maxName):
		return unusable("group")
	case !text(r.User, maxName):
		return unusable("user")
	case len(r.Pins) > maxPins:
		return unusable("pins")
	case r.TimeoutMS < 0 || r.TimeoutMS > maxTimeout:
		return unusable("timeout_ms")
	}
	switch r.Protocol {
	case "", "ssl", "ipsec", "ikev1":
	default:
		return unusable("protocol")
	}
	for _, p := range r.Pins {
		if !text(p, maxPin) {
			return unusable("pins")
		}
	}
	return nil
}

// check reports what makes the answer unusable: it is exactly one of the three.
func (a Answer) check() error {
	n := 0
	if a.Fields != nil {
		n++
	}
	if a.Accept != nil {
		n++
	}
	if a.Cancel {
		n++
	}
	if n != 1 {
		return fault.Newf(fault.UseRequest, nil, "an answer has exactly one of fields, accept and cancel")
	}
	if len(a.Fields) > maxFields {
		return unusable("fields")
	}
	for name, v := range a.Fields {
		if name == "" || !text(name, maxName) || v.Len() > maxValue {
			return unusable("fields")
		}
	}
	return nil
}

// text reports whether s is UTF-8 no longer than limit bytes, without characters that control a terminal or reorder or hide text: root reads it too.
func text(s string, limit int) bool {
	if len(s) > limit || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return false
		}
	}
	return true
}

// promptID reports whether s can be the id of a prompt.
func promptID(s string) bool {
	if s == "" || len(s) > maxPromptID {
		return false
	}
	for _, c := range []byte(s) {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-') {
			return false
		}
	}
	return true
}

func unusable(field string) error {
	return fault.Newf(fault.UseRequest, nil, "%s is malformed or too long", field)
}
