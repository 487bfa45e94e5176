package login

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
)

const defaultPort = 443

// Conn is a connection to a gateway whose certificate was verified. Nothing has been sent on it.
type Conn struct {
	TLS     *tls.Conn
	Raw     net.Conn       // below TLS: what Options.Wrap returned, or the dialer's connection
	Gateway netip.AddrPort // the address that answered
	LeafKey [32]byte       // SHA-256 of the leaf's SubjectPublicKeyInfo
	RTT     time.Duration  // the time of the connect
	Cipher  string         // TLS version and suite, for people
	Addrs   []netip.Addr   // every address that was known, the one that answered first

	shown *shown
}

// Close says goodbye and closes. It may be called more than once.
func (c *Conn) Close() error { return c.TLS.Close() }

// Dial makes a verified connection to a target: its addresses (t.Fixed, or a lookup) are tried in order, each 250 ms after the one before or as soon as
// that failed, and three times more where they say nothing; the first that connects and is verified wins. Errors are *fault.Error: of several, the one that says most
// (TLS-…, NET-…); NET-006 when ctx ended, AUTH-003 when it was cancelled.
func Dial(ctx context.Context, d protocol.Dialer, t protocol.Target, via protocol.Path, o Options) (*Conn, error) {
	v, err := newVerifier(t.Host, t.Trust, nil)
	if err != nil {
		return nil, err
	}
	v.identity = t.Identity
	addrs := t.Fixed
	if len(addrs) == 0 {
		if addrs, err = d.Lookup(ctx, t.Host); err != nil {
			return nil, netFault(ctx, err, fault.NetNoName, fault.NetTimeout)
		}
		if known := addrs; len(known) > 0 {
			if addrs = t.Families.Of(known); len(addrs) == 0 {
				return nil, fault.Newf(fault.NetNoRoute, nil, "its name has no address of the family that the profile allows")
			}
		}
	}
	f := &field{dialer: d, port: portOf(t.Port), via: via, most: mostConnects, all: unique(addrs)}
	return f.race(ctx, o, v)
}

// DialSession makes a verified connection for a session that comes back. The gateway's addresses are those of the first resolution, the one that worked
// first. Its name is resolved again, through the path, where the gateway asked for that (X-CSTP-DynDNS), beside the attempts on what is known; and where the path has
// no family in common with what is known, as with NAT64, whose name servers have an address for it. Its certificate has the key seen at login, or is verified as at login. Anything else is TLS-006: this path is not the gateway. NET-006 when ctx ended,
// however it did: nobody gave up a login. A client certificate is shown only if the process with its key is there and signs within a second: most gateways
// are content with the token.
func DialSession(ctx context.Context, d protocol.Dialer, s protocol.SessionRef, via protocol.Path, o Options) (*Conn, error) {
	v, err := newVerifier(s.Target.Host, s.Target.Trust, &s.LeafKey)
	if err != nil {
		return nil, err
	}
	if id := s.Target.Identity; id != nil && id.Key.Present() {
		v.identity, v.signTime = id, againTime
	}
	home := s.Gateway.Addr().Unmap()
	f := &field{dialer: d, port: s.Gateway.Port(), via: via, most: mostReturns, all: append([]netip.Addr{home}, s.Target.Fixed...)}
	f.avoid = func(a netip.Addr) bool { return o.Avoid != nil && a != home && o.Avoid(a) }
	f.all = f.fit(f.all)
	if s.DynDNS || len(f.all) == 0 {
		ctx, stop := context.WithCancel(ctx)
		defer f.lookup(ctx, s.Target)()
		defer stop()
	}
	c, err := f.race(ctx, o, v)
	if err != nil && v.identity != nil && fault.As(err).Code == fault.AuthUnsigned && ctx.Err() == nil {
		v.identity = nil // a gateway that knows the token may not insist
		c, err = f.race(ctx, o, v)
	}
	if err != nil && ctx.Err() != nil {
		return nil, fault.New(fault.NetTimeout, ctx.Err())
	}
	return c, err
}

// Explain says what the end of a connection means on which the gateway had answered nothing: one that asked for a client certificate wanted it, or refused it. Every
// other error stays as it is.
func (c *Conn) Explain(err error) error {
	if f := fault.As(err); f.Code == fault.NetLost && c.shown != nil && c.shown.asked && !c.shown.taken {
		return c.shown.refused(f)
	}
	return err
}

// upgrade makes a connected socket a Conn. It takes over the socket.
func (v *verifier) upgrade(ctx context.Context, r connected, o Options) (*Conn, error) {
	raw := r.conn
	if o.Wrap != nil {
		raw = o.Wrap(raw)
	}
	c, shown, err := v.secure(ctx, raw)
	if err != nil {
		return nil, err
	}
	cs := c.ConnectionState()
	return &Conn{
		TLS: c, Raw: raw, Gateway: r.to, LeafKey: leafKey(cs), RTT: r.rtt,
		Cipher: tls.VersionName(cs.Version) + " " + tls.CipherSuiteName(cs.CipherSuite),
		shown:  shown,
	}, nil
}

// netFault makes err a fault: what it already is, cancelled, late when its time was over, else the given code.
func netFault(ctx context.Context, err error, code, late fault.Code) error {
	var f *fault.Error
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(ctx.Err(), context.Canceled):
		return fault.New(fault.AuthCancelled, context.Canceled)
	case errors.Is(err, context.DeadlineExceeded):
		return fault.New(late, context.DeadlineExceeded)
	}
	return fault.New(code, err)
}

// telling returns the failure that says more about the gateway; the earlier one when they say the same much.
func telling(a, b error) error {
	if a != nil && tells(a) >= tells(b) {
		return a
	}
	return b
}

// tells ranks a failure: a verdict on a certificate, a machine that answers, the network.
func tells(err error) int {
	switch fault.As(err).Code {
	case fault.TLSUntrusted, fault.TLSName, fault.TLSExpired, fault.TLSPin, fault.TLSChanged, fault.AuthCertNeeded, fault.AuthCertRefused, fault.AuthUnsigned:
		return 3
	case fault.TLSHandshake, fault.NetRefused:
		return 2
	case fault.NetSilent, fault.NetLost:
		return 1
	}
	return 0
}

// portOf is the port of a target, 443 when it names none.
func portOf(p uint16) uint16 {
	if p == 0 {
		return defaultPort
	}
	return p
}
