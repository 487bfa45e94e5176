package strap

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
)

// maxSignature bounds a signature, in bytes: one of P-256 has at most 72.
const maxSignature = 128

var (
	// ErrBinding: the TLS connection has nothing that one could sign: resumed, and without an extended master secret.
	ErrBinding = errors.New("strap: this TLS connection has no channel binding")
	// ErrProof: the signature does not fit the key or the connection.
	ErrProof = errors.New("strap: the signature is not good")
)

// Proof is what a CONNECT says: the values of HeaderPubkey and HeaderVerify. The zero value is none.
type Proof struct{ Pubkey, Verify string }

// Prove signs for one TLS connection, whose handshake is done.
func (k Key) Prove(cs tls.ConnectionState) (Proof, error) {
	key, err := k.private()
	if err != nil {
		return Proof{}, err
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return Proof{}, err
	}
	sum, err := digest(cs, der)
	if err != nil {
		return Proof{}, err
	}
	sig, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	if err != nil {
		return Proof{}, err
	}
	return Proof{Pubkey: base64.StdEncoding.EncodeToString(der), Verify: base64.StdEncoding.EncodeToString(sig)}, nil
}

// Check is the gateway's side: it verifies a proof for one TLS connection against the key that counts, in the spelling of HeaderPubkey, and returns the one that counts from now on. ErrKey,
// ErrBinding or ErrProof.
func Check(known string, cs tls.ConnectionState, p Proof) (next string, err error) {
	pub, _, err := public(known)
	if err != nil {
		return "", err
	}
	_, der, err := public(p.Pubkey)
	if err != nil {
		return "", err
	}
	if len(p.Verify) > base64.StdEncoding.EncodedLen(maxSignature) {
		return "", ErrProof
	}
	sig, err := base64.StdEncoding.DecodeString(p.Verify)
	if err != nil {
		return "", ErrProof
	}
	sum, err := digest(cs, der)
	if err != nil {
		return "", err
	}
	if !ecdsa.VerifyASN1(pub, sum[:], sig) {
		return "", ErrProof
	}
	return base64.StdEncoding.EncodeToString(der), nil
}

// digest is what is signed: the connection, then the key that counts from now on.
func digest(cs tls.ConnectionState, der []byte) ([sha256.Size]byte, error) {
	b, err := binding(cs)
	return sha256.Sum256(append(b, der...)), err
}

// binding names a TLS connection: tls-exporter (RFC 9266) in TLS 1.3, tls-unique (RFC 5929 section 3) before.
func binding(cs tls.ConnectionState) ([]byte, error) {
	if cs.Version >= tls.VersionTLS13 {
		b, err := cs.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32)
		if err != nil {
			return nil, ErrBinding
		}
		return b, nil
	}
	if len(cs.TLSUnique) == 0 {
		return nil, ErrBinding
	}
	return bytes.Clone(cs.TLSUnique), nil
}
