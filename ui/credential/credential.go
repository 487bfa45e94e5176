package credential

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"slices"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
)

// MaxFile bounds the files that callers read, in bytes.
const MaxFile = 256 << 10

// maxChain bounds the certificates of one credential: the agent takes no more.
const maxChain = 16

// Ask asks for a passphrase. It is called at most once, and only when the key has one.
type Ask func() (redact.Secret, error)

// Credential is a certificate with its private key.
type Credential struct {
	chain []*x509.Certificate // the leaf first
	key   crypto.Signer
}

// newCredential puts the certificate of the key first: files hold them in any order.
func newCredential(key any, certs []*x509.Certificate) (*Credential, error) {
	var public crypto.PublicKey
	switch k := key.(type) {
	case *rsa.PrivateKey:
		public = k.Public()
	case *ecdsa.PrivateKey:
		public = k.Public()
	case ed25519.PrivateKey:
		public = k.Public()
	default:
		return nil, fault.Newf(fault.AuthCertFile, nil, "the key is neither RSA, ECDSA nor Ed25519")
	}
	switch {
	case len(certs) == 0:
		return nil, fault.Newf(fault.AuthCertFile, nil, "there is no certificate")
	case len(certs) > maxChain:
		return nil, fault.Newf(fault.AuthCertFile, nil, "more than %d certificates", maxChain)
	}
	type comparable interface{ Equal(crypto.PublicKey) bool }
	i := slices.IndexFunc(certs, func(c *x509.Certificate) bool { return public.(comparable).Equal(c.PublicKey) })
	if i < 0 {
		return nil, fault.New(fault.AuthCertKey, nil)
	}
	chain := append([]*x509.Certificate{certs[i]}, append(slices.Clone(certs[:i]), certs[i+1:]...)...)
	return &Credential{chain: chain, key: key.(crypto.Signer)}, nil
}

// PEM is the certificate and its chain, for the agent. The key is not in it.
func (c *Credential) PEM() string {
	var out bytes.Buffer
	for _, cert := range c.chain {
		_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}) // a buffer takes everything
	}
	return out.String()
}

// Fingerprint is the SHA-256 of the certificate, in hex.
func (c *Credential) Fingerprint() string {
	sum := sha256.Sum256(c.chain[0].Raw)
	return hex.EncodeToString(sum[:])
}
