package login

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// Bounds of what is shown of a certificate that a stranger made; fault.Clean bounds each text.
const maxNames = 8

// dial is Dial with the keys that the user has accepted, and the question whether he accepts one. Whoever was told whom to believe, by a pin, a CA file or a profile, is not asked.
func (l *link) dial(ctx context.Context, t protocol.Target) (*Conn, error) {
	k, keeps := l.prompter.(protocol.TrustKeeper)
	if !keeps || len(t.Trust.Pins) > 0 || t.Trust.CAPEM != nil || t.Trust.Require != nil {
		return Dial(ctx, l.dialer, t, protocol.Path{}, l.opts)
	}
	port := portOf(t.Port)
	if key, ok := k.AcceptedKey(t.Host, port); ok {
		t.Trust.Accepted = &key
	}
	c, err := Dial(ctx, l.dialer, t, protocol.Path{}, l.opts)
	var u *protocol.Untrusted
	if err == nil || t.Trust.Accepted != nil || !errors.As(err, &u) || !k.MayAccept() {
		return c, err
	}
	u.Port = port
	a, asked := l.prompter.Ask(ctx, protocol.Form{Kind: protocol.FormTrust, Message: fault.As(err).Sentence(), Trust: u})
	switch {
	case asked != nil:
		return nil, asked
	case !a.Accept:
		return nil, err
	}
	if err := k.AcceptKey(t.Host, port, u.Key); err != nil {
		return nil, err
	}
	t.Trust.Accepted = &u.Key
	return Dial(ctx, l.dialer, t, protocol.Path{}, l.opts) // whoever answers now must have that key
}

// untrusted is a connection's certificate, which does not hold, as a person is shown it.
func (v *verifier) untrusted(cs tls.ConnectionState) *protocol.Untrusted {
	leaf := cs.PeerCertificates[0]
	u := &protocol.Untrusted{
		Host: v.host, Problems: v.problems(cs, time.Now()), Key: leafKey(cs), Certificate: sha256.Sum256(leaf.Raw),
		Subject: fault.Clean(leaf.Subject.String()), Issuer: fault.Clean(leaf.Issuer.String()), NotBefore: leaf.NotBefore.UTC(), NotAfter: leaf.NotAfter.UTC(),
	}
	for _, name := range leaf.DNSNames[:min(len(leaf.DNSNames), maxNames)] {
		u.Names = append(u.Names, fault.Clean(name))
	}
	for _, ip := range leaf.IPAddresses[:min(len(leaf.IPAddresses), maxNames)] {
		u.Names = append(u.Names, ip.String())
	}
	return u
}

// problems finds all that is wrong with a certificate, where crypto/x509 names the first thing alone.
func (v *verifier) problems(cs tls.ConnectionState, now time.Time) []protocol.Problem {
	leaf := cs.PeerCertificates[0]
	var found []protocol.Problem
	has := func(p protocol.Problem, is bool) {
		if is {
			found = append(found, p)
		}
	}
	opts := x509.VerifyOptions{Roots: v.roots, Intermediates: x509.NewCertPool(), CurrentTime: within(leaf, now), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	for _, c := range cs.PeerCertificates[1:] {
		opts.Intermediates.AddCert(c)
	}
	_, err := leaf.Verify(opts) // whatever its name, its date and its use
	unknown := errors.As(err, new(x509.UnknownAuthorityError))
	has(protocol.ProblemAuthority, unknown)
	has(protocol.ProblemName, leaf.VerifyHostname(v.host) != nil)
	has(protocol.ProblemExpired, now.After(leaf.NotAfter))
	has(protocol.ProblemNotYet, now.Before(leaf.NotBefore))
	serves := len(leaf.ExtKeyUsage)+len(leaf.UnknownExtKeyUsage) == 0 ||
		slices.ContainsFunc(leaf.ExtKeyUsage, func(u x509.ExtKeyUsage) bool { return u == x509.ExtKeyUsageServerAuth || u == x509.ExtKeyUsageAny })
	has(protocol.ProblemUsage, !serves)
	has(protocol.ProblemWeak, weak(leaf))
	has(protocol.ProblemInvalid, err != nil && !unknown || len(found) == 0)
	return found
}

// within is now, or the end of a certificate's time that is nearer.
func within(c *x509.Certificate, now time.Time) time.Time {
	switch {
	case now.After(c.NotAfter):
		return c.NotAfter
	case now.Before(c.NotBefore):
		return c.NotBefore
	}
	return now
}

// weak reports a key, or a signature that is somebody else's, that can be forged with means that exist.
func weak(c *x509.Certificate) bool {
	switch c.SignatureAlgorithm {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
		return true
	}
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen() < 2048
	case *ecdsa.PublicKey:
		return key.Params().BitSize < 224
	}
	return false
}
