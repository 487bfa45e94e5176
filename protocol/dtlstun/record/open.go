package record

import "errors"

var (
	// ErrForeign says that a record is of another version or epoch.
	ErrForeign = errors.New("record: of another version or epoch")
	// ErrReplay says that a record's number was seen, or is too old to tell.
	ErrReplay = errors.New("record: seen before")
	// ErrForged says that a record does not open.
	ErrForged = errors.New("record: does not open")
)

// Opener opens records. It belongs to one goroutine.
type Opener struct {
	version, epoch uint16
	direction
	window window
	nonce  [12]byte
	extra  [HeaderLen]byte
}

// Open opens a record that Parse returned, and writes its plaintext to dst, which must lie apart from rec, or be rec[len(rec):] or nil to open it in place. What is
// returned is a part of dst, or of rec. The bytes of rec are of no use afterwards. Every error means that the record is to be dropped, and none that the channel is at its
// end: ErrForeign, ErrReplay, ErrForged, ErrRoom.
func (o *Opener) Open(dst []byte, h Header, rec []byte) ([]byte, error) {
	if h.Version != o.version || h.Epoch != o.epoch {
		return nil, ErrForeign
	}
	if !o.window.fresh(h.Seq) {
		return nil, ErrReplay
	}
	var plain []byte
	var err error
	if o.cbc != nil {
		plain, err = o.cbc.open(dst, h, rec[HeaderLen:])
	} else {
		plain, err = o.openAEAD(dst, h, rec[HeaderLen:])
	}
	if err != nil {
		return nil, err
	}
	o.window.see(h.Seq)
	return plain, nil
}

func (o *Opener) openAEAD(dst []byte, h Header, body []byte) ([]byte, error) {
	n := len(body) - nonceLen - tagLen
	if n < 0 {
		return nil, ErrForged
	}
	if n > maxPlain || dst != nil && len(dst) < n {
		return nil, ErrRoom
	}
	copy(o.nonce[:], o.salt[:])
	copy(o.nonce[len(o.salt):], body)
	h.putMAC(o.extra[:], n)
	if dst == nil {
		dst = body[nonceLen:]
	}
	plain, err := o.aead.Open(dst[:0:n], o.nonce[:], body[nonceLen:], o.extra[:])
	if err != nil {
		return nil, ErrForged
	}
	return plain, nil
}
