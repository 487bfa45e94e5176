package pollconn

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Conn is a socket. See the package's page.
type Conn struct {
	fd            int
	stream        bool
	network       string
	local, remote net.Addr

	closed  atomic.Bool
	ending  int          // an eventfd that Close sets for good
	using   sync.RWMutex // held for reading by every call, so that no descriptor is closed under it
	in, out half
}

// half is what one direction waits with.
type half struct {
	changed  int          // an eventfd: the deadline is another one
	deadline atomic.Int64 // since epoch; 0 none
	events   int16
	rest     *rest          // where it waits for long; nil: here, too
	fds      [3]unix.PollFd // of the one who waits
}

// epoch is what deadlines count from, by the clock that only goes forward.
var epoch = time.Now()

// Take moves a TCP or UDP socket of the net package into a Conn, and closes c. Nobody may be using c. What is in a Wrapper is moved there. What else it is given, or what cannot be moved, it returns as it is.
func Take(c net.Conn) net.Conn {
	var network string
	switch c := c.(type) {
	case *net.TCPConn:
		network = "tcp"
	case *net.UDPConn:
		network = "udp"
	case Wrapper:
		c.Under(Take)
		return c
	default:
		return c
	}
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		return c
	}
	k := &Conn{fd: -1, ending: -1, stream: network == "tcp", network: network, local: c.LocalAddr(), remote: c.RemoteAddr()}
	k.in.changed, k.in.events, k.out.changed, k.out.events = -1, unix.POLLIN, -1, unix.POLLOUT
	if e := raw.Control(func(fd uintptr) { k.fd, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) }); e != nil {
		return c
	}
	for _, fd := range []*int{&k.ending, &k.in.changed, &k.out.changed} {
		if err == nil {
			*fd, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
		}
	}
	if err == nil {
		k.in.rest, err = newRest(k.fd, k.ending, k.in.changed)
	}
	if err != nil {
		_ = k.release()
		return c
	}
	_ = c.Close() // the socket has a second descriptor: this says nothing to the peer
	return k
}

// release closes every descriptor there is.
func (c *Conn) release() error {
	var errs []error
	if c.in.rest != nil {
		errs = append(errs, c.in.rest.epoll.Close())
	}
	for _, fd := range []int{c.fd, c.ending, c.in.changed, c.out.changed} {
		if fd >= 0 {
			errs = append(errs, unix.Close(fd))
		}
	}
	return errors.Join(errs...)
}

// Read is net.Conn's.
func (c *Conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c.using.RLock()
	defer c.using.RUnlock()
	for {
		if c.closed.Load() {
			return 0, c.failed("read", net.ErrClosed)
		}
		n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(c.fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
		switch {
		case errno == 0 && n == 0 && c.stream:
			return 0, io.EOF
		case errno == 0:
			return int(n), nil
		}
		if err := c.again(&c.in, errno, "read"); err != nil {
			return 0, err
		}
	}
}

// Write is net.Conn's: all of p, or an error.
func (c *Conn) Write(p []byte) (n int, err error) {
	c.using.RLock()
	defer c.using.RUnlock()
	for {
		if c.closed.Load() {
			return n, c.failed("write", net.ErrClosed)
		}
		var at unsafe.Pointer
		if n < len(p) {
			at = unsafe.Pointer(&p[n])
		}
		k, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(c.fd), uintptr(at), uintptr(len(p)-n))
		if errno == 0 {
			if n += int(k); n >= len(p) {
				return n, nil
			}
			continue
		}
		if err := c.again(&c.out, errno, "write"); err != nil {
			return n, err
		}
	}
}

// again waits until a call that failed with errno may be made again; an error says that it may not.
func (c *Conn) again(h *half, errno syscall.Errno, op string) error {
	switch {
	case errno == unix.EINTR:
		return nil
	case errno != unix.EAGAIN:
		return c.failed(op, os.NewSyscallError(op, errno))
	}
	if err := h.wait(c); err != nil {
		return c.failed(op, err)
	}
	return nil
}

func (c *Conn) failed(op string, err error) error {
	return &net.OpError{Op: op, Net: c.network, Source: c.local, Addr: c.remote, Err: err}
}

