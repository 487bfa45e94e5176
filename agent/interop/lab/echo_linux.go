package lab

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// Echo asks an address by ICMP (RFC 792) from a namespace. One goroutine may ask while another listens.
type Echo struct {
	fd int
	to unix.SockaddrInet4
	id uint16
}

// NewEcho opens a socket whose Heard waits no longer than wait. Only answers with its own id are heard.
func NewEcho(from *testenv.NS, to string, id uint16, wait time.Duration) (*Echo, error) {
	e := &Echo{id: id}
	e.to.Addr = netip.MustParseAddr(to).As4()
	err := from.Do(func() (err error) {
		if e.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMP); err != nil {
			return err
		}
		t := unix.NsecToTimeval(wait.Nanoseconds())
		return unix.SetsockoptTimeval(e.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &t)
	})
	return e, err
}

// Ask sends one question; it fails where there is no route.
func (e *Echo) Ask(seq uint16) error {
	q := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16([]byte{8, 0, 0, 0}, e.id), seq)
	binary.BigEndian.PutUint16(q[2:], ^sum16(q))
	return unix.Sendto(e.fd, q, 0, &e.to)
}

// Heard waits for one answer and returns its number; ok is false when none came in time.
func (e *Echo) Heard() (seq uint16, ok bool, err error) {
	var buf [128]byte
	for {
		n, from, err := unix.Recvfrom(e.fd, buf[:], 0)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return 0, false, nil
		case err != nil:
			return 0, false, err
		}
		if a, is := from.(*unix.SockaddrInet4); is && a.Addr == e.to.Addr && n >= 28 && buf[20] == 0 && binary.BigEndian.Uint16(buf[24:]) == e.id {
			return binary.BigEndian.Uint16(buf[26:]), true, nil
		}
	}
}

// Close closes the socket; nobody may be in a call.
func (e *Echo) Close() error { return unix.Close(e.fd) }

// sum16 is the sum of RFC 1071.
func sum16(p []byte) uint16 {
	s := uint32(0)
	for i := 0; i < len(p); i += 2 {
		s += uint32(binary.BigEndian.Uint16(p[i:]))
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}
