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

const (
	// pause is how long nothing is read after a hint: what comes in it is one hint, too.
	pause = 20 * time.Millisecond
	// noisePause is that where burst pauses in a row were not quiet.
	noisePause = 200 * time.Millisecond
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
		if !s.rest(done, buf) {
			return
		}
	}
}

// rest reads now and then until nothing that matters comes any more, and returns false when done is closed.
func (s *source) rest(done <-chan struct{}, buf []byte) bool {
	for loud := 0; ; loud++ {
		wait := pause
		if loud >= burst {
			wait = noisePause
		}
		select {
		case <-done:
			return false
		case <-time.After(wait):
		}
		if !s.drain(buf) {
			return true
		}
		s.hint()
	}
}

// drain reads what came in a pause, and reports whether something of it matters. Errors wait for the next Read.
func (s *source) drain(buf []byte) (some bool) {
	raw, err := s.current().SyscallConn()
	if err != nil {
		return false
	}
	_ = raw.Read(func(fd uintptr) bool {
		for {
			n, err := syscall.Read(int(fd), buf)
			switch {
			case errors.Is(err, syscall.EINTR):
			case errors.Is(err, syscall.ENOBUFS):
				some = true
			case err != nil || n <= 0:
				return true
			default:
				some = some || matters(buf[:n])
			}
		}
	})
	return some
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
