package record

import (
	"bytes"
	"crypto/sha1"
	"testing"

	"github.com/pion/dtls/v3/pkg/crypto/ciphersuite"
	"github.com/pion/dtls/v3/pkg/crypto/prf"
	"github.com/pion/dtls/v3/pkg/protocol"
	"github.com/pion/dtls/v3/pkg/protocol/recordlayer"
)

// foreign is another implementation of one record protection.
type foreign interface {
	Encrypt(*recordlayer.RecordLayer, []byte) ([]byte, error)
	Decrypt(recordlayer.Header, []byte) ([]byte, error)
}

// pion returns pion's server for the secrets, with keys that pion derived where it can.
func pion(t *testing.T, s Secrets) foreign {
	t.Helper()
	suite, err := lookup(s.Version, s.Suite)
	if err != nil {
		t.Fatal(err)
	}
	mac, salt := macLen, 16
	if suite.gcm {
		mac, salt = 0, 4
	}
	var k *prf.EncryptionKeys
	if s.Version == DTLS12 {
		k, err = prf.GenerateEncryptionKeys(s.Master.Reveal(), s.ClientRandom[:], s.ServerRandom[:], mac, suite.key, salt, suite.hash)
		if err != nil {
			t.Fatal(err)
		}
	} else {
		b := PRF(s.Version, s.Suite, s.Master.Reveal(), "key expansion", append(s.ServerRandom[:], s.ClientRandom[:]...), 2*(mac+suite.key))
		at := 0
		cut := func(n int) []byte { at += n; return b[at-n : at] }
		k = &prf.EncryptionKeys{ClientMACKey: cut(mac), ServerMACKey: cut(mac), ClientWriteKey: cut(suite.key), ServerWriteKey: cut(suite.key), ClientWriteIV: make([]byte, 16), ServerWriteIV: make([]byte, 16)}
	}
	var f foreign
	if suite.gcm {
		f, err = ciphersuite.NewGCM(k.ServerWriteKey, k.ServerWriteIV, k.ClientWriteKey, k.ClientWriteIV)
	} else {
		f, err = ciphersuite.NewCBC(k.ServerWriteKey, k.ServerWriteIV, k.ServerMACKey, k.ClientWriteKey, k.ClientWriteIV, k.ClientMACKey, sha1.New)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestAgainstPion: what we seal opens there, and what is sealed there opens here. pion reads no version older than the standard.
func TestAgainstPion(t *testing.T) {
	for _, k := range kinds {
		if k.version == DTLSCisco {
			continue
		}
		t.Run(Name(k.version, k.id), func(t *testing.T) {
			s := secrets(k.version, k.id, true)
			other := pion(t, s)
			seal, open, err := New(s)
			if err != nil {
				t.Fatal(err)
			}
			for n := range 70 {
				plain := bytes.Repeat([]byte{byte(n + 1)}, n)
				rec, err := seal.Seal(TypeData, slotOf(plain), Headroom, n)
				if err != nil {
					t.Fatal(err)
				}
				var h recordlayer.Header
				if err := h.Unmarshal(rec); err != nil {
					t.Fatal(err)
				}
				if got, err := other.Decrypt(h, rec); err != nil || !bytes.Equal(got[HeaderLen:], plain) {
					t.Fatalf("%d bytes of ours: %x, %v", n, got, err)
				}
				out := recordlayer.Header{ContentType: protocol.ContentTypeApplicationData, Version: protocol.Version{Major: byte(k.version >> 8), Minor: byte(k.version)}, Epoch: 1, SequenceNumber: uint64(n), ContentLen: uint16(n)}
				head := Header{TypeData, k.version, 1, uint64(n)}.Append(nil, n)
				sealed, err := other.Encrypt(&recordlayer.RecordLayer{Header: out}, append(head, plain...))
				if err != nil {
					t.Fatal(err)
				}
				in, rec, _, err := Parse(sealed)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := open.Open(nil, in, rec); err != nil || !bytes.Equal(got, plain) {
					t.Fatalf("%d bytes of pion's: %x, %v", n, got, err)
				}
			}
		})
	}
}
