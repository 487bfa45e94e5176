package cstp

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// tcpInfo reads TCP_INFO of a connection that has a descriptor; ok is false for others.
func tcpInfo(c net.Conn) (info *unix.TCPInfo, ok bool) {
	s, isSys := c.(syscall.Conn)
	if !isSys {
		return nil, false
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return nil, false
	}
	var optErr error
	if err := raw.Control(func(fd uintptr) { info, optErr = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) }); err != nil {
		return nil, false
	}
	return info, optErr == nil
}

// pathMTU is the MTU of the outer path as the kernel knows it, 1500 when it does not or when it is more.
func pathMTU(c net.Conn) int {
	if info, ok := tcpInfo(c); ok && info.Pmtu >= minMTU && info.Pmtu < defaultPathMTU {
		return int(info.Pmtu)
	}
	return defaultPathMTU
}

// draining reports whether what we sent is still on its way and the peer's machine confirmed some of it within d: then our question waits behind data of our own, and
// no answer yet is no sign of death.
func draining(c net.Conn, d time.Duration) bool {
	info, ok := tcpInfo(c)
	return ok && info.Unacked > 0 && time.Duration(info.Last_ack_recv)*time.Millisecond < d
}

// quickAck has what was received confirmed now, and what follows as well until the kernel decides otherwise: TCP_QUICKACK does not last, see tcp(7).
func quickAck(c net.Conn) {
	s, isSys := c.(syscall.Conn)
	if !isSys {
		return
	}
	if raw, err := s.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) })
	}
}

// resetOnClose has the close of a TCP connection be its end at once, with an RST (RFC 9293 section 3.10.4).
func resetOnClose(c net.Conn) {
	s, isSys := c.(syscall.Conn)
	if !isSys {
		return
	}
	if raw, err := s.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptLinger(int(fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		})
	}
}
