package udpbatch

import (
	"net"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/protocol/pollconn"
)

// fast is a socket of the kernel's: the two directions, which share nothing but it.
type fast struct {
	receiver
	sender
}

// message is struct mmsghdr: a message, and how many bytes of it went or came.
type message struct {
	unix.Msghdr
	n uint32
}

// sizeLen is the length of a control message's value that holds a size: UDP_SEGMENT wants 16 bits, UDP_GRO gives 32.
const sizeLen = 4

// control holds one control message, aligned as the kernel wants it.
type control struct {
	unix.Cmsghdr
	value [sizeLen]byte
	_     [unix.SizeofPtr - sizeLen%unix.SizeofPtr]byte
}

// newFast returns nil if conn is no UDP socket of the kernel's.
func newFast(conn net.Conn) *fast {
	switch conn.(type) { // and not what has one of them inside
	case *net.UDPConn, *pollconn.Conn:
	default:
		return nil
	}
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil
	}
	f := &fast{}
	if err := raw.Control(func(fd uintptr) { f.prepare(int(fd)) }); err != nil {
		return nil
	}
	f.receiver.init(raw)
	f.sender.init(raw)
	return f
}

// prepare sets what can be set: without an option it is slower, or the kernel holds less.
func (f *fast) prepare(fd int) {
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, buffers)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, buffers)
	if domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN); err == nil && domain == unix.AF_INET6 {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_PROBE)
	}
	// An IPv6 socket may carry IPv4.
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE)
	_ = unix.SetsockoptInt(fd, unix.SOL_UDP, unix.UDP_GRO, 1)
	_, err := unix.GetsockoptInt(fd, unix.SOL_UDP, unix.UDP_SEGMENT)
	f.offload = err == nil
}

// mmsg does recvmmsg or sendmmsg on messages that outlive the call. It never waits, so the scheduler is not told of it: the runtime's monitor would take the processor away from a call that
// lasts 20 µs, as one with a hundred packets does, and getting it back costs as much as ten of them.
func mmsg(call uintptr, fd uintptr, m []message) (int, syscall.Errno) {
	for {
		n, _, e := unix.RawSyscall6(call, fd, uintptr(unsafe.Pointer(unsafe.SliceData(m))), uintptr(len(m)), 0, 0, 0)
		if e != unix.EINTR {
			return int(n), e
		}
	}
}
