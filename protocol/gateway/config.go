package gateway

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// Config says what a gateway is. It must not change after New.
type Config struct {
	Certificate tls.Certificate
	Name        string // what it calls itself; "holdfast gateway" when empty

	Users    []User
	Groups   []Group // the first is the default; none means that no group is asked
	PreLogin string  // banner before the login
	Older    bool    // it knows the login before aggregate authentication alone
	Bound    bool    // a client that announced a key must sign each CONNECT with it, as Cisco's gateways want it
	Redirect string  // where a login that begins here is sent on to, an https URL; "" serves it
	Profile  []byte  // the client profile that comes with every login; none when empty

	// Pools holds the networks that inside addresses come from, at most one per family. The first address of each is the gateway's own and not given away.
	Pools []netip.Prefix
	// Settings is what every session gets: banner, MTU (1400 when 0), DNS, routes, timers. DisconnectedTimeout is IdleTimeout when 0, and half an hour without either. Addresses, Gateway, Cipher, Group, User and Raw are the gateway's affair.
	Settings protocol.Settings
	DTLS     DTLS // where it is told otherwise for DTLS

	Inside Inside       // what is behind the gateway; Close closes it
	Log    *slog.Logger // nil discards
}

// DTLS is what a gateway says of its DTLS where that is not what Settings has, and which ways into it there are. The zero value has the two good ones: PSK-NEGOTIATE, and for clients
// that do not know it the resumption of Cisco's gateways, with AES-GCM.
type DTLS struct {
	MTU   int           // for packets by it, in the client's hands: such a gateway expects DTLS to come up
	Rekey time.Duration // of its keys; 0 is the RekeyTime of Settings

	NoPSK    bool // as Cisco's gateways are
	NoResume bool
	Weak     bool // resumption with AES-CBC, and in the DTLS before the standard, for clients that have nothing else
}

// User is someone who may log in.
type User struct {
	Name     string
	Password redact.Secret
	Groups   []string // the groups the user is in; none means all
	// Challenge is what a second form asks once the password was right, and Check judges the answer. No challenge when Check is nil.
	Challenge string
	Check     func(answer redact.Secret) bool
	Change    Change        // what follows the right password, once
	Second    redact.Secret // the password of a second login, in groups that have one
}

// Group is one choice of the login form. Its name is what clients send, and the path /NAME selects it.
type Group struct {
	Name, Label string
	// Second is the label of a second password, which only this group's form has; "" for a group with one login.
	Second string
	// Browser has the group's users give name and password at a web page, in a browser of theirs: the gateway is its own identity provider. A Change comes by form after that, a Challenge not at all.
	Browser bool
}

// Inside is the network behind the gateway. One goroutine reads; any number write, one or two per client.
type Inside interface {
	// Read waits for packets to clients and fills b with what is there. After Close it fails.
	Read(b *packet.Batch) error
	// Write takes packets from a client; b is the caller's again after return, whatever is in it then.
	Write(b *packet.Batch) error
	Close() error
}

// Fixed is a Check that wants one answer every time.
func Fixed(answer redact.Secret) func(redact.Secret) bool {
	return func(a redact.Secret) bool { return a.Equal(answer) }
}

// Limits of a gateway.
const (
	maxConns     = 1024
	maxLogins    = 1024
	maxRequest   = 128 << 10        // head and body of a request
	maxTries     = 3                // wrong answers before 401
	handshakeFor = 10 * time.Second // of TLS, and of DTLS
	loginFor     = 5 * time.Minute  // a login is forgotten, and a connection that asks nothing closed
	defaultMTU   = 1400
	defaultLost  = 30 * time.Minute // a session without a tunnel is kept, where nothing else is said
)

// check completes and judges a configuration.
func (c *Config) check() error {
	if len(c.Certificate.Certificate) == 0 {
		return errors.New("gateway: no certificate")
	}
	if c.Inside == nil {
		return errors.New("gateway: no inside")
	}
	if c.Name == "" {
		c.Name = "holdfast gateway"
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Settings.MTU == 0 {
		c.Settings.MTU = defaultMTU
	}
	if c.Settings.MTU < 576 || c.Settings.MTU > 1500 {
		return fmt.Errorf("gateway: an MTU of %d is out of range", c.Settings.MTU)
	}
	c.Settings.Server = c.Name
	if c.Settings.DisconnectedTimeout == 0 {
		// The idle timer goes on as such when the tunnel is lost.
		c.Settings.DisconnectedTimeout = cmp.Or(c.Settings.IdleTimeout, defaultLost)
	}
	var four, six int
	for _, p := range c.Pools {
		switch {
		case !p.IsValid() || p.Bits() > p.Addr().BitLen()-2:
			return fmt.Errorf("gateway: the pool %v is too small", p)
		case p.Addr().Is4():
			four++
		default:
			six++
		}
	}
	if four > 1 || six > 1 || four+six == 0 {
		return errors.New("gateway: there must be one pool per family, at least one in all")
	}
	return nil
}
