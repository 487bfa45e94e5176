package undo

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// lockFolder is where the lock of a network stands: a fixed place, unlike the journal's directories, so that whoever is about to change a network meets whoever
// does it already. Only root may make files there: in a place that every user can open, or with an abstract socket, every user could hold the agent off.
var lockFolder = "/run"

// lockNetwork takes the lock of the network namespace that this process is in, until it is closed. Processes of different network namespaces do not meet, those of one do as
// long as they see the same /run. Who is not root cannot change a network and needs no lock.
func lockNetwork() (io.Closer, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	var ns unix.Stat_t
	if err := unix.Stat("/proc/self/ns/net", &ns); err != nil {
		return nil, fault.New(fault.HostDir, fmt.Errorf("which network this is: %w", err))
	}
	path := fmt.Sprintf("%s/holdfast-net-%d.lock", lockFolder, ns.Ino)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, fault.Newf(fault.HostDir, err, "%s", path)
	}
	if err := checkLock(f); err != nil {
		return nil, errors.Join(fault.Newf(fault.HostDir, err, "%s", path), f.Close())
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		code := fault.HostDir
		if errors.Is(err, unix.EWOULDBLOCK) {
			code, err = fault.HostLocked, nil
		}
		return nil, errors.Join(fault.New(code, err), f.Close())
	}
	return f, nil
}

// checkLock refuses a file that somebody else may hold locked.
func checkLock(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.Mode().IsRegular() || st.Uid != 0 || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("it is not ours alone (%v)", info.Mode())
	}
	return nil
}
