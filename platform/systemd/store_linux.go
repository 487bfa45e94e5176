package systemd

import (
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

const (
	firstFD  = 3  // SD_LISTEN_FDS_START
	mostFDs  = 64 // that we look at; the unit allows one
	variable = "LISTEN_"
)

// Store is one named place in the file descriptor store.
type Store struct {
	name string
	mu   sync.Mutex
	fd   int // inherited, -1 when there is none or it was taken
}

// Inherit returns the place of that name, with the descriptor that a former process left in it. What else was handed over is closed. It forgets the variables that said so.
func Inherit(name string) *Store {
	s := &Store{name: name, fd: -1}
	pid, _ := strconv.Atoi(os.Getenv(variable + "PID"))
	n, _ := strconv.Atoi(os.Getenv(variable + "FDS"))
	names := strings.Split(os.Getenv(variable+"FDNAMES"), ":")
	for _, v := range []string{"PID", "FDS", "FDNAMES"} {
		_ = os.Unsetenv(variable + v)
	}
	if pid != os.Getpid() {
		return s
	}
	for i := range min(max(n, 0), mostFDs) {
		fd := firstFD + i
		if i < len(names) && names[i] == name && s.fd < 0 {
			unix.CloseOnExec(fd)
			s.fd = fd
			continue
		}
		_ = unix.Close(fd)
	}
	return s
}

// Take implements platform.Keeper.
func (s *Store) Take() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	fd := s.fd
	s.fd = -1
	return fd
}

// Keep implements platform.Keeper. systemd adds to what is stored under a name, so the old goes first.
func (s *Store) Keep(fd int) {
	s.Drop()
	c := dial()
	if c == nil {
		return
	}
	defer c.Close()
	raw, err := c.SyscallConn() // net's own way sends no descriptors on a connected socket of datagrams
	if err != nil {
		return
	}
	_ = raw.Control(func(socket uintptr) {
		_ = unix.Sendmsg(int(socket), []byte("FDSTORE=1\nFDNAME="+s.name), unix.UnixRights(fd), nil, 0)
	})
}

// Drop implements platform.Keeper.
func (s *Store) Drop() { Notify("FDSTOREREMOVE=1\nFDNAME=" + s.name) }
