package netmon

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// dial opens a routing socket, route(4), which hears of everything from then on.
func dial() (int, error) {
	syscall.ForkLock.RLock() // there is no SOCK_CLOEXEC
	defer syscall.ForkLock.RUnlock()
	fd, err := unix.Socket(unix.AF_ROUTE, unix.SOCK_RAW, unix.AF_UNSPEC)
	if err != nil {
		return -1, err
	}
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// meaning tells whether a message of the routing socket can change a snapshot. What is ours is not told apart.
func (*source) meaning(b []byte) news {
	if changes(b) {
		return uplinks
	}
	return nothing
}
