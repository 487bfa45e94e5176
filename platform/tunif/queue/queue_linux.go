package queue

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	tcpOffloads = unix.TUN_F_CSUM | unix.TUN_F_TSO4 | unix.TUN_F_TSO6
	udpOffloads = unix.TUN_F_USO4 | unix.TUN_F_USO6 // since Linux 6.2
)

// Queue is an open TUN device. One goroutine reads, one at a time writes; Close may come from any other.
type Queue struct {
	fd, wake int // wake is an eventfd that ends a Read
	ends     [2]unix.PollFd
	closed   atomic.Bool

	reading sync.Mutex // held by Read, so that Close knows when it is over
	buf     []byte     // what one read of the device brought
	split   splitter

	writing sync.Mutex
	merge   merger
	iov     [maxSegs]unix.Iovec
}

// New takes over the descriptor of a TUN device that was made with IFF_NO_PI and IFF_VNET_HDR, also when it fails.
func New(fd int) (*Queue, error) {
	q := &Queue{fd: fd, wake: -1, buf: make([]byte, vnetLen+maxTotal)}
	q.merge.runs = make([]run, 0, maxBatch)
	err := unix.SetNonblock(fd, true)
	if err == nil {
		q.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	}
	if err == nil {
		err = unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, tcpOffloads)
	}
	if err != nil {
		_ = unix.Close(fd)
		if q.wake >= 0 {
			_ = unix.Close(q.wake)
		}
		return nil, fmt.Errorf("queue: %w", err)
	}
	q.merge.udp = unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, tcpOffloads|udpOffloads) == nil
	return q, nil
}

// BatchSize is how many packets a Read may return and a Write take.
func (q *Queue) BatchSize() int { return maxBatch }

// Read waits for packets and fills bufs with what is there, each from offset on, and their lengths into sizes. A packet that is longer than its slot, or that the kernel describes
// wrongly, is an error that may come with packets and is not the end. os.ErrClosed is: Close was called, or the link is gone.
func (q *Queue) Read(bufs [][]byte, sizes []int, offset int) (n int, err error) {
	q.reading.Lock()
	defer q.reading.Unlock()
	for {
		for q.split.more() && n < len(bufs) {
			k, err := q.split.next(bufs[n][offset:])
			if err != nil {
				return n, err
			}
			sizes[n] = k
			n++
		}
		if n == len(bufs) {
			return n, nil
		}
		if q.closed.Load() {
			return 0, os.ErrClosed
		}
		k, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(q.fd), uintptr(unsafe.Pointer(&q.buf[0])), uintptr(len(q.buf)))
		switch {
		case errno == unix.EAGAIN && n > 0:
			return n, nil
		case errno == unix.EAGAIN:
			q.wait()
		case errno == unix.EINTR:
		case errno == unix.EBADFD:
			return n, os.ErrClosed
		case errno != 0:
			return n, fmt.Errorf("queue: reading: %w", errno)
		default:
			if err := q.split.load(q.buf[:k]); err != nil {
				return n, err
			}
		}
	}
}

// wait returns when there is something to read, or after Close.
func (q *Queue) wait() {
	q.ends = [2]unix.PollFd{{Fd: int32(q.fd), Events: unix.POLLIN}, {Fd: int32(q.wake), Events: unix.POLLIN}}
	_, _ = unix.Poll(q.ends[:], -1)
}

// Write gives packets to the system, at most BatchSize, each from offset on in its buffer; there must be ten bytes of room before it. Headers of packets change, bufs does not. The count is of packets that
// were taken. The error joins those of the rest; os.ErrClosed is one of them when the device is gone.
func (q *Queue) Write(bufs [][]byte, offset int) (n int, err error) {
	q.writing.Lock()
	defer q.writing.Unlock()
	if q.closed.Load() {
		return 0, os.ErrClosed
	}
	if len(bufs) > maxBatch {
		bufs = bufs[:maxBatch]
	}
	q.merge.merge(bufs, offset)
	for i := range q.merge.runs {
		r := &q.merge.runs[i]
		if errno := q.writeRun(r, bufs, offset); errno == unix.EBADFD {
			return n, os.ErrClosed
		} else if errno != 0 {
			err = errors.Join(err, errno)
			continue
		}
		n += r.count + r.replaced
	}
	return n, err
}

// writeRun writes one run: the first packet with its headers, of the others the payload.
func (q *Queue) writeRun(r *run, bufs [][]byte, offset int) unix.Errno {
	first := bufs[r.first]
	r.finish(first[offset:]).put(first[offset-vnetLen:])
	q.iov[0].Base = &first[offset-vnetLen]
	q.iov[0].SetLen(len(first) - offset + vnetLen)
	k := 1
	for i := r.first; i != r.last; k++ {
		i = int(q.merge.next[i])
		p := bufs[i][offset+r.headers:]
		q.iov[k].Base = &p[0]
		q.iov[k].SetLen(len(p))
	}
	// It does not wait: the device has no bound on what it takes.
	_, _, errno := unix.RawSyscall(unix.SYS_WRITEV, uintptr(q.fd), uintptr(unsafe.Pointer(&q.iov[0])), uintptr(k))
	return errno
}

// Close ends a Read, waits for it and for a Write, and closes the device. It may come again.
func (q *Queue) Close() error {
	if q.closed.Swap(true) {
		return nil
	}
	one := [8]byte{1}
	_, err := unix.Write(q.wake, one[:])
	q.reading.Lock()
	defer q.reading.Unlock()
	q.writing.Lock()
	defer q.writing.Unlock()
	return errors.Join(err, unix.Close(q.fd), unix.Close(q.wake))
}
