package dtlstun

import (
	"errors"
	"net"
	"sync/atomic"
	"syscall"
)

// socket forgives what is no end of a datagram socket: an ICMP message that anybody can forge, a queue that is full, a packet that does not fit the path just now. Such
// a datagram is lost, as any may be; whether the way works is decided by who answers.
type socket struct {
	net.Conn
	heard   atomic.Bool // anything came at all
	refused atomic.Bool // somebody said that nobody is there
}

func (s *socket) Read(p []byte) (int, error) {
	for {
		n, err := s.Conn.Read(p)
		if err == nil {
			s.heard.Store(true)
			return n, nil
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return n, err
		}
		s.refused.Store(true)
	}
}

func (s *socket) Write(p []byte) (int, error) {
	n, err := s.Conn.Write(p)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		s.refused.Store(true)
	case errors.Is(err, syscall.EMSGSIZE), errors.Is(err, syscall.ENOBUFS), errors.Is(err, syscall.EPERM):
		// EPERM is how a packet filter of this machine drops.
	default:
		return n, err
	}
	return len(p), nil
}
