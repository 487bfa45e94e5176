package cstp

import (
	"errors"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/resume"
)

// why is a reason for packets to travel by TLS: a word that does not change, and a text for people. The zero value is none.
type why struct {
	code protocol.TransportCode
	text string
}

// Why packets travel by TLS before anything was tried.
var (
	whyNoDatagrams = why{protocol.TransportDisabled, "no way to send datagrams"}
	whyNoExport    = why{protocol.TransportNoOffer, "the TLS connection cannot export a key for DTLS, and the gateway offers no other"}
	whyNoOffer     = why{protocol.TransportNoOffer, "gateway offers no DTLS"}
	whyBadSuite    = why{protocol.TransportNoOffer, "the gateway chose a DTLS cipher suite that was not offered"}
	whyBadOffer    = why{protocol.TransportNoOffer, "the gateway's DTLS settings cannot be used"}
	whySetup       = why{protocol.TransportSetup, "DTLS is being set up"}
	whyRekey       = why{protocol.TransportRekey, "DTLS gets new keys"}
)

// whyFor is an error as `state` explains why packets go by TLS.
func whyFor(err error) why {
	var f *fault.Error
	switch {
	case errors.Is(err, dtlstun.ErrNoAnswer):
		return why{protocol.TransportUDPBlocked, "UDP blocked"}
	case errors.Is(err, dtlstun.ErrRefused):
		return why{protocol.TransportUDPRefused, "UDP blocked: nobody listens on the gateway's port"}
	case errors.Is(err, errSilent), errors.Is(err, errUDPDead):
		return why{protocol.TransportUDPStopped, "UDP blocked: the gateway stopped answering there"}
	case errors.Is(err, errNarrow):
		return why{protocol.TransportUDPNarrow, "UDP carries no packets of a useful size"}
	case errors.Is(err, errFickle):
		return why{protocol.TransportUDPUnstable, "UDP comes and goes"}
	case errors.Is(err, errMute):
		return why{protocol.TransportUDPBlocked, "UDP blocked: DTLS was set up and then nothing came"}
	case errors.Is(err, dtlstun.ErrClosed):
		return why{protocol.TransportEnded, "the gateway ended DTLS"}
	case errors.Is(err, resume.ErrNotResumed):
		return why{protocol.TransportRefused, "DTLS refused: who answered did not know the session"}
	case errors.Is(err, resume.ErrAlert):
		return why{protocol.TransportRefused, "DTLS refused: the gateway broke the handshake off"}
	case errors.Is(err, resume.ErrFinished):
		return why{protocol.TransportRefused, "DTLS refused: the handshake was tampered with"}
	case errors.As(err, &f):
		return why{protocol.TransportFailed, "UDP: " + f.Sentence()}
	}
	return why{protocol.TransportFailed, "handshake failed: " + fault.Clean(err.Error())}
}
