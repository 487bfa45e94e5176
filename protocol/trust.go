package protocol

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// maxPins bounds the pins of one target.
const maxPins = 16

// ParseTrust reads whom to believe (contract: --ca, --pin): authorities in PEM, "" for none, and pins as sha256:HEX or, in openconnect's spelling,
// pin-sha256:BASE64. The error is a *fault.Error USE-001.
func ParseTrust(caPEM string, pins []string) (Trust, error) {
	var t Trust
	if caPEM != "" {
		t.CAPEM = []byte(caPEM)
		if !x509.NewCertPool().AppendCertsFromPEM(t.CAPEM) {
			return t, fault.Newf(fault.UseBad, nil, "the CA file holds no certificate in PEM")
		}
	}
	if len(pins) > maxPins {
		return t, fault.Newf(fault.UseBad, nil, "more than %d pins", maxPins)
	}
	for _, s := range pins {
		pin, ok := parsePin(s)
		if !ok {
			return t, fault.Newf(fault.UseBad, nil, "a pin is sha256: and 64 hex digits, or pin-sha256: and base64")
		}
		t.Pins = append(t.Pins, pin)
	}
	return t, nil
}

// parsePin reads a pin in either spelling.
func parsePin(s string) (pin [32]byte, ok bool) {
	var b []byte
	var err error
	if text, found := strings.CutPrefix(s, "pin-sha256:"); found {
		b, err = base64.StdEncoding.DecodeString(text)
	} else if text, found := strings.CutPrefix(s, "sha256:"); found {
		b, err = hex.DecodeString(text)
	}
	if err != nil || len(b) != len(pin) {
		return pin, false
	}
	return [32]byte(b), true
}
