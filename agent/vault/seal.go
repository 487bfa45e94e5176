package vault

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
)

// Sizes in bytes. A session has some 20 KiB; what makes one longer is a list of routes, or the authorities that a user trusts.
const (
	keyLen  = 32
	maxFile = 8 << 20
)

// header begins a sealed file: what it is, and the version of the sealing. It is authenticated with the rest.
var header = []byte("holdfast session 1\n")

// newKey returns a random key.
func newKey() []byte {
	k := make([]byte, keyLen)
	_, _ = rand.Read(k) // never fails
	return k
}

// aead draws a nonce for each Seal and puts it first.
func aead(key []byte) (cipher.AEAD, error) {
	if len(key) != keyLen {
		return nil, fmt.Errorf("a key of %d bytes", len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// bound is what a sealed file is tied to, besides its key.
func bound(boot string) []byte { return append(bytes.Clone(header), boot...) }

// seal encrypts a session for the boot that runs.
func seal(key []byte, boot string, s Session) ([]byte, error) {
	box, err := aead(key)
	if err != nil {
		return nil, err
	}
	plain, err := marshal(s)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	if len(plain)+len(header)+box.Overhead() > maxFile {
		return nil, fmt.Errorf("a session of %d bytes is not kept", len(plain))
	}
	return box.Seal(bytes.Clone(header), nil, plain, bound(boot)), nil
}

// open decrypts a sealed file. Nothing of it is read before all of it was found to be ours.
func open(key []byte, boot string, file []byte) (Session, error) {
	sealed, ok := bytes.CutPrefix(file, header)
	if !ok {
		return Session{}, errors.New("no sealed session of this version")
	}
	box, err := aead(key)
	if err != nil {
		return Session{}, err
	}
	plain, err := box.Open(nil, nil, sealed, bound(boot))
	if err != nil {
		return Session{}, errors.New("it is of another boot, cut off or changed")
	}
	defer clear(plain)
	return unmarshal(plain)
}
