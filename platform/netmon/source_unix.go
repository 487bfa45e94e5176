//go:build linux || darwin

package netmon

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
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

	removals atomic.Uint64 // of what is ours, as far as messages tell
}

// news is what a message can mean, as a set.
type news uint8

const nothing news = 0

const (
	uplinks  news = 1 << iota // a snapshot may differ
	removal                   // something of ours may have gone
	anything = uplinks | removal
)

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

// hint passes on that there is news.
func (s *source) hint(n news) {
	if n&removal != 0 {
		s.removals.Add(1)
	}
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
		heard := anything // where messages were lost
		if err == nil {
			if heard = s.meaning(buf[:n]); heard == nothing {
				continue
			}
		}
		if err != nil && !errors.Is(err, syscall.ENOBUFS) { // lost messages leave the socket whole
			s.log.Warn("the network is watched anew", "err", err)
			if !s.reopen(done) {
				return
			}
		}
		s.hint(heard)
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
		heard := s.drain(buf)
		if heard == nothing {
			return true
		}
		s.hint(heard)
	}
}

// drain reads what came in a pause, and returns what it means. Errors wait for the next Read.
func (s *source) drain(buf []byte) (heard news) {
	raw, err := s.current().SyscallConn()
	if err != nil {
		return nothing
	}
	_ = raw.Read(func(fd uintptr) bool {
		for {
			n, err := syscall.Read(int(fd), buf)
			switch {
			case errors.Is(err, syscall.EINTR):
			case errors.Is(err, syscall.ENOBUFS):
				heard = anything
			case err != nil || n <= 0:
				return true
			default:
				heard |= s.meaning(buf[:n])
			}
		}
	})
	return heard
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
