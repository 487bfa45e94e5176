package record

import (
	"encoding/binary"
	"errors"
	"sync/atomic"
)

const (
	// nonceLen is the explicit part of a nonce (RFC 5288 section 3): epoch and number, which never come twice.
	nonceLen = 8
	tagLen   = 16
	// maxPlain is the longest plaintext (RFC 6347 section 4.1).
	maxPlain = 1 << 14
)

var (
	// ErrExhausted says that every number of the epoch was used.
	ErrExhausted = errors.New("record: no sequence numbers left")
	// ErrRoom says that a record or its plaintext does not fit where it should go.
	ErrRoom = errors.New("record: not enough room")
)

// Sealer seals records. Any number of goroutines may use it.
type Sealer struct {
	version, epoch uint16
	direction
	next atomic.Uint64
}

// Overhead is how many bytes longer a record is than its plaintext, at most.
func (s *Sealer) Overhead() int {
	if s.cbc != nil {
		return HeaderLen + cbcOverhead
	}
	return HeaderLen + nonceLen + tagLen
}

// Next is the number that the next record will get.
func (s *Sealer) Next() uint64 { return s.next.Load() }

// Seal seals slot[at:at+n] in place under the next number and returns the record, a part of slot. It needs Headroom bytes before at and Tailroom bytes behind the
// plaintext, and writes to both. Errors: ErrRoom, ErrExhausted; none uses a number that could come again.
func (s *Sealer) Seal(t Type, slot []byte, at, n int) ([]byte, error) {
	if n < 0 || n > maxPlain || at < Headroom || at+n+Tailroom > len(slot) {
		return nil, ErrRoom
	}
	// 2^64 additions are out of reach: the counter cannot come round.
	seq := s.next.Add(1) - 1
	if seq > maxSeq {
		return nil, ErrExhausted
	}
	h := Header{Type: t, Version: s.version, Epoch: s.epoch, Seq: seq}
	if s.cbc != nil {
		return s.cbc.seal(h, slot, at, n)
	}
	// Nonce and additional data are laid out below the packet, where no other goroutine is, and the header goes over them: nothing is allocated or shared.
	nonce := slot[at-nonceLen-len(s.salt) : at]
	copy(nonce, s.salt[:])
	binary.BigEndian.PutUint64(nonce[len(s.salt):], uint64(s.epoch)<<48|seq)
	extra := slot[at-len(nonce)-HeaderLen : at-len(nonce)]
	h.putMAC(extra, n)
	sealed := s.aead.Seal(slot[at:at], nonce, slot[at:at+n], extra)
	start := at - nonceLen - HeaderLen
	h.put(slot[start:], nonceLen+len(sealed))
	return slot[start : at+len(sealed)], nil
}
