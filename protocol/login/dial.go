package login

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
)

const (
	stagger      = 250 * time.Millisecond // between the starts of two connects (RFC 8305 section 5)
	connectTime  = 3 * time.Second        // for one connect
	maxAddresses = 16                     // of one gateway that are tried
	defaultPort  = 443
)

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
// that failed; the first that connects and is verified wins. Errors are *fault.Error: of several, the one that says most
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
	return race(ctx, d, addrs, portOf(t.Port), via, o, v)
}

// DialSession makes a verified connection for a session that comes back. The gateway's addresses are those of the first resolution, the one that worked
// first; its certificate has the key seen at login, or is verified as at login. Anything else is TLS-006: this path is not the gateway. NET-006 when ctx ended,
// however it did: nobody gave up a login. A client certificate is shown only if the process with its key is there and signs within a second: most gateways
// are content with the token.
func DialSession(ctx context.Context, d protocol.Dialer, s protocol.SessionRef, via protocol.Path, o Options) (*Conn, error) {
	v, err := newVerifier(s.Target.Host, s.Target.Trust, &s.LeafKey)
	if err != nil {
		return nil, err
	}
	addrs := append([]netip.Addr{s.Gateway.Addr()}, s.Target.Fixed...)
	if id := s.Target.Identity; id != nil && id.Key.Present() {
		v.identity, v.signTime = id, againTime
	}
	c, err := race(ctx, d, addrs, s.Gateway.Port(), via, o, v)
	if err != nil && v.identity != nil && fault.As(err).Code == fault.AuthUnsigned && ctx.Err() == nil {
		v.identity = nil // a gateway that knows the token may not insist
		c, err = race(ctx, d, addrs, s.Gateway.Port(), via, o, v)
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

// connected is what one connect came to.
type connected struct {
	to   netip.AddrPort
	conn net.Conn
	rtt  time.Duration
	err  error
}

// race connects to the addresses, staggered, and verifies whoever connects, one at a time.
func race(ctx context.Context, d protocol.Dialer, addrs []netip.Addr, port uint16, via protocol.Path, o Options, v *verifier) (*Conn, error) {
	addrs = unique(addrs)
	if len(addrs) == 0 {
		return nil, fault.New(fault.NetNoName, nil)
	}
	ctx, cancel := context.WithCancel(ctx)
	results := make(chan connected, len(addrs))
	pending, next := 0, 0
	defer func() {
		cancel()
		for ; pending > 0; pending-- {
			if r := <-results; r.conn != nil {
				_ = r.conn.Close()
			}
		}
	}()
	start := func() {
		if next < len(addrs) {
			to := netip.AddrPortFrom(addrs[next], port)
			next, pending = next+1, pending+1
			go func() { results <- connect(ctx, d, to, via) }()
		}
	}
	timer := time.NewTimer(stagger)
	defer timer.Stop()
	start()
	var failed error
	for {
		select {
		case <-timer.C:
		case r := <-results:
			pending--
			if r.err == nil {
				var c *Conn
				if c, r.err = v.greet(ctx, d, via, r, o); r.err == nil {
					c.Addrs = first(addrs, r.to.Addr())
					return c, nil
				}
			}
			if ctx.Err() != nil {
				return nil, netFault(ctx, ctx.Err(), fault.NetTimeout, fault.NetTimeout)
			}
			failed = telling(failed, r.err)
			if pending == 0 && next == len(addrs) {
				return nil, failed
			}
		case <-ctx.Done():
			return nil, netFault(ctx, ctx.Err(), fault.NetTimeout, fault.NetTimeout)
		}
		start()
		timer.Reset(stagger)
	}
}

// connect is one connect.
func connect(ctx context.Context, d protocol.Dialer, to netip.AddrPort, via protocol.Path) connected {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	began := time.Now()
	conn, err := d.DialTCP(ctx, to, via)
	if err != nil {
		return connected{to: to, err: netFault(ctx, err, fault.NetLost, fault.NetSilent)}
	}
	return connected{to: to, conn: conn, rtt: time.Since(began)}
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

// unique drops what is invalid or comes twice, and what is beyond the bound.
func unique(addrs []netip.Addr) []netip.Addr {
	var out []netip.Addr
	for _, a := range addrs {
		if a = a.Unmap(); a.IsValid() && !slices.Contains(out, a) && len(out) < maxAddresses {
			out = append(out, a)
		}
	}
	return out
}

// first returns addrs with a in front.
func first(addrs []netip.Addr, a netip.Addr) []netip.Addr {
	out := []netip.Addr{a}
	for _, b := range addrs {
		if b != a {
			out = append(out, b)
		}
	}
	return out
}

// portOf is the port of a target, 443 when it names none.
func portOf(p uint16) uint16 {
	if p == 0 {
		return defaultPort
	}
	return p
}
