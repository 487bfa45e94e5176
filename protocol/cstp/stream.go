package cstp

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// choresQueue is how many answers may wait. Four is more than any honest peer asks for at once; the rest is dropped.
const choresQueue = 4

// chore is what is left to the chores goroutine.
type chore uint8

const (
	answerDPD chore = iota
	flush           // a control frame waits, or crypto/tls wrote something while reading
)

// Stream carries packets over a TLS connection, one frame per record, in either role. It is a protocol.Carrier: one goroutine calls ReadBatch, one WriteBatch;
// WriteControl may be called from anywhere.
type Stream struct {
	tls  *tls.Conn
	cork *Cork
	act  *activity

	chores chan chore
	done   chan struct{}
	heard  chan struct{} // closed when the reader has met its error: nothing comes any more
	end    *ending
	wg     sync.WaitGroup

	in reader
}

// NewStream takes over a TLS connection whose handshake is done and whose transport is cork, and starts the chores goroutine, which Close ends. residual is
// what was read from it beyond the HTTP head (see Residual); the Stream keeps it.
func NewStream(c *tls.Conn, cork *Cork, residual []byte) *Stream {
	s := &Stream{tls: c, cork: cork, act: newActivity(), chores: make(chan chore, choresQueue), done: make(chan struct{}), heard: make(chan struct{}), end: newEnding()}
	s.in.rest = residual
	cork.Hold()
	s.wg.Go(s.doChores)
	return s
}

// Residual copies what a bufio.Reader holds beyond what was taken from it.
func Residual(r *bufio.Reader) []byte {
	p, _ := r.Peek(r.Buffered())
	return append([]byte(nil), p...)
}

// Overhead is what a packet grows by on its way into TCP: frame header, TLS record header, type byte and tag.
func (s *Stream) Overhead() int { return HeaderLen + 5 + 1 + 16 }

// WriteBatch sends every packet of b as a frame and a record of its own, in one send for the most part. Packets longer than MaxPayload are left out. It blocks
// as long as the peer takes nothing. Errors are *fault.Error NET-005 and final.
func (s *Stream) WriteBatch(b *packet.Batch) error {
	for i := range b.Len() {
		f := b.WithHeader(i, HeaderLen)
		if len(f)-HeaderLen > MaxPayload {
			continue
		}
		PutHeader(f, TypeData, len(f)-HeaderLen)
		if _, err := s.tls.Write(f); err != nil {
			return lost(err)
		}
		if s.cork.Held() >= sendAt {
			if err := s.cork.Flush(); err != nil {
				return lost(err)
			}
		}
	}
	// Before the flush: a peer that takes nothing must not hide that something was asked.
	s.act.noteLong(b)
	s.act.noteSent(true)
	return lost(s.cork.Flush())
}

// WriteControl sends one frame that is no data. It never blocks: the chores goroutine, or the flush that is under way, carries it out. Errors as with WriteBatch.
func (s *Stream) WriteControl(t Type, payload []byte) error {
	if len(payload) > MaxPayload {
		return fault.New(fault.GwFrame, ErrOversize)
	}
	if _, err := s.tls.Write(AppendFrame(nil, t, payload)); err != nil {
		return lost(err)
	}
	s.act.noteSent(false)
	// When the queue is full something in it flushes after this.
	s.leave(flush)
	return nil
}

// doChores writes what the reader may not, and sends what must not make its writer wait.
func (s *Stream) doChores() {
	for {
		select {
		case <-s.done:
			return
		case c := <-s.chores:
			if c == answerDPD {
				_, _ = s.tls.Write(AppendFrame(nil, TypeDPDResp, nil))
				s.act.noteSent(false)
			}
			// A failure shows in the pump's next write, and in the reader.
			_ = s.cork.Flush()
		}
	}
}

// leave queues a chore or drops it.
func (s *Stream) leave(c chore) {
	select {
	case s.chores <- c:
	default:
	}
}

// Close sends close_notify after what is still held, closes the connection and waits for the chores goroutine. It unblocks reader and writer.
func (s *Stream) Close() error { return s.close(s.tls.Close) }

// Goodbye sends a DISCONNECT and closes as the peer does. Closing at once would answer what the peer is sending with a reset, and that can overtake our goodbye;
// so our side of the connection is ended first, and the peer has a quarter of a second to end its own, while somebody reads.
func (s *Stream) Goodbye(reason byte, text string) error {
	return s.close(func() error {
		if s.WriteControl(TypeDisconnect, AppendDisconnect(nil, reason, text)) == nil && s.tls.CloseWrite() == nil {
			s.cork.finish(s.heard)
		}
		return s.cork.Abandon()
	})
}

// Abandon resets the connection without a word: for a path that is dead, or a session that goes on elsewhere.
func (s *Stream) Abandon() error { return s.close(s.cork.Reset) }

func (s *Stream) close(how func() error) (err error) {
	s.end.do(func() {
		close(s.done)
		err = how()
	})
	s.wg.Wait()
	return err
}

// lost makes a failure of the connection a fault; nil stays nil.
func lost(err error) error {
	if err == nil {
		return nil
	}
	var f *fault.Error
	if errors.As(err, &f) {
		return err
	}
	return fault.New(fault.NetLost, fmt.Errorf("cstp: %w", err))
}

// readErr makes a failure of the reader a fault.
func readErr(err error) error {
	var closed *PeerClosed
	switch {
	case errors.As(err, &closed):
		return fault.Newf(fault.GwEnded, err, "%s", closed.Text)
	case errors.Is(err, ErrMagic), errors.Is(err, ErrOversize):
		return fault.New(fault.GwFrame, err)
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		return fault.New(fault.NetLost, fmt.Errorf("cstp: the connection ended: %w", err))
	}
	return lost(err)
}
