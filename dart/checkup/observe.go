package checkup

import (
	"net/netip"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// Observations is what the probes saw. The zero value of a part means that it was not looked at.
type Observations struct {
	Host   string    // as it was resolved and as the certificate must name it
	Port   uint16    // of the gateway
	Pinned bool      // a pin replaces chain, name and dates
	NoWeb  bool      // plain HTTP was not tried: the profile says DisableCaptivePortalDetection
	Now    time.Time // this machine's clock when the certificate was judged

	Links Links
	Names Names
	Paths []Path // one per address, in the order a connect tries them
	Web   Web
	Hello Hello
	UDP   UDP
}

// Links is how the machine is connected, tunnels of ours left out.
type Links struct {
	Up      []string // "eth0 192.0.2.2" per usable interface
	Unknown bool     // the system could not be asked
	Took    time.Duration
}

// Names is the resolution of the gateway's name.
type Names struct {
	Literal bool // the target is an address: nothing was asked
	Addrs   []netip.Addr
	Fault   *fault.Error
	NoRoute bool // there was not even a way to a name server
	Took    time.Duration
	By      string       // the way a session would have names resolved on this machine; "" when that is not known
	Fixed   *fault.Error // why it could not
}

// Path is the way to one address, as far as it went.
type Path struct {
	Addr    netip.Addr
	Refused *fault.Error // why there is no connection; nil when there is one
	NoRoute bool         // Refused because this machine has no route
	Dialled time.Duration
	MTU     int // of the path as the system knows it, bytes; 0 when it does not say

	Secured   bool         // the TLS handshake went through, whatever became of the certificate
	TLS       *fault.Error // why it did not
	Small     bool         // it stalled with packets of full size and went through with small ones
	Cipher    string
	Handshake time.Duration

	Untrusted *fault.Error // what is wrong with the certificate; nil when it was believed
	Key       string       // fingerprint of the key that was shown, sha256:HEX
	NotBefore time.Time    // of the certificate that was shown, believed or not
	NotAfter  time.Time
}

// believed reports whether the path ends at a verified gateway.
func (p Path) believed() bool { return p.Secured && p.Untrusted == nil }

// Web is what the gateway's address answers to plain HTTP on port 80.
type Web struct {
	Answered  bool
	Status    int
	Elsewhere string // the other host it sends us to
	Page      bool   // it shows a web page
	SignIn    bool   // which says that one has to sign in
	Date      time.Time
	Took      time.Duration
}

// Hello is the answer to the first request of a login.
type Hello struct {
	Asked     bool
	Fault     *fault.Error
	Asks      string // what the gateway wants next, in plain words
	Elsewhere string // host[:port]/path that it sends us to
	Date      time.Time
	Took      time.Duration
}

// UDP is what became of a DTLS greeting to the gateway's port.
type UDP struct {
	Sent     bool
	Answered bool         // by whatever is there
	Refused  *fault.Error // an ICMP error came back
	Took     time.Duration
}
