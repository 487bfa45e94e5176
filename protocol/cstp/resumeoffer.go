package cstp

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/resume"
)

// masterLen is the length of the master secret of DTLS, in bytes.
const masterLen = 48

// ResumeOffer is what a client offers for DTLS by resumption (protocol/dtlstun/resume). The zero value offers nothing.
type ResumeOffer struct {
	Master redact.Secret // X-DTLS-Master-Secret, 48 bytes: whoever knows it reads and writes what goes by DTLS
	DTLS12 resume.List   // X-DTLS12-CipherSuite
	DTLS   resume.List   // X-DTLS-CipherSuite
}

// NewResumeOffer offers everything under a secret that was never used.
func NewResumeOffer() ResumeOffer {
	b := make([]byte, masterLen)
	_, _ = rand.Read(b) // never fails
	defer clear(b)
	return ResumeOffer{Master: redact.New(b), DTLS12: resume.DTLS12, DTLS: resume.DTLS}
}

// append appends the headers. With psk the first choice is the key of the TLS connection.
func (o *ResumeOffer) append(b []byte, psk bool) []byte {
	var plain []string
	if psk {
		plain = append(plain, pskNegotiate)
	}
	if !o.Master.Empty() {
		b = append(b, "X-DTLS-Master-Secret: "...)
		digits := upperHex(o.Master)
		b = append(append(b, digits...), "\r\n"...)
		clear(digits)
		if len(o.DTLS12) > 0 {
			b = append(append(append(b, "X-DTLS12-CipherSuite: "...), o.DTLS12.String()...), "\r\n"...)
		}
		if len(o.DTLS) > 0 {
			plain = append(plain, o.DTLS.String())
		}
	}
	if len(plain) > 0 {
		b = append(append(append(b, "X-DTLS-CipherSuite: "...), strings.Join(plain, ":")...), "\r\n"...)
	}
	return b
}

// upperHex is how gateways are told of a secret.
func upperHex(s redact.Secret) []byte { return bytes.ToUpper(hex.AppendEncode(nil, s.Reveal())) }

// parseResumeOffer is the gateway's side. A secret of another length, and names that are not known, are as if they were not there.
func parseResumeOffer(h http.Header) (o ResumeOffer) {
	b, err := hex.DecodeString(strings.TrimSpace(h.Get("X-DTLS-Master-Secret")))
	defer clear(b)
	if err != nil || len(b) != masterLen {
		return o
	}
	return ResumeOffer{Master: redact.New(b), DTLS12: resume.DTLS12.Named(h.Get("X-DTLS12-CipherSuite")), DTLS: resume.DTLS.Named(h.Get("X-DTLS-CipherSuite"))}
}
