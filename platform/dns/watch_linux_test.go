package dns

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"
)

// event is one as the kernel writes it, its name padded with zeros.
func event(name string) []byte {
	b := make([]byte, unix.SizeofInotifyEvent, 64)
	if name == "" {
		return b
	}
	padded := (len(name)/16 + 1) * 16
	binary.NativeEndian.PutUint32(b[12:], uint32(padded))
	return append(append(b, name...), make([]byte, padded-len(name))...)
}

func TestConcerns(t *testing.T) {
	for _, c := range []struct {
		name   string
		events []byte
		want   bool
	}{
		{"nothing", nil, false},
		{"another file", event("passwd"), false},
		{"our spare", event(".resolv.conf.holdfast"), false},
		{"the file", event("resolv.conf"), true},
		{"the file behind another", append(event("passwd"), event("resolv.conf")...), true},
		{"the bytes of a mounted file, or lost events", event(""), true},
		{"torn", event("passwd")[:20], true},
	} {
		if got := concerns(c.events); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

func FuzzConcerns(f *testing.F) {
	f.Add(append(event("passwd"), event("resolv.conf")...))
	f.Add(event("")[:3])
	f.Fuzz(func(_ *testing.T, b []byte) { concerns(b) })
}
