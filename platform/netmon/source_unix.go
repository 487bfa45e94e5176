//go:build linux || darwin

package netmon

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"
)

// source turns what the kernel says over a socket into hints.
type source struct {
	log   *slog.Logger
	hints chan struct{} // holds one

	mu     sync.Mutex
	socket *os.File
	closed bool
}

func subscribe(log *slog.Logger) (*source, error) {
	s := &source{log: log, hints: make(chan struct{}, 1)}
	return s, s.open()
}

// open subscribes, in the place of what was open before.
func (s *source) open() error {
	fd, err := dial()
	if err != nil {
		return fmt.Errorf("netmon: %w", err)
	}
	f := os.NewFile(uintptr(fd), "routes") // not blocking: the runtime's poller waits, and Close ends a Read
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.Join(os.ErrClosed, f.Close())
	}
	if s.socket != nil {
		_ = s.socket.Close()
	}
	s.socket = f
	return nil
}

func (s *source) current() *os.File {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.socket
}

func (s *source) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	_ = s.socket.Close()
}

func (s *source) hint() {
	select {
	case s.hints <- struct{}{}:
	default:
	}
}

// read makes hints until done is closed.
func (s *source) read(done <-chan struct{}) {
	buf := make([]byte, 64<<10)
	for {
		n, err := s.current().Read(buf)
		select {
		case <-done:
			return
		default:
		}
		if err == nil && !matters(buf[:n]) {
			continue
		}
		if err != nil && !errors.Is(err, syscall.ENOBUFS) { // lost messages leave the socket whole
			s.log.Warn("the network is watched anew", "err", err)
			if !s.reopen(done) {
				return
			}
		}
		s.hint()
	}
}

// reopen tries until it has subscribed again, or done is closed.
func (s *source) reopen(done <-chan struct{}) bool {
	for {
		select {
		case <-done:
			return false
		case <-time.After(tryAgain): // also after the first failure: a socket that always fails must not spin
		}
		if s.open() == nil {
			return true
		}
	}
}
