package resume

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/record"
)

const (
	// maxHellos bounds the work that hellos can cause, each of which is another.
	maxHellos = 32
	// maxHelloSeq is the highest message number of a hello: each HelloVerifyRequest costs one.
	maxHelloSeq = maxVerifies
	cookieLen   = 20
)

// errHello is what there is to say of a hello that is not answered.
var errHello = errors.New("resume: the client asks for another session, version or cipher suite")

// Server is the gateway's half of a handshake, for one session and one client address. It belongs to one goroutine.
type Server struct {
	side
	cookie   []byte
	greeting assembly
	last     []byte // the ClientHello that counts
	hellos   int
	reply    message // ServerHello
	mine     []byte  // our verify_data
}

// NewServer begins a handshake. Error: ErrConfig.
func NewServer(c Config) (*Server, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	s := &Server{side: side{Config: c}}
	if c.AskCookie {
		s.cookie = make([]byte, cookieLen)
		c.draw(s.cookie)
	}
	return s, nil
}

// Start waits for the client.
func (s *Server) Start(time.Duration) Step { return s.step() }

// Tick is for when the time of Step.Wake has come, or for any other time.
func (s *Server) Tick(now time.Duration) (Step, error) {
	if s.result == nil && s.timer.expired(now) {
		if err := s.flight(); err != nil {
			return Step{}, err
		}
	}
	return s.step(), nil
}

// Receive takes a datagram, which it overwrites. An error ends the handshake: ErrFinished, ErrAlert, or the record layer's. A hello that asks for something else is not answered.
func (s *Server) Receive(datagram []byte, now time.Duration) (Step, error) {
	err := s.read(datagram, func(f fragment) error { return s.hear(f, now) })
	if err == nil && s.result == nil && s.ccs && s.mac != nil {
		if !same(s.mac.body, s.verifyData(labelClient, s.covered(s.finished()))) {
			return Step{}, ErrFinished
		}
		s.result = &Result{Secrets: s.keys.handOver()}
	}
	if err != nil {
		return Step{}, err
	}
	return s.step(), nil
}

// hear takes an unprotected fragment.
func (s *Server) hear(f fragment, now time.Duration) error {
	if f.typ != typeClientHello {
		return nil
	}
	m, whole := s.greeting.add(f)
	if !whole || m.seq > maxHelloSeq {
		return nil
	}
	if s.keys != nil && bytes.Equal(m.body, s.last) {
		return s.flight() // our answer was lost
	}
	return s.accept(m, now)
}

// accept answers a hello that is another than the last one. Each answer has a random number of its own, and so keys of its own.
func (s *Server) accept(m message, now time.Duration) error {
	h, err := parseClientHello(m.body)
	if err != nil {
		return nil //nolint:nilerr // dropped; the client repeats its own
	}
	if h.version != s.Version || !bytes.Equal(h.session, s.SessionID) || !slices.Contains(h.suites, s.Suite) {
		s.unsure = errHello
		return nil
	}
	if s.hellos++; s.hellos > maxHellos {
		return nil
	}
	if !bytes.Equal(h.cookie, s.cookie) {
		v := message{typeHelloVerify, 0, (&helloVerify{s.Version, s.cookie}).append(nil)}
		s.send = append(s.send, s.plain(record.TypeHandshake, v.append(nil)))
		return nil
	}
	answer := serverHello{version: s.Version, session: s.SessionID, suite: s.Suite}
	s.draw(answer.random[:])
	s.last, s.reply = m.body, message{typeServerHello, m.seq, answer.append(nil)}
	s.hello = [2][]byte{s.covered(m), s.covered(s.reply)}
	s.mine = s.verifyData(labelServer, nil)
	s.ccs = false
	if err := s.agree(false, h.random, answer.random); err != nil {
		return err
	}
	s.timer.start(now)
	return s.flight()
}

// finished is our Finished message.
func (s *Server) finished() message {
	_, seq := s.changeCipherSpec(s.reply.seq + 1)
	return message{typeFinished, seq, s.mine}
}

// flight sends ServerHello, ChangeCipherSpec and Finished in one datagram, each under a number of its own every time: what a client has opened it takes for a replay.
func (s *Server) flight() error {
	ccs, _ := s.changeCipherSpec(s.reply.seq + 1)
	sealed, err := s.keys.seal(s.finished())
	if err != nil {
		return err
	}
	s.send = append(s.send, slices.Concat(s.plain(record.TypeHandshake, s.reply.append(nil)), s.plain(record.TypeChangeCipherSpec, ccs), sealed))
	return nil
}
