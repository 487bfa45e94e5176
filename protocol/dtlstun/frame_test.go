package dtlstun

import (
	"bytes"
	"errors"
	"testing"
)

func TestFrames(t *testing.T) {
	for _, c := range []struct {
		name    string
		kind    Type
		payload string
	}{
		{"data", TypeData, "a packet"},
		{"question", TypeDPDReq, "padding"},
		{"keepalive, empty", TypeKeepalive, ""},
		{"unknown", 0xee, "x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			kind, payload, err := ParseFrame(AppendFrame(nil, c.kind, []byte(c.payload)))
			if err != nil || kind != c.kind || string(payload) != c.payload {
				t.Errorf("%v %q %v", kind, payload, err)
			}
		})
	}
	if _, _, err := ParseFrame(nil); !errors.Is(err, ErrEmpty) {
		t.Errorf("an empty record: %v", err)
	}
}

func FuzzParseFrame(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0})
	f.Add([]byte{3, 1, 2, 3})
	f.Add([]byte{0, 0x45, 0, 0, 20})
	f.Fuzz(func(t *testing.T, b []byte) {
		kind, payload, err := ParseFrame(b)
		if err != nil {
			if len(b) != 0 {
				t.Fatalf("%x: %v", b, err)
			}
			return
		}
		if again := AppendFrame(nil, kind, payload); !bytes.Equal(again, b) {
			t.Fatalf("%x became %x", b, again)
		}
	})
}
