package login

import (
	"net"
	"net/netip"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/authxml"
	"github.com/holdfast-vpn/holdfast/protocol/strap"
)

// DefaultUserAgent begins with AnyConnect because some gateways answer others with a web page, and contains OpenConnect because others look for that.
// ocserv gives it the same documents as any client newer than version 3.
const DefaultUserAgent = "AnyConnect-compatible OpenConnect VPN Agent v9.01 (Holdfast)"

// clientVersion is what the XML says of us; it goes with the user agent.
const clientVersion = "v9.01"

// Options are what the caller decides about how we talk. The zero value is usable.
type Options struct {
	UserAgent string // DefaultUserAgent when empty
	// Wrap is put between TCP and TLS, for instance to join small writes. What it returns takes over the connection.
	Wrap func(net.Conn) net.Conn
	// Hellos remembers which gateways want a short ClientHello; nil finds it out each time.
	Hellos *Hellos
	// Avoid reports addresses that a session that comes back leaves alone, other than the one that worked. Nil for none.
	Avoid func(netip.Addr) bool
	// Answered is called once, when the gateway has given its first answer: there is something behind the certificate.
	Answered func()
	// Waiting is told true when the gateway has had our answers for a second, and then false when it begins to speak: in between a person may be looking
	// for a phone, and the caller's own limit of time should stand still.
	Waiting func(bool)
}

func (o Options) userAgent() string {
	if o.UserAgent == "" {
		return DefaultUserAgent
	}
	return o.UserAgent
}

func (o Options) answered() {
	if o.Answered != nil {
		o.Answered()
	}
}

func (o Options) waiting(on bool) {
	if o.Waiting != nil {
		o.Waiting(on)
	}
}

// Result is a successful login.
type Result struct {
	Token    redact.Secret   // the value of the cookie webvpn
	Conn     *Conn           // the connection the login ended on, ready for CONNECT; nil when the gateway closed it
	Target   protocol.Target // after redirects; Fixed holds the resolution, the address that answered first
	Gateway  netip.AddrPort
	LeafKey  [32]byte
	User     string   // the user name that was sent, "" when none was asked
	Group    string   // the label of the group that was chosen, "" when there was no choice
	Banner   string   // the text after login, "" when there was none
	Accepted []string // every banner the user accepted: equal texts are not asked again
	Config   authxml.Config
	Key      strap.Key // that was announced, and has to sign each CONNECT
}
