package udpbatch

import (
	"encoding/binary"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// fewMessages is how many messages a receiver starts with, maxMessages how many it grows to while each call fills them all. A message is one datagram, or up to 64 KiB of them.
	fewMessages = 2
	maxMessages = 16
	// stride is the distance of two messages' buffers: it is no power of two, or their heads would all fall on the same lines of the cache.
	stride = 1<<16 + 1088
)

// receiver is the half that receives.
type receiver struct {
	raw  syscall.RawConn
	wait bool
	call func(fd uintptr) bool

	msgs  []message
	iovs  []unix.Iovec
	ctls  []control
	arena []byte

	came, at int // messages, and how many of them Next has seen
	errno    syscall.Errno
}

func (r *receiver) init(raw syscall.RawConn) {
	r.raw = raw
	r.call = func(fd uintptr) bool {
		n, e := mmsg(unix.SYS_RECVMMSG, fd, r.msgs)
		if e == unix.EAGAIN {
			n, e = 0, 0
			if r.wait {
				return false
			}
		}
		r.came, r.errno = n, e
		return true
	}
	r.grow(fewMessages)
}

// grow makes room for n messages. What has come is lost: nothing may be left.
func (r *receiver) grow(n int) {
	r.msgs, r.iovs, r.ctls, r.arena = make([]message, n), make([]unix.Iovec, n), make([]control, n), make([]byte, n*stride)
	r.came, r.at = 0, 0
	for i := range r.msgs {
		r.iovs[i].Base = &r.arena[i*stride]
		r.iovs[i].SetLen(1 << 16)
		r.msgs[i].Iov = &r.iovs[i]
		r.msgs[i].SetIovlen(1)
		r.msgs[i].Control = (*byte)(unsafe.Pointer(&r.ctls[i]))
	}
}

// filled reports whether the last call filled everything, so that more may wait.
func (r *receiver) filled() bool { return r.came == len(r.msgs) }

// receive gets messages. Without wait there may be none.
func (r *receiver) receive(wait bool) error {
	if r.filled() && len(r.msgs) < maxMessages {
		r.grow(2 * len(r.msgs))
	}
	for r.wait = wait; ; {
		for i := range r.msgs {
			r.msgs[i].SetControllen(int(unsafe.Sizeof(control{})))
		}
		r.came, r.at = 0, 0
		if err := r.raw.Read(r.call); err != nil {
			return err
		}
		switch {
		case r.errno == 0:
			return nil
		case !passes(r.errno):
			return r.errno
		}
	}
}

// next is the next message: one datagram, or several of a size, of which the last may be shorter.
func (r *receiver) next() (b []byte, size int, ok bool) {
	if r.at >= r.came {
		return nil, 0, false
	}
	i := r.at
	r.at++
	m, c := &r.msgs[i], &r.ctls[i]
	n := int(m.n)
	b, size = r.arena[i*stride:][:n:n], n
	if m.Controllen > 0 && c.Level == unix.SOL_UDP && c.Type == unix.UDP_GRO {
		if s := int(binary.NativeEndian.Uint32(c.value[:])); s > 0 {
			size = s
		}
	}
	return b, size, true
}
