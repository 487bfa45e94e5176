package cstp

import (
	"fmt"
	"strings"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// The first byte of a DISCONNECT: what becomes of the session. A gateway that says nothing (an empty payload) has ReasonNone.
const (
	ReasonNone       byte = 0
	ReasonUser       byte = 0xb0 // the session ends
	ReasonLocalError byte = 0x70 // the session ends
	ReasonReconnect  byte = 0x91 // the session is kept
	ReasonPause      byte = 0xd1 // the session is kept
)

// PeerClosed is the error with which a Stream ends after DISCONNECT or TERMINATE.
type PeerClosed struct {
	Type   Type
	Reason byte
	Text   string // one clean line of at most 200 runes
}

// Error names the frame and the reason byte.
func (e *PeerClosed) Error() string {
	word := "DISCONNECT"
	if e.Type == TypeTerminate {
		word = "TERMINATE"
	}
	s := fmt.Sprintf("cstp: the peer sent %s, reason 0x%02x", word, e.Reason)
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}

// AppendDisconnect appends the payload of a DISCONNECT or TERMINATE.
func AppendDisconnect(b []byte, reason byte, text string) []byte {
	return append(append(b, reason), text...)
}

// parseClosed reads such a payload. Only its beginning is looked at: the text is for one line.
func parseClosed(t Type, p []byte) *PeerClosed {
	e := &PeerClosed{Type: t}
	if len(p) > 0 {
		e.Reason = p[0]
		e.Text = fault.Clean(strings.ToValidUTF8(string(p[1:]), " "))
	}
	return e
}
