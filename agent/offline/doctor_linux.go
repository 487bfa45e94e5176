package offline

import (
	"context"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// smallSegment is a segment that every path carries (RFC 9293 section 3.7.1: 536 bytes are the default).
const smallSegment = 536

// pathMTU is the MTU of a connection's path as the kernel knows it, 0 when it does not say.
func pathMTU(c net.Conn) int {
	s, isSys := c.(syscall.Conn)
	if !isSys {
		return 0
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return 0
	}
	var info *unix.TCPInfo
	if cerr := raw.Control(func(fd uintptr) { info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) }); cerr != nil || err != nil {
		return 0
	}
	return int(info.Pmtu)
}

// dialSmall connects with segments of 536 bytes in both directions.
func dialSmall(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	d := net.Dialer{Timeout: connectTime, Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if cerr := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, smallSegment) }); cerr != nil {
			return cerr
		}
		return err
	}}
	return d.DialContext(ctx, "tcp", to.String())
}
