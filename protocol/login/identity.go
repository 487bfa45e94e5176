package login

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/tls"
	"encoding/asn1"
	"errors"
	"io"
	"strings"
	"syscall"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// How long the process that holds the private key may take to sign. In a login it has just given us the certificate; a session that comes back does not
// wait for it: most gateways are content with the token.
const (
	loginTime = 5 * time.Second
	againTime = time.Second
)

// errDigest: crypto/tls asks for whole messages, and nothing else may.
var errDigest = errors.New("login: a digest is not signed")

// shown is what became of the client certificate on one connection: a gateway that refuses speaks of it only by closing.
type shown struct {
	identity *protocol.Identity
	wait     time.Duration

	asked, gave bool
	taken       bool  // the gateway has answered a request: it has seen what it needs
	failed      error // why there is no signature
}

// certificate answers the gateway's question for a client certificate. Whether its issuer is one that the gateway names is the gateway's to judge.
func (s *shown) certificate(r *tls.CertificateRequestInfo) (*tls.Certificate, error) {
	s.asked = true
	if s.identity == nil {
		return &tls.Certificate{}, nil
	}
	s.gave = true
	return &tls.Certificate{Certificate: s.identity.Chain, Leaf: s.identity.Leaf, PrivateKey: &remoteKey{r.Context(), s}}, nil
}

// refused is the fault for a gateway that ended a connection by an alert, or, once it had asked for a certificate, without a word: ocserv does that.
func (s *shown) refused(err error) error {
	switch {
	case s.taken:
	case s.gave:
		return fault.New(fault.AuthCertRefused, err)
	case s.asked:
		return fault.New(fault.AuthCertNeeded, err)
	}
	return fault.New(fault.TLSRefused, err)
}

// hungUp reports whether the other end closed the connection.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// remoteKey is a private key in another process. crypto/tls hands it the message itself and not a digest, so that its holder can see what he signs.
type remoteKey struct {
	ctx context.Context // of the handshake
	*shown
}

var _ crypto.MessageSigner = (*remoteKey)(nil)

// Public implements crypto.Signer.
func (k *remoteKey) Public() crypto.PublicKey { return k.identity.Leaf.PublicKey }

// Sign implements crypto.Signer.
func (k *remoteKey) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return nil, errDigest }

// SignMessage implements crypto.MessageSigner.
func (k *remoteKey) SignMessage(_ io.Reader, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	scheme := schemeOf(k.Public(), opts)
	if scheme == "" {
		k.failed = fault.Newf(fault.AuthUnsupported, nil, "a signature with an outdated hash")
		return nil, k.failed
	}
	ctx, cancel := context.WithTimeout(k.ctx, k.wait)
	defer cancel()
	sig, err := k.identity.Key.Sign(ctx, protocol.Signing{Scheme: scheme, Content: msg})
	if err != nil && k.ctx.Err() == nil {
		k.failed = fault.As(err)
	}
	return sig, err
}

// schemeOf names what crypto/tls chose; "" for SHA-1 and what else is of no use.
func schemeOf(key crypto.PublicKey, opts crypto.SignerOpts) string {
	at, ok := map[crypto.Hash]int{crypto.SHA256: 0, crypto.SHA384: 1, crypto.SHA512: 2}[opts.HashFunc()]
	_, pss := opts.(*rsa.PSSOptions)
	switch key.(type) {
	case ed25519.PublicKey:
		if opts.HashFunc() == 0 {
			return protocol.SignEd25519
		}
	case *ecdsa.PublicKey:
		if ok {
			return [...]string{protocol.SignECDSA256, protocol.SignECDSA384, protocol.SignECDSA512}[at]
		}
	case *rsa.PublicKey:
		switch {
		case ok && pss:
			return [...]string{protocol.SignPSS256, protocol.SignPSS384, protocol.SignPSS512}[at]
		case ok:
			return [...]string{protocol.SignPKCS256, protocol.SignPKCS384, protocol.SignPKCS512}[at]
		}
	}
	return ""
}

// certificate answers a document that asks for a client certificate. Some gateways ask for it in TLS only on a connection that was made after that, so the first
// such document is answered on a new one; where that does not help, or nothing can be shown, the gateway is told so and may go on with a password.
func (c *Conversation) certificate() (Action, error) {
	if c.certs++; c.certs > c.certTries()+1 {
		if c.target.Identity != nil {
			return Action{}, fault.Newf(fault.AuthCertRefused, nil, "%s", c.resp.Error)
		}
		return Action{}, fault.Newf(fault.AuthCertNeeded, nil, "%s", c.resp.Error)
	}
	act, err := c.init()
	if err == nil {
		act.Send.Anew = true
	}
	return act, err
}

// certTries is how often a document that asks for a certificate may be answered with one.
func (c *Conversation) certTries() int {
	if c.target.Identity != nil {
		return 1
	}
	return 0
}

// userID is the attribute of a subject that names an account (RFC 4519 section 2.39).
var userID = asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 1}

// nameOf is the user name that a certificate proposes: its user ID, or a common name that could be one; "" when it has neither.
func nameOf(id *protocol.Identity) string {
	if id == nil {
		return ""
	}
	for _, a := range id.Leaf.Subject.Names {
		if text, ok := a.Value.(string); ok && a.Type.Equal(userID) {
			return fault.Clean(text)
		}
	}
	if cn := fault.Clean(id.Leaf.Subject.CommonName); !strings.ContainsAny(cn, " ,") {
		return cn
	}
	return ""
}
