package protocol

import (
	"context"
	"crypto/x509"
)

// Identity is the public half of a client certificate, and the way to whoever holds the private one. The key itself is in no process but the user's.
type Identity struct {
	Chain [][]byte          // DER, the leaf first
	Leaf  *x509.Certificate // of Chain[0]
	Key   Keyholder
}

// Keyholder reaches the process that holds an Identity's private key. Its methods may be called from any goroutine.
type Keyholder interface {
	// Sign asks for a signature and waits for it until ctx ends. Errors are *fault.Error; AUTH-014 when nobody answers.
	Sign(ctx context.Context, s Signing) ([]byte, error)
	// Present reports whether there is somebody who could answer at once.
	Present() bool
}

// Signing is what a Keyholder is asked to sign.
type Signing struct {
	Scheme string // one of the names below
	// Content is what is signed, not its digest: the content of a TLS 1.3 client's CertificateVerify (RFC 8446 section 4.4.3), or the handshake messages of a
	// TLS 1.2 client up to it (RFC 5246 section 7.4.8). So whoever holds the key can see that it is one of these, and hashes it himself.
	Content []byte
}

// Schemes of a Signing. An ECDSA signature is ASN.1, the salt of PSS as long as the digest.
const (
	SignPSS256   = "rsa-pss-sha256"
	SignPSS384   = "rsa-pss-sha384"
	SignPSS512   = "rsa-pss-sha512"
	SignPKCS256  = "rsa-pkcs1-sha256"
	SignPKCS384  = "rsa-pkcs1-sha384"
	SignPKCS512  = "rsa-pkcs1-sha512"
	SignECDSA256 = "ecdsa-sha256"
	SignECDSA384 = "ecdsa-sha384"
	SignECDSA512 = "ecdsa-sha512"
	SignEd25519  = "ed25519"
)
