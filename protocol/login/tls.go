package login

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// handshakeTime bounds a TLS handshake: a gateway far away and busy needs two seconds.
const handshakeTime = 10 * time.Second

// verifier decides whether the other end is the gateway.
type verifier struct {
	host  string
	trust protocol.Trust
	known *[32]byte // the key seen at login when a session comes back, nil at login
	roots *x509.CertPool
	leaf  *x509.Certificate // that was shown, believed or not; nil before the handshake

	identity *protocol.Identity // shown to a gateway that asks; nil for none
	signTime time.Duration      // for its key to sign

	short   bool // the ClientHello is the short one
	quick   bool // a gateway that says nothing is given up soon
	unheard bool // the last one that was tried has said nothing
}

// newVerifier reads the roots. Pins replace everything, so with pins there are none.
func newVerifier(host string, trust protocol.Trust, known *[32]byte) (*verifier, error) {
	v := &verifier{host: strings.TrimSuffix(host, "."), trust: trust, known: known, signTime: loginTime}
	if len(trust.Pins) > 0 {
		return v, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // a system without roots trusts nobody
	}
	if len(trust.CAPEM) > 0 && !roots.AppendCertsFromPEM(trust.CAPEM) {
		return nil, fault.Newf(fault.UseBad, nil, "the CA file holds no certificate")
	}
	v.roots = roots
	return v, nil
}

// secure makes conn a verified TLS connection. It takes over conn: on error it is closed.
//
// crypto/tls would verify before VerifyConnection and could neither prefer a pin nor recognise a known key: its verification is off and ours stands in
// its place, on every connection, for there are no session tickets that could resume without it.
func (v *verifier) secure(ctx context.Context, conn net.Conn) (*tls.Conn, *shown, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	s := &shown{identity: v.identity, wait: v.signTime}
	var heard, late atomic.Bool
	cfg := &tls.Config{
		ServerName:                  v.host,
		MinVersion:                  tls.VersionTLS12,
		InsecureSkipVerify:          true,
		VerifyConnection:            func(cs tls.ConnectionState) error { heard.Store(true); return v.verify(cs) },
		SessionTicketsDisabled:      true,
		DynamicRecordSizingDisabled: true,
		GetClientCertificate:        s.certificate,
	}
	if v.short {
		cfg.CurvePreferences = shortCurves
	}
	if v.quick {
		giveUp := time.AfterFunc(helloTime, func() {
			if !heard.Load() {
				late.Store(true)
				cancel()
			}
		})
		defer giveUp.Stop()
	}
	c := tls.Client(conn, cfg)
	err := c.HandshakeContext(ctx)
	if err == nil {
		return c, s, nil
	}
	if late.Load() {
		err = context.DeadlineExceeded
	}
	v.unheard = !heard.Load() && (errors.Is(err, context.DeadlineExceeded) || hungUp(err))
	_ = conn.Close()
	return nil, nil, s.handshakeFault(err)
}

// verify is the whole of the verification. It runs inside the handshake, before anything is sent on the connection.
func (v *verifier) verify(cs tls.ConnectionState) error {
	if len(cs.PeerCertificates) == 0 {
		return fault.Newf(fault.TLSHandshake, nil, "no certificate was shown")
	}
	v.leaf = cs.PeerCertificates[0]
	key := leafKey(cs)
	if v.known != nil && *v.known == key {
		return nil
	}
	f := v.judge(cs, key)
	if f == nil {
		return nil
	}
	f.Hint(fmt.Sprintf("the key it showed has the fingerprint sha256:%x: compare it with the one your administrator gave you", key))
	if v.known != nil {
		return fault.New(fault.TLSChanged, f).Hint(f.Hints...)
	}
	return f
}

// judge is the verification of a login.
func (v *verifier) judge(cs tls.ConnectionState, key [32]byte) *fault.Error {
	leaf := cs.PeerCertificates[0]
	if len(v.trust.Pins) > 0 {
		if slices.Contains(v.trust.Pins, key) {
			return v.pinned([][]*x509.Certificate{{leaf}}) // nothing vouches for the rest of the chain
		}
		return fault.New(fault.TLSPin, nil)
	}
	opts := x509.VerifyOptions{
		DNSName:       v.host,
		Roots:         v.roots,
		Intermediates: x509.NewCertPool(),
		CurrentTime:   time.Now(),
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, c := range cs.PeerCertificates[1:] {
		opts.Intermediates.AddCert(c)
	}
	chains, err := leaf.Verify(opts)
	switch accepted := v.trust.Accepted; {
	case err == nil:
		return v.pinned(chains)
	case accepted != nil && *accepted == key:
		return v.pinned([][]*x509.Certificate{{leaf}})
	case accepted != nil:
		return fault.New(fault.TLSOther, nil)
	}
	f := v.refusal(leaf, err)
	f.Err = v.untrusted(cs)
	return f
}

// refusal is the first thing that is wrong with a certificate.
func (v *verifier) refusal(leaf *x509.Certificate, err error) *fault.Error {
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &name):
		return fault.Newf(fault.TLSName, nil, "it is for %s", namesOf(leaf))
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fault.Newf(fault.TLSExpired, nil, "valid from %s to %s", leaf.NotBefore.UTC().Format(time.DateOnly), leaf.NotAfter.UTC().Format(time.DateOnly))
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return fault.Newf(fault.TLSUntrusted, nil, "it is not meant for a server")
	}
	return fault.New(fault.TLSUntrusted, nil)
}

// pinned holds verified chains to the keys that the profile pins: one of them must be there.
func (v *verifier) pinned(chains [][]*x509.Certificate) *fault.Error {
	if v.trust.Require == nil {
		return nil
	}
	for _, chain := range chains {
		for _, c := range chain {
			if slices.Contains(v.trust.Require, sha512.Sum512(c.RawSubjectPublicKeyInfo)) {
				return nil
			}
		}
	}
	return fault.Newf(fault.TLSPin, nil, "the profile pins other keys for it")
}

// namesOf lists the first names of a certificate, for a person.
func namesOf(c *x509.Certificate) string {
	names := slices.Clone(c.DNSNames[:min(len(c.DNSNames), 3)])
	for _, ip := range c.IPAddresses[:min(len(c.IPAddresses), 3)] {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return "no host at all"
	}
	return strings.Join(names, ", ")
}

// leafKey is the SHA-256 of the leaf's SubjectPublicKeyInfo.
func leafKey(cs tls.ConnectionState) [32]byte {
	return sha256.Sum256(cs.PeerCertificates[0].RawSubjectPublicKeyInfo)
}

// handshakeFault says what went wrong in a handshake: our own verdict, no TLS at all, the way there, or a gateway that will not.
func (s *shown) handshakeFault(err error) error {
	var f *fault.Error
	var header tls.RecordHeaderError
	var op *net.OpError
	switch {
	case errors.As(err, &f):
		return f
	case s.failed != nil: // crypto/tls keeps only its text
		return s.failed
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return fault.Newf(fault.NetSilent, nil, "no answer to the TLS handshake")
	case errors.As(err, &header):
		return fault.New(fault.TLSHandshake, nil)
	case s.asked && hungUp(err):
		return s.refused(err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fault.Newf(fault.TLSHandshake, nil, "it closed the connection")
	case errors.As(err, &op) && !isAlert(op):
		return fault.New(fault.NetLost, err)
	}
	return s.refused(err)
}

// isAlert reports whether an error is a TLS alert: crypto/tls dresses those as network errors.
func isAlert(op *net.OpError) bool { return op.Op == "remote error" || op.Op == "local error" }
