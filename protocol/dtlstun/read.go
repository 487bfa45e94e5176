package dtlstun

import (
	"errors"
	"fmt"

	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/record"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// Alerts (RFC 5246 section 7.2).
const (
	alertWarning     = 1
	alertFatal       = 2
	alertCloseNotify = 0
)

// ReadBatch waits for packets and adds them to b, which must have room for one. It returns with what came together, as far as there is room. A packet longer than b.Room() is
// left out. An error is final, and comes after the packets that came before: ErrClosed, or the connection's.
func (c *Channel) ReadBatch(b *packet.Batch) error {
	first := b.Len()
	for c.end == nil && !b.Full() {
		d, err := c.next(b.Len() > first)
		if err != nil {
			c.end = err
		}
		if d == nil {
			break
		}
		none := b.Len() == first
		c.end = c.datagram(b, d)
		if none && b.Len() > first {
			c.heard(TypeData, b.Packet(first))
		}
	}
	c.newest.Store(c.open.Next())
	if b.Len() > first {
		return nil
	}
	return c.end
}

// next is the next datagram. If there is none it waits, or with some in hand returns nil.
func (c *Channel) next(some bool) (d []byte, err error) {
	if len(c.early) > 0 {
		d, c.early = c.early[0], c.early[1:]
		return d, nil
	}
	for d = c.sock.Next(); d == nil; d = c.sock.Next() {
		if !some {
			err = c.sock.Receive()
		} else if more, merr := c.sock.More(); merr != nil || !more {
			return nil, merr
		}
		if err != nil {
			return nil, err
		}
	}
	return d, nil
}

// datagram opens the records of a datagram. What is not of this channel is dropped without a word; an error ends the channel.
func (c *Channel) datagram(b *packet.Batch, d []byte) error {
	for len(d) > 0 {
		h, rec, rest, err := record.Parse(d)
		if err != nil {
			return nil
		}
		d = rest
		switch h.Type {
		case record.TypeData:
			err = c.data(b, h, rec)
		case record.TypeAlert:
			err = c.alert(h, rec)
		case record.TypeHandshake:
			c.handshake(h, rec)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// data opens one frame, right where its packet has to be.
func (c *Channel) data(b *packet.Batch, h record.Header, rec []byte) error {
	if b.Full() {
		return nil // several frames in one datagram, which nobody sends
	}
	slot := b.Bufs[b.Len()]
	frame, err := c.open.Open(slot[packet.Headroom-HeaderLen:packet.Headroom+b.Room()], h, rec)
	if err != nil {
		return nil
	}
	c.left = 0 // the peer has everything
	t, payload, err := ParseFrame(frame)
	if err != nil {
		return nil
	}
	if t == TypeData && len(payload) > 0 {
		b.Commit(len(payload))
		return nil
	}
	c.heard(t, payload)
	switch t {
	case TypeDPDReq:
		need := record.Headroom + HeaderLen + len(payload) + record.Tailroom
		if len(c.answer) < need {
			c.answer = make([]byte, need)
		}
		n := len(AppendFrame(c.answer[:record.Headroom], TypeDPDResp, payload)) - record.Headroom
		_ = c.write(record.TypeData, c.answer, n) // a failure shows where data is written
	case TypeDisconnect, TypeTerminate:
		return ErrClosed
	}
	return nil
}

// alert counts only if it opens: anybody can send one that is not sealed.
func (c *Channel) alert(h record.Header, rec []byte) error {
	a, err := c.open.Open(nil, h, rec)
	switch {
	case err != nil || len(a) != 2:
		return nil
	case a[1] == alertCloseNotify:
		return ErrClosed
	case a[0] == alertFatal:
		return fmt.Errorf("%w: alert %d", ErrClosed, a[1])
	}
	return nil
}

// handshake is a record of a handshake that is over for us. If it is a Finished of the peer's, it misses our last flight; one with a number that was seen says so as well, for
// not everybody gives a flight new numbers when it goes again.
func (c *Channel) handshake(h record.Header, rec []byte) {
	if c.left == 0 {
		return
	}
	if _, err := c.open.Open(nil, h, rec); err != nil && !errors.Is(err, record.ErrReplay) {
		return
	}
	c.left--
	_ = c.sock.Write(c.repeat)
}
