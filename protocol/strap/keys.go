package strap

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"errors"

	"github.com/holdfast-vpn/holdfast/dart/redact"
)

// The headers: the first two with a login, the first and the last with CONNECT. Their values are base64.
const (
	HeaderPubkey   = "X-AnyConnect-STRAP-Pubkey"
	HeaderDHPubkey = "X-AnyConnect-STRAP-DH-Pubkey"
	HeaderVerify   = "X-AnyConnect-STRAP-Verify"
)

// maxKey bounds an encoded key, in bytes: one of P-256 has 91 as SubjectPublicKeyInfo and 138 in PKCS#8.
const maxKey = 512

// ErrKey says that something is no key of P-256 in the encoding that belongs there.
var ErrKey = errors.New("strap: not a key that can be used")

// Keys are those of one login.
type Keys struct {
	sign *ecdsa.PrivateKey
	dh   *ecdh.PrivateKey

	pub, dhPub string
}

// New makes the keys of a login.
func New() (*Keys, error) {
	sign, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	dh, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return from(sign, dh)
}

// from completes the keys with their encodings.
func from(sign *ecdsa.PrivateKey, dh *ecdh.PrivateKey) (*Keys, error) {
	k := &Keys{sign: sign, dh: dh}
	var err error
	if k.pub, err = encode(&sign.PublicKey); err == nil {
		k.dhPub, err = encode(dh.PublicKey())
	}
	return k, err
}

// encode is a public key as headers have it.
func encode(pub any) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	return base64.StdEncoding.EncodeToString(der), err
}

// Announce returns what the requests of a login say: the values of HeaderPubkey and HeaderDHPubkey.
func (k *Keys) Announce() (pubkey, dhPubkey string) { return k.pub, k.dhPub }

// Key is the signing key, for as long as the session lives.
func (k *Keys) Key() Key {
	der, err := x509.MarshalPKCS8PrivateKey(k.sign)
	if err != nil {
		return Key{} // there is no key of P-256 that cannot be written
	}
	defer clear(der)
	return Key{redact.New(der)}
}

// Key is a session's signing key, in PKCS#8. The zero value is none: the login announced none.
type Key struct{ redact.Secret }

// private reads the key.
func (k Key) private() (*ecdsa.PrivateKey, error) {
	if k.Len() > maxKey {
		return nil, ErrKey
	}
	any, err := x509.ParsePKCS8PrivateKey(k.Reveal())
	key, ok := any.(*ecdsa.PrivateKey)
	if err != nil || !ok || key.Curve != elliptic.P256() {
		return nil, ErrKey
	}
	return key, nil
}

// public reads a header's public key. It returns the DER too, which is what is signed.
func public(header string) (*ecdsa.PublicKey, []byte, error) {
	if len(header) > base64.StdEncoding.EncodedLen(maxKey) {
		return nil, nil, ErrKey
	}
	der, err := base64.StdEncoding.DecodeString(header)
	if err != nil {
		return nil, nil, ErrKey
	}
	pub, err := parse(der)
	return pub, der, err
}

// parse reads a SubjectPublicKeyInfo of P-256.
func parse(der []byte) (*ecdsa.PublicKey, error) {
	if len(der) > maxKey {
		return nil, ErrKey
	}
	any, err := x509.ParsePKIXPublicKey(der)
	pub, ok := any.(*ecdsa.PublicKey)
	if err != nil || !ok || pub.Curve != elliptic.P256() {
		return nil, ErrKey
	}
	return pub, nil
}
