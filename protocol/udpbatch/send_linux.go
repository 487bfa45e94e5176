package udpbatch

import (
	"encoding/binary"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// sendMessages and sendParts are how many messages and datagrams one system call takes.
	sendMessages = 64
	sendParts    = 256
	// segmentLen is the length of UDP_SEGMENT's value in bytes.
	segmentLen = 2
)

// sender is the half that sends.
type sender struct {
	raw     syscall.RawConn
	call    func(fd uintptr) bool
	offload bool // the kernel cuts runs

	msgs [sendMessages]message
	iovs [sendParts]unix.Iovec
	ctls [sendMessages]control

	todo  []message // of msgs
	went  int       // so many of them
	errno syscall.Errno
}

func (s *sender) init(raw syscall.RawConn) {
	s.raw = raw
	s.call = func(fd uintptr) bool {
		s.went, s.errno = mmsg(unix.SYS_SENDMMSG, fd, s.todo)
		return s.errno != unix.EAGAIN
	}
	for i := range s.ctls {
		c := &s.ctls[i]
		c.Level, c.Type = unix.SOL_UDP, unix.UDP_SEGMENT
		c.SetLen(unix.CmsgLen(segmentLen))
	}
}

// send sends datagrams in their order. big: some did not fit.
func (s *sender) send(d [][]byte) (big bool, err error) {
	alone := 0     // so many go one by one, because they did not go as a run
	lost := false  // one of them did not go that way either
	again := false // the first of d had its second chance
	for len(d) > 0 {
		s.todo = s.lay(d, alone)
		if err := s.raw.Write(s.call); err != nil {
			return big, err
		}
		n, parts := 0, int(s.todo[0].Iovlen)
		switch {
		case s.errno == 0:
			for i := range s.went {
				n += int(s.todo[i].Iovlen)
			}
		case parts > 1 && s.errno == unix.EIO:
			s.offload = false
		case parts > 1 && (s.errno == unix.EINVAL || s.errno == unix.EMSGSIZE): // the longest do not fit: which it is has changed with kernels
			alone, lost = parts, false
		case !passes(s.errno):
			return big, s.errno
		case s.errno != errTooBig && !again:
			again = true // an error that waited on the socket speaks of one that went before
			continue
		default:
			n, lost = parts, true
			big = big || s.errno == errTooBig
		}
		again = false
		d = d[n:]
		if alone > 0 && n > 0 {
			if alone -= n; alone <= 0 && !lost {
				s.offload = false // they fit, and still could not go as one
			}
			alone = max(alone, 0)
		}
	}
	return big, nil
}

// lay makes messages of as many datagrams as one call takes: the first so many alone, others in runs.
func (s *sender) lay(d [][]byte, alone int) []message {
	d = d[:min(len(d), len(s.iovs))]
	messages := 0
	for at := 0; messages < len(s.msgs) && at < len(d); messages++ {
		n := 1
		if s.offload && at >= alone {
			n = run(d[at:])
		}
		m := &s.msgs[messages]
		m.Iov = &s.iovs[at]
		m.SetIovlen(n)
		m.Control = nil
		m.SetControllen(0)
		if n > 1 {
			c := &s.ctls[messages]
			binary.NativeEndian.PutUint16(c.value[:], uint16(len(d[at])))
			m.Control = (*byte)(unsafe.Pointer(c))
			m.SetControllen(unix.CmsgSpace(segmentLen))
		}
		for range n {
			s.iovs[at].Base = unsafe.SliceData(d[at])
			s.iovs[at].SetLen(len(d[at]))
			at++
		}
	}
	return s.msgs[:messages]
}
