package cstp

import (
	"errors"

	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// reader is the receiving half of a Stream: it finds the frames however the peer cut them into records. It belongs to the goroutine that calls ReadBatch.
type reader struct {
	rest []byte // plaintext that was read before there was a Stream
	head [HeaderLen]byte
	have int // bytes of head
	kind Type
	want int    // payload length, once head is whole
	got  int    // payload bytes so far
	part []byte // payload of a frame that is no data, or whose beginning came with an earlier batch
	err  error  // what the next call returns
}

// ReadBatch waits for a packet, adds it to b, and adds what else is there as long as b has room and that needs no waiting. b must have room for one. DATA longer
// than b.Room() is left out. It returns nil with at least one packet, or a *fault.Error: GW-006 when what comes is not CSTP, GW-004 (it wraps
// *PeerClosed) after DISCONNECT or TERMINATE, else NET-005. After an error every call returns it.
func (s *Stream) ReadBatch(b *packet.Batch) error {
	start := b.Len()
	s.cork.drain(false)
	for s.in.err == nil && !b.Full() {
		before := b.Len()
		err := s.readFrame(b)
		if errors.Is(err, drained) {
			break
		}
		if err != nil {
			s.in.err = readErr(err)
			close(s.heard)
			break
		}
		if b.Len() > before && before == start {
			s.cork.drain(true)
		}
	}
	if s.cork.Held() > 0 {
		s.leave(flush)
	}
	if b.Len() > start {
		s.act.noteLong(b)
		s.act.noteHeard(false, true)
		return nil
	}
	return s.in.err
}

// readFrame reads one frame, or as much of it as is there, and acts on it.
func (s *Stream) readFrame(b *packet.Batch) error {
	r := &s.in
	for r.have < HeaderLen {
		n, err := s.readTLS(r.head[r.have:])
		r.have += n
		if err != nil && r.have < HeaderLen {
			return err
		}
		if r.have == HeaderLen {
			if r.kind, r.want, err = ParseHeader(r.head[:]); err != nil {
				return err
			}
			r.got = 0
		}
	}
	if r.kind == TypeData && r.want <= b.Room() {
		return s.readData(b)
	}
	return s.readOther()
}

// readData reads the payload into the batch's next slot. When the rest of a frame is not there yet, what came moves to part: the slot goes with this batch.
func (s *Stream) readData(b *packet.Batch) error {
	r := &s.in
	slot := b.Next()[:r.want]
	copy(slot, r.part)
	r.part = r.part[:0]
	for r.got < r.want {
		n, err := s.readTLS(slot[r.got:])
		r.got += n
		if err != nil && r.got < r.want {
			r.part = append(r.part, slot[:r.got]...)
			return err
		}
	}
	if r.have = 0; r.want > 0 {
		b.Commit(r.want)
	}
	return nil
}

// readOther reads a control frame, a frame of unknown type or DATA that fits no slot, into part, and acts on it.
func (s *Stream) readOther() error {
	r := &s.in
	if cap(r.part) < r.want {
		r.part = append(make([]byte, 0, r.want), r.part...)
	}
	for r.got < r.want {
		n, err := s.readTLS(r.part[r.got:r.want])
		r.got += n
		r.part = r.part[:r.got]
		if err != nil && r.got < r.want {
			return err
		}
	}
	payload := r.part[:r.want]
	r.have, r.part = 0, r.part[:0]
	s.act.noteHeard(r.kind == TypeDPDResp, false)
	switch r.kind {
	case TypeDPDReq:
		s.leave(answerDPD)
	case TypeDisconnect, TypeTerminate:
		return parseClosed(r.kind, payload)
	}
	return nil
}

// readTLS reads plaintext. An error that comes with bytes is kept by crypto/tls and comes again.
func (s *Stream) readTLS(p []byte) (int, error) {
	if n := len(s.in.rest); n > 0 {
		n = copy(p, s.in.rest)
		s.in.rest = s.in.rest[n:]
		return n, nil
	}
	return s.tls.Read(p)
}
