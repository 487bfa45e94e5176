package protocol

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

func TestParseTrust(t *testing.T) {
	pin := "sha256:" + strings.Repeat("0a", 32)
	if got, err := ParseTrust("", []string{pin, pin}); err != nil || len(got.Pins) != 2 || got.CAPEM != nil {
		t.Errorf("two pins: %+v, %v", got, err)
	}
	for name, tt := range map[string]struct {
		ca   string
		pins []string
	}{
		"no PEM":        {"certificate", nil},
		"no pin":        {"", []string{"sha256:00"}},
		"too many pins": {"", make([]string, maxPins+1)},
	} {
		if _, err := ParseTrust(tt.ca, tt.pins); fault.As(err).Code != fault.UseBad {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParsePin(t *testing.T) {
	hex := "sha256:" + strings.Repeat("0a", 32)
	b64 := "pin-sha256:" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\x0a", 32)))
	a, ok1 := parsePin(hex)
	b, ok2 := parsePin(b64)
	if !ok1 || !ok2 || a != b || a[31] != 0x0a {
		t.Errorf("%v %v %v %v", a, ok1, b, ok2)
	}
}

func FuzzParsePin(f *testing.F) {
	f.Add("sha256:" + strings.Repeat("0a", 32))
	f.Add("pin-sha256:AAAA")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		if _, ok := parsePin(s); ok && !strings.HasPrefix(s, "sha256:") && !strings.HasPrefix(s, "pin-sha256:") {
			t.Errorf("%q is no pin", s)
		}
	})
}
