package dtlstun

import (
	"crypto/sha512"
	"errors"
	"hash"
	"sync/atomic"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/ciphersuite"
	"github.com/pion/dtls/v3/pkg/crypto/clientcertificate"
	"github.com/pion/dtls/v3/pkg/crypto/prf"
	"github.com/pion/dtls/v3/pkg/protocol/recordlayer"
)

// psk256 is TLS_PSK_WITH_AES_256_GCM_SHA384 (RFC 5487 section 2): the strongest suite a gateway offers with a plain PSK, and the only one that matches a TLS connection
// with AES-256 where the gateway wants both alike. Keys, nonces and tags are pion's; the counter is in the record that it hands to Encrypt.
type psk256 struct {
	gcm atomic.Pointer[ciphersuite.GCM]
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
	if err == nil {
		s.gcm.Store(g)
	}
	return err
}

func (s *psk256) Encrypt(pkt *recordlayer.RecordLayer, raw []byte) ([]byte, error) {
	if g := s.gcm.Load(); g != nil {
		return g.Encrypt(pkt, raw)
	}
	return nil, errNoKeys
}

func (s *psk256) Decrypt(h recordlayer.Header, in []byte) ([]byte, error) {
	if g := s.gcm.Load(); g != nil {
		return g.Decrypt(h, in)
	}
	return nil, errNoKeys
}
