package resume

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/record"
)

const (
	masterLen = 48
	// maxRecords bounds what is looked at in one datagram, heldRecords and heldLen what is kept until there are keys for it.
	maxRecords  = 16
	heldRecords = 4
	heldLen     = 256
)

var (
	// ErrNotResumed says that somebody answers, but not with the session that was asked for: a gateway that does not know it, or no gateway.
	ErrNotResumed = errors.New("resume: the session is not resumed")
	// ErrFinished says that the handshake was tampered with.
	ErrFinished = errors.New("resume: the Finished message does not verify")
	// ErrConfig says that the session's values cannot be used.
	ErrConfig = errors.New("resume: unusable session")
	// ErrAlert says that the peer gave up.
	ErrAlert = errors.New("resume: the other end gave up")
)

// Config is what both ends know of the session from CONNECT.
type Config struct {
	Version, Suite uint16        // as in record
	SessionID      []byte        // 1 to 32 bytes
	Master         redact.Secret // 48 bytes
	AskCookie      bool          // the server's: answer the first hello with a HelloVerifyRequest

	random io.Reader // nil: the system's
}

// check is an error, ErrConfig, if no handshake can come of it.
func (c *Config) check() error {
	switch {
	case !record.Known(c.Version, c.Suite):
		return fmt.Errorf("%w: no such cipher suite", ErrConfig)
	case len(c.SessionID) == 0 || len(c.SessionID) > maxSessionID:
		return fmt.Errorf("%w: a session id of %d bytes", ErrConfig, len(c.SessionID))
	case c.Master.Len() != masterLen:
		return fmt.Errorf("%w: no master secret", ErrConfig)
	}
	return nil
}

// draw fills b with random bytes.
func (c *Config) draw(b []byte) {
	if c.random == nil {
		_, _ = rand.Read(b) // never fails
		return
	}
	_, _ = io.ReadFull(c.random, b)
}

// Step is what a handshake asks of its owner. The datagrams are to be sent as they are, in this order.
type Step struct {
	Send [][]byte
	Wake time.Duration // when to call Tick, on the clock of now; 0: not on account of time
	Done bool          // there is a Result
}

// Result is a handshake that succeeded.
type Result struct {
	Secrets record.Secrets
	// Repeat is the client's last datagram, to be sent again, byte by byte, when the server's last flight comes again; nil for a server.
	Repeat []byte
}

// side is what the two roles have in common.
type side struct {
	Config
	next   uint64 // record number in epoch 0
	timer  timer
	keys   *keys     // nil until both hellos are there
	ccs    bool      // the peer's ChangeCipherSpec came
	mac    *message  // the peer's Finished, opened but not verified
	parts  assembly  // of it
	held   [][]byte  // protected records that came before the keys
	send   [][]byte  // of the step that is being made
	result *Result   // nil until done
	again  bool      // the peer repeated itself after that
	unsure error     // what an unprotected message said
	hello  [2][]byte // ClientHello and ServerHello, as Finished covers them
}

// step is the end of a step.
func (s *side) step() Step {
	out := Step{Send: s.send, Wake: s.timer.due, Done: s.result != nil}
	if out.Done {
		out.Wake = 0
	}
	s.send = nil
	return out
}

// Result is what the handshake came to, once a Step was Done; before that it panics.
func (s *side) Result() Result { return *s.result }

// Complaint is what somebody said without proof, nil if nothing: a reason to give when the time is over.
func (s *side) Complaint() error { return s.unsure }

// plain is an unprotected record.
func (s *side) plain(t record.Type, body []byte) []byte {
	h := record.Header{Type: t, Version: s.Version, Seq: s.next}
	s.next++
	return append(h.Append(nil, len(body)), body...)
}

// covered is the part of a message that Finished messages cover.
func (s *side) covered(m message) []byte {
	if s.Version == record.DTLSCisco {
		return m.body
	}
	return m.append(nil)
}

// changeCipherSpec is the body of one that would have the message number seq, and the number of the message behind it.
func (s *side) changeCipherSpec(seq uint16) (body []byte, after uint16) {
	if s.Version == record.DTLSCisco {
		return []byte{1, byte(seq >> 8), byte(seq)}, seq + 1
	}
	return []byte{1}, seq
}

// read takes a datagram apart. What is not a record, or not one of ours, is dropped. hello is told of every unprotected handshake fragment.
func (s *side) read(datagram []byte, hello func(fragment) error) error {
	for range maxRecords {
		h, rec, rest, err := record.Parse(datagram)
		if err != nil {
			return nil
		}
		datagram = rest
		body := rec[record.HeaderLen:]
		switch {
		case h.Epoch == 0 && h.Version>>8 != s.Version>>8 && h.Version != record.DTLS10: // a HelloVerifyRequest may say DTLS 1.0 whatever follows
		case h.Epoch == 0 && s.result == nil:
			err = s.readPlain(h.Type, body, hello)
		case h.Epoch == 0:
		case s.keys != nil:
			err = s.readProtected(h, rec)
		case len(s.held) < heldRecords && len(rec) <= heldLen:
			s.held = append(s.held, bytes.Clone(rec))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *side) readPlain(t record.Type, body []byte, hello func(fragment) error) error {
	switch t {
	case record.TypeChangeCipherSpec:
		s.ccs = s.ccs || len(body) > 0 && body[0] == 1
	case record.TypeAlert:
		if len(body) == 2 {
			s.unsure = fmt.Errorf("%w: alert %d, which anybody can send", ErrAlert, body[1])
		}
	case record.TypeHandshake:
		for len(body) > 0 {
			f, rest, err := parseFragment(body)
			if err != nil {
				return nil
			}
			if err := hello(f); err != nil {
				return err
			}
			body = rest
		}
	}
	return nil
}

// readProtected opens a record and keeps what may be the Finished message.
func (s *side) readProtected(h record.Header, rec []byte) error {
	plain, err := s.keys.open(h, rec)
	if err != nil {
		return nil //nolint:nilerr // forged, damaged or repeated: dropped
	}
	switch {
	case h.Type == record.TypeAlert && len(plain) == 2:
		return fmt.Errorf("%w: alert %d", ErrAlert, plain[1])
	case h.Type != record.TypeHandshake:
	case s.result != nil:
		s.again = true
	default:
		for len(plain) > 0 {
			f, rest, err := parseFragment(plain)
			if err != nil || f.typ != typeFinished {
				return nil //nolint:nilerr // as above
			}
			if m, whole := s.parts.add(f); whole {
				s.mac = &m
			}
			plain = rest
		}
	}
	return nil
}

// agree makes the keys of two hellos and looks at what had come before them.
func (s *side) agree(client bool, clientRandom, serverRandom [32]byte) error {
	k, err := newKeys(record.Secrets{
		Version: s.Version, Suite: s.Suite, Master: s.Master, ClientRandom: clientRandom, ServerRandom: serverRandom, Client: client, Epoch: 1,
	})
	if err != nil {
		return err
	}
	s.keys, s.mac, s.parts = k, nil, assembly{}
	held := s.held
	s.held = nil
	for _, b := range held {
		h, rec, _, err := record.Parse(b)
		if err == nil {
			err = s.readProtected(h, rec)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// verifyData is the body of a Finished message behind the two hellos and more (RFC 5246 section 7.4.9).
func (s *side) verifyData(label string, more []byte) []byte {
	digest := record.Digest(s.Version, s.Suite, slices.Concat(s.hello[0], s.hello[1], more))
	return record.PRF(s.Version, s.Suite, s.Master.Reveal(), label, digest, verifyLen)
}
