package resume

import (
	"crypto/hmac"

	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/record"
)

const (
	labelClient = "client finished"
	labelServer = "server finished"
	verifyLen   = 12
)

// keys are those of one pair of hellos.
type keys struct {
	secrets record.Secrets
	sealer  *record.Sealer
	opener  *record.Opener
}

func newKeys(s record.Secrets) (*keys, error) {
	sealer, opener, err := record.New(s)
	if err != nil {
		return nil, err
	}
	return &keys{secrets: s, sealer: sealer, opener: opener}, nil
}

// seal is a record with a number of its own.
func (k *keys) seal(m message) ([]byte, error) {
	slot := make([]byte, record.Headroom+messageHeader+len(m.body)+record.Tailroom)
	n := len(m.append(slot[record.Headroom:record.Headroom]))
	return k.sealer.Seal(record.TypeHandshake, slot, record.Headroom, n)
}

// open opens a record in place.
func (k *keys) open(h record.Header, rec []byte) ([]byte, error) {
	plain, err := k.opener.Open(nil, h, rec)
	if err == nil && h.Seq >= k.secrets.PeerSeq {
		k.secrets.PeerSeq = h.Seq + 1
	}
	return plain, err
}

// handOver is what the next owner of the keys goes on with.
func (k *keys) handOver() record.Secrets {
	s := k.secrets
	s.NextSeq = k.sealer.Next()
	return s
}

// same compares two verify_data in constant time.
func same(got, want []byte) bool { return hmac.Equal(got, want) }
