package protocol

import "time"

// Transport says what a tunnel's packets travel by at this moment.
type Transport struct {
	Name    string        // tls, dtls
	Reason  string        // why it is not the faster one, for people; "" when it is
	Code    TransportCode // the same for programs
	Cipher  string        // of the datagrams; "" when that is the TLS connection's
	Since   time.Time     // from when on all of this has held, over tunnels that a network was known to more than one of
	RetryAt time.Time     // when the faster one is tried next: in the past where that is under way, zero where it is not tried again
}

// Same reports whether packets travel by the same and for the same reason, whenever that began and whatever is tried next.
func (t Transport) Same(o Transport) bool {
	return t.Name == o.Name && t.Reason == o.Reason && t.Code == o.Code && t.Cipher == o.Cipher
}

// TransportCode is a reason for packets to travel by the slower transport, as a word that does not change.
type TransportCode string

// The codes.
const (
	TransportSetup       TransportCode = "setup"        // the faster one is being set up
	TransportRekey       TransportCode = "rekey"        // it gets new keys
	TransportUDPBlocked  TransportCode = "udp-blocked"  // nothing comes back by UDP
	TransportUDPRefused  TransportCode = "udp-refused"  // nobody listens on the gateway's UDP port
	TransportUDPStopped  TransportCode = "udp-stopped"  // it worked, and then the gateway no longer answered there
	TransportUDPNarrow   TransportCode = "udp-narrow"   // UDP carries no packets of a useful size
	TransportUDPUnstable TransportCode = "udp-unstable" // UDP comes and goes
	TransportEnded       TransportCode = "ended"        // the gateway ended DTLS
	TransportRefused     TransportCode = "refused"      // the handshake of DTLS was refused
	TransportNoOffer     TransportCode = "no-offer"     // the gateway offers no DTLS that can be used
	TransportDisabled    TransportCode = "disabled"     // there is no DTLS on this side
	TransportFailed      TransportCode = "failed"       // anything else
)

// TransportCodes lists them all.
func TransportCodes() []TransportCode {
	return []TransportCode{TransportSetup, TransportRekey, TransportUDPBlocked, TransportUDPRefused, TransportUDPStopped, TransportUDPNarrow, TransportUDPUnstable,
		TransportEnded, TransportRefused, TransportNoOffer, TransportDisabled, TransportFailed}
}
