package strap

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"errors"

	"github.com/holdfast-vpn/holdfast/dart/redact"
)

const (
	// MaxSealed is the longest sealed message in bytes; a real one has about 200.
	MaxSealed = 3 << 10

	version  = 1
	tagLen   = 12
	nonceLen = 12
	keyInfo  = "AC_ECIES"
)

// Parts of a sealed message.
const (
	partPubkey = iota + 1
	partTag
	partCiphertext
	partNonce
	parts // one more than there are
)

var (
	// ErrSealed: no sealed message.
	ErrSealed = errors.New("strap: not a sealed message")
	// ErrOther: sealed to another key, or changed on the way.
	ErrOther = errors.New("strap: the message was not sealed for this login")
)

// message is a sealed message taken apart. Its members are parts of what was parsed.
type message struct{ pubkey, tag, ciphertext, nonce []byte }

// parseMessage takes a message apart. Each part is there once, and nothing else is.
func parseMessage(b []byte) (m message, err error) {
	if len(b) < 2 || len(b) > MaxSealed || binary.BigEndian.Uint16(b) != version {
		return m, ErrSealed
	}
	var part [parts][]byte
	for b = b[2:]; len(b) > 0; {
		if len(b) < 4 {
			return m, ErrSealed
		}
		tag, n := int(binary.BigEndian.Uint16(b)), int(binary.BigEndian.Uint16(b[2:]))
		b = b[4:]
		if tag < partPubkey || tag >= parts || part[tag] != nil || n > len(b) || n == 0 {
			return m, ErrSealed
		}
		part[tag], b = b[:n:n], b[n:]
	}
	m = message{part[partPubkey], part[partTag], part[partCiphertext], part[partNonce]}
	if m.pubkey == nil || len(m.tag) != tagLen || m.ciphertext == nil || len(m.nonce) != nonceLen {
		return message{}, ErrSealed
	}
	return m, nil
}

// append writes the message.
func (m message) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, version)
	for i, p := range [][]byte{m.pubkey, m.tag, m.ciphertext, m.nonce} {
		b = binary.BigEndian.AppendUint16(b, uint16(partPubkey+i))
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(p))), p...)
	}
	return b
}

// Open opens what a gateway sealed to the keys of this login, in base64. ErrSealed or ErrOther; a token is printable ASCII without spaces, and anything else is ErrOther as well.
func (k *Keys) Open(text redact.Secret) (redact.Secret, error) {
	if text.Len() > base64.StdEncoding.EncodedLen(MaxSealed) {
		return redact.Secret{}, ErrSealed
	}
	b, err := base64.StdEncoding.AppendDecode(nil, text.Reveal())
	if err != nil {
		return redact.Secret{}, ErrSealed
	}
	m, err := parseMessage(b)
	if err != nil {
		return redact.Secret{}, err
	}
	pub, err := parse(m.pubkey)
	if err != nil {
		return redact.Secret{}, ErrSealed
	}
	peer, err := pub.ECDH()
	if err != nil {
		return redact.Secret{}, ErrSealed
	}
	aead, err := derive(k.dh, peer)
	if err != nil {
		return redact.Secret{}, ErrOther
	}
	token, err := aead.Open(nil, m.nonce, append(m.ciphertext, m.tag...), nil)
	if err != nil {
		return redact.Secret{}, ErrOther
	}
	defer clear(token)
	for _, c := range token {
		if c <= ' ' || c >= 0x7f {
			return redact.Secret{}, ErrOther
		}
	}
	return redact.New(token), nil
}

// Seal seals a token to the key that a client announced as HeaderDHPubkey. It returns the message in base64. The error is ErrKey, or ErrSealed for a token that is empty or too long.
func Seal(dhPubkey string, token redact.Secret) (string, error) {
	pub, _, err := public(dhPubkey)
	if err != nil {
		return "", err
	}
	peer, err := pub.ECDH()
	if err != nil {
		return "", ErrKey
	}
	own, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return "", err
	}
	var nonce [nonceLen]byte
	_, _ = rand.Read(nonce[:])
	return seal(own, peer, nonce[:], token)
}

// seal is Seal with what it draws.
func seal(own *ecdh.PrivateKey, peer *ecdh.PublicKey, nonce []byte, token redact.Secret) (string, error) {
	if token.Empty() || token.Len() > MaxSealed/2 {
		return "", ErrSealed
	}
	aead, err := derive(own, peer)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKIXPublicKey(own.PublicKey())
	if err != nil {
		return "", err
	}
	sealed := aead.Seal(nil, nonce, token.Reveal(), nil)
	n := len(sealed) - tagLen
	return base64.StdEncoding.EncodeToString(message{der, sealed[n:], sealed[:n], nonce}.append(nil)), nil
}

// derive is the cipher that both ends share.
func derive(own *ecdh.PrivateKey, peer *ecdh.PublicKey) (cipher.AEAD, error) {
	shared, err := own.ECDH(peer)
	if err != nil {
		return nil, err
	}
	defer clear(shared)
	key, err := hkdf.Key(sha256.New, shared, nil, keyInfo, 32)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithTagSize(block, tagLen)
}
