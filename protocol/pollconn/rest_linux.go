package pollconn

import (
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// busy is for how long Read waits in the kernel for the next of packets that follow each other, in milliseconds, before it takes the socket for one on which nothing happens.
	busy = 5
	// soon is how short a rest shows that they do.
	soon = 2 * time.Millisecond
)

// rest is where Read waits on a socket on which nothing happens: in the runtime's poller, which costs an idle process one thread for all that it waits for, and nothing while nothing comes. A system
// call that waits for long keeps the runtime's monitor awake for its first ten milliseconds, some sixty wakeups for every packet.
//
// The poller watches an epoll(7) that watches the socket only while somebody rests: of busy sockets it knows nothing.
type rest struct {
	fd    int // of the socket
	epoll *os.File
	raw   syscall.RawConn
	some  func(fd uintptr) bool // reports whether the epoll has something; made once
	found [1]unix.EpollEvent

	linger int // how long to wait in the kernel first, in milliseconds: busy, or 0 after a long rest
}

// newRest makes one for a socket. The epoll is readable for good, too, once one of wakers is.
func newRest(fd int, wakers ...int) (*rest, error) {
	e, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	err = errors.Join(unix.SetNonblock(e, true), unix.EpollCtl(e, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLONESHOT, Fd: int32(fd)}))
	for _, w := range wakers {
		err = errors.Join(err, unix.EpollCtl(e, unix.EPOLL_CTL_ADD, w, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(w)}))
	}
	r := &rest{fd: fd, linger: busy, epoll: os.NewFile(uintptr(e), "epoll")}
	if err == nil {
		r.raw, err = r.epoll.SyscallConn()
	}
	if err != nil {
		return nil, errors.Join(err, r.epoll.Close())
	}
	r.some = func(e uintptr) bool {
		n, err := unix.EpollWait(int(e), r.found[:], 0)
		return n > 0 || err != nil && err != unix.EINTR
	}
	return r, nil
}

// wait returns when the socket may be readable, or a waker is.
func (r *rest) wait() error {
	if err := r.raw.Control(func(e uintptr) {
		_ = unix.EpollCtl(int(e), unix.EPOLL_CTL_MOD, r.fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLONESHOT, Fd: int32(r.fd)}) // what was added can be changed
	}); err != nil {
		return err
	}
	began := time.Now()
	err := r.raw.Read(r.some)
	if r.linger = 0; time.Since(began) < soon {
		r.linger = busy
	}
	return err
}