// wait returns nil when the socket may be ready, os.ErrDeadlineExceeded, or net.ErrClosed.
func (h *half) wait(c *Conn) error {
	h.fds = [3]unix.PollFd{{Fd: int32(c.fd), Events: h.events}, {Fd: int32(h.changed), Events: unix.POLLIN}, {Fd: int32(c.ending), Events: unix.POLLIN}}
	for {
		timeout, rests := -1, h.rest != nil
		if rests {
			timeout = h.rest.linger
		}
		if d := h.deadline.Load(); d != 0 {
			left := time.Duration(d) - time.Since(epoch)
			if left <= 0 {
				return os.ErrDeadlineExceeded
			}
			timeout, rests = int(min(left/time.Millisecond, time.Hour/time.Millisecond))+1, false
		}
		n, err := unix.Poll(h.fds[:], timeout)
		if err != nil && err != unix.EINTR {
			return err
		}
		if rests && n == 0 && err == nil {
			if err := h.rest.wait(); err != nil {
				return err
			}
			continue
		}
		if c.closed.Load() {
			return net.ErrClosed
		}
		if h.fds[1].Revents != 0 {
			var drop [8]byte
			_, _ = unix.Read(h.changed, drop[:])
		}
		if h.fds[0].Revents != 0 {
			return nil
		}
	}
}

func notify(fd int) {
	one := [8]byte{1}
	_, _ = unix.Write(fd, one[:])
}

// Close ends every call and closes the socket. It may come again.
func (c *Conn) Close() error {
	if c.closed.Swap(true) {
		return c.failed("close", net.ErrClosed)
	}
	notify(c.ending)
	c.using.Lock()
	defer c.using.Unlock()
	return c.release()
}

// CloseWrite ends what is sent on a stream.
func (c *Conn) CloseWrite() error {
	return c.control(func(fd int) error { return unix.Shutdown(fd, unix.SHUT_WR) })
}

// LocalAddr is the socket's own address as it was when it was taken.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr is the peer's.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline is net.Conn's.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline is net.Conn's. A Read that finds something returns it, also after the deadline.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.set(&c.in, t) }

// SetWriteDeadline is net.Conn's.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.set(&c.out, t) }

func (c *Conn) set(h *half, t time.Time) error {
	c.using.RLock()
	defer c.using.RUnlock()
	if c.closed.Load() {
		return c.failed("set", net.ErrClosed)
	}
	d := int64(0)
	if !t.IsZero() {
		d = max(1, int64(t.Sub(epoch)))
	}
	h.deadline.Store(d)
	notify(h.changed)
	return nil
}

// SetReadBuffer sets how much the kernel holds for Read, in bytes, beyond the system's limit where this process may.
func (c *Conn) SetReadBuffer(n int) error {
	return c.buffer(n, unix.SO_RCVBUFFORCE, unix.SO_RCVBUF)
}

// SetWriteBuffer is the same for Write.
func (c *Conn) SetWriteBuffer(n int) error {
	return c.buffer(n, unix.SO_SNDBUFFORCE, unix.SO_SNDBUF)
}

func (c *Conn) buffer(n, force, plain int) error {
	return c.control(func(fd int) error {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, force, n) == nil {
			return nil
		}
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, plain, n)
	})
}

func (c *Conn) control(f func(fd int) error) error {
	c.using.RLock()
	defer c.using.RUnlock()
	if c.closed.Load() {
		return c.failed("set", net.ErrClosed)
	}
	return f(c.fd)
}

// SyscallConn lets a caller make system calls of his own, and waits for him as Read and Write do.
func (c *Conn) SyscallConn() (syscall.RawConn, error) { return rawConn{c}, nil }

type rawConn struct{ c *Conn }

func (r rawConn) Control(f func(fd uintptr)) error {
	return r.c.control(func(fd int) error { f(uintptr(fd)); return nil })
}

func (r rawConn) Read(f func(fd uintptr) bool) error { return r.do(&r.c.in, "raw-read", f) }

func (r rawConn) Write(f func(fd uintptr) bool) error { return r.do(&r.c.out, "raw-write", f) }

func (r rawConn) do(h *half, op string, f func(fd uintptr) bool) error {
	c := r.c
	c.using.RLock()
	defer c.using.RUnlock()
	for !c.closed.Load() {
		if f(uintptr(c.fd)) {
			return nil
		}
		if err := c.again(h, unix.EAGAIN, op); err != nil {
			return err
		}
	}
	return c.failed(op, net.ErrClosed)
}
