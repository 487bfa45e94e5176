package tray

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// summonTime bounds how long one start of the application talks to another.
const summonTime = 5 * time.Second

// Single is the right to be the one tray of a person in a desktop's session: a lock, which ends with the process whatever happens to it, and a socket by which later starts ask for the window.
type Single struct {
	Summons <-chan struct{} // a value for each later start; closed by Close

	lock     io.Closer
	listener net.Listener
	wg       sync.WaitGroup
}

// errTaken is a lock that another process has.
var errTaken = errors.New("tray: another one runs")

// Alone takes that right, whose files are in dir, a folder of this user alone. Where another process has it that one is asked to show its window, and there is neither a Single nor an error.
// session names the desktop's session: a person at two screens has two trays. With no folder everybody is the one.
func Alone(dir, session string) (*Single, error) {
	if dir == "" {
		return &Single{}, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	name := filepath.Join(dir, "holdfast-tray"+plain(session))
	lock, err := takeLock(name + ".lock")
	if errors.Is(err, errTaken) {
		return nil, summon(name + ".sock")
	}
	if err != nil {
		return nil, err
	}
	_ = os.Remove(name + ".sock") // of one that was killed: the lock is ours
	listener, err := net.Listen("unix", name+".sock")
	if err != nil {
		lock.Close()
		return nil, err
	}
	summons := make(chan struct{}, 1)
	s := &Single{Summons: summons, lock: lock, listener: listener}
	s.wg.Add(1)
	go func() {
		defer s.wg.Done()
		defer close(summons)
		s.serve(summons)
	}()
	return s, nil
}

// serve passes on that somebody called. What he says is not read: there is one thing to ask for.
func (s *Single) serve(summons chan<- struct{}) {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		select {
		case summons <- struct{}{}:
		default: // one that nobody has taken yet is as good
		}
		_, _ = conn.Write([]byte{'\n'})
		_ = conn.Close()
	}
}

// Close gives the right up.
func (s *Single) Close() error {
	if s.listener == nil {
		return nil
	}
	err := s.listener.Close() // and the socket goes with it
	s.wg.Wait()
	return errors.Join(err, s.lock.Close())
}

// summon asks the first one for its window. One that has just begun, or is just ending, may not listen yet, or any more.
func summon(path string) error {
	deadline := time.Now().Add(summonTime)
	for {
		err := call(path, deadline)
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func call(path string, deadline time.Time) error {
	conn, err := net.DialTimeout("unix", path, time.Until(deadline))
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(deadline)
	_, err = conn.Read(make([]byte, 1))
	return err
}

// plain is a session's name as part of a file's.
func plain(session string) string {
	if session == "" {
		return ""
	}
	return "-" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, session[:min(len(session), 32)])
}
