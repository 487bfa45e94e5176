package dtlstun

import (
	"crypto/sha512"
	"errors"
	"hash"
	"sync"
	"sync/atomic"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/ciphersuite"
	"github.com/pion/dtls/v3/pkg/crypto/clientcertificate"
	"github.com/pion/dtls/v3/pkg/crypto/prf"
	"github.com/pion/dtls/v3/pkg/protocol/recordlayer"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/record"
)

// psk256 is TLS_PSK_WITH_AES_256_GCM_SHA384 (RFC 5487 section 2): the strongest suite a gateway offers with a plain PSK, and the only one that matches a TLS connection
// with AES-256 where the gateway wants both alike. Keys, nonces and tags are pion's; the counter is in the record that it hands to Encrypt.
//
// A handshake has its own: pion tells a suite's keys to the suite alone, so this one keeps what the record layer needs (handOver).
type psk256 struct {
	gcm atomic.Pointer[ciphersuite.GCM]

	mu      sync.Mutex
	secrets record.Secrets
}

const psk256ID dtls.CipherSuiteID = 0x00a9

var errNoKeys = errors.New("dtlstun: no keys yet")

func (s *psk256) String() string                          { return "TLS_PSK_WITH_AES_256_GCM_SHA384" }
func (s *psk256) ID() dtls.CipherSuiteID                  { return psk256ID }
func (s *psk256) CertificateType() clientcertificate.Type { return 0 }
func (s *psk256) HashFunc() func() hash.Hash              { return sha512.New384 }
func (s *psk256) ECC() bool                               { return false }
func (s *psk256) IsInitialized() bool                     { return s.gcm.Load() != nil }

func (s *psk256) AuthenticationType() dtls.CipherSuiteAuthenticationType {
	return dtls.CipherSuiteAuthenticationTypePreSharedKey
}

func (s *psk256) KeyExchangeAlgorithm() dtls.CipherSuiteKeyExchangeAlgorithm {
	return dtls.CipherSuiteKeyExchangeAlgorithmPsk
}

// Init derives the keys: no MAC keys, 32 bytes each way, 4 bytes of implicit nonce (RFC 5288 section 3).
func (s *psk256) Init(master, clientRandom, serverRandom []byte, isClient bool) error {
	k, err := prf.GenerateEncryptionKeys(master, clientRandom, serverRandom, 0, 32, 4, s.HashFunc())
	if err != nil {
		return err
	}
	var g *ciphersuite.GCM
	if isClient {
		g, err = ciphersuite.NewGCM(k.ClientWriteKey, k.ClientWriteIV, k.ServerWriteKey, k.ServerWriteIV)
	} else {
		g, err = ciphersuite.NewGCM(k.ServerWriteKey, k.ServerWriteIV, k.ClientWriteKey, k.ClientWriteIV)
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets = record.Secrets{Version: record.DTLS12, Suite: uint16(psk256ID), Master: redact.New(master), Client: isClient, Epoch: 1}
	copy(s.secrets.ClientRandom[:], clientRandom)
	copy(s.secrets.ServerRandom[:], serverRandom)
	s.gcm.Store(g)
	return nil
}

// handOver is what the record layer needs.
func (s *psk256) handOver() (record.Secrets, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.secrets.NextSeq == 0 || s.secrets.PeerSeq == 0 { // a Finished went each way
		return record.Secrets{}, errState
	}
	return s.secrets, nil
}

// count makes *next larger than a record's number.
func (s *psk256) count(next *uint64, seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*next = max(*next, seq+1)
}

func (s *psk256) Encrypt(pkt *recordlayer.RecordLayer, raw []byte) ([]byte, error) {
	g := s.gcm.Load()
	if g == nil {
		return nil, errNoKeys
	}
	s.count(&s.secrets.NextSeq, pkt.Header.SequenceNumber)
	return g.Encrypt(pkt, raw)
}

func (s *psk256) Decrypt(h recordlayer.Header, in []byte) ([]byte, error) {
	g := s.gcm.Load()
	if g == nil {
		return nil, errNoKeys
	}
	head, _, _, err := record.Parse(in) // h is empty
	if err != nil {
		return nil, err
	}
	plain, err := g.Decrypt(h, in)
	if err == nil && head.Epoch > 0 {
		s.count(&s.secrets.PeerSeq, head.Seq)
	}
	return plain, err
}
