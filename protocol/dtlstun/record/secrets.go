package record

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"slices"

	"github.com/holdfast-vpn/holdfast/dart/redact"
)

const (
	// Headroom is what Seal needs before a packet, in bytes.
	Headroom = 32
	// Tailroom is what Seal needs behind a packet, in bytes.
	Tailroom = 48
	// masterLen is the length of a master secret (RFC 5246 section 8.1).
	masterLen = 48
)

// ErrSecrets says that a handshake handed over something that cannot be right.
var ErrSecrets = errors.New("record: incomplete secrets")

// Secrets is what a handshake hands over: everything the record layer needs. From then on the Sealer made of it is the only one that may seal under these keys.
type Secrets struct {
	Version                    uint16        // DTLS12, DTLS10 or DTLSCisco
	Suite                      uint16        // must be Known in Version
	Master                     redact.Secret // 48 bytes
	ClientRandom, ServerRandom [32]byte
	Client                     bool   // we are the client
	Epoch                      uint16 // 1, after one handshake
	NextSeq                    uint64 // the first number that may be used in this epoch
	PeerSeq                    uint64 // numbers of the peer below this one count as seen
}

// New derives the keys. Errors: ErrSuite, ErrSecrets.
func New(s Secrets) (*Sealer, *Opener, error) {
	suite, err := lookup(s.Version, s.Suite)
	if err != nil {
		return nil, nil, err
	}
	if s.Master.Len() != masterLen || s.Epoch == 0 || s.NextSeq > maxSeq || s.PeerSeq > maxSeq {
		return nil, nil, ErrSecrets
	}
	client, server, err := s.directions(suite)
	if err != nil {
		return nil, nil, err
	}
	seal, open := client, server
	if !s.Client {
		seal, open = server, client
	}
	sealer := &Sealer{version: s.Version, epoch: s.Epoch, direction: seal}
	sealer.next.Store(s.NextSeq)
	return sealer, &Opener{version: s.Version, epoch: s.Epoch, direction: open, window: newWindow(s.PeerSeq)}, nil
}

// direction is one direction's keys. Either aead or cbc is set.
type direction struct {
	aead cipher.AEAD
	salt [4]byte // what is implicit of an AEAD's nonce
	cbc  *cbc
}

// directions expands the master secret (RFC 5246 section 6.3): MAC keys, keys, then what is implicit of the nonces, each for client and server.
func (s *Secrets) directions(suite suite) (client, server direction, err error) {
	mac, salt := macLen, 0
	if suite.gcm {
		mac, salt = 0, len(client.salt)
	}
	seed := slices.Concat(s.ServerRandom[:], s.ClientRandom[:])
	block := PRF(s.Version, s.Suite, s.Master.Reveal(), "key expansion", seed, 2*(mac+suite.key+salt))
	defer clear(block)
	rest := block
	cut := func(n int) (client, server []byte) {
		client, server, rest = rest[:n], rest[n:2*n], rest[2*n:]
		return client, server
	}
	clientMAC, serverMAC := cut(mac)
	clientKey, serverKey := cut(suite.key)
	clientSalt, serverSalt := cut(salt)
	if client, err = newDirection(suite, clientMAC, clientKey, clientSalt); err != nil {
		return direction{}, direction{}, err
	}
	server, err = newDirection(suite, serverMAC, serverKey, serverSalt)
	return client, server, err
}

func newDirection(suite suite, mac, key, salt []byte) (d direction, err error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return direction{}, err
	}
	if !suite.gcm {
		d.cbc = newCBC(block, mac)
		return d, nil
	}
	copy(d.salt[:], salt)
	d.aead, err = cipher.NewGCM(block)
	return d, err
}
