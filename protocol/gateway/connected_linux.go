package gateway

import (
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// share lets other sockets of this process have the port of c, too. It reports whether that can be.
func share(c net.PacketConn) bool {
	u, ok := c.(*net.UDPConn)
	if !ok {
		return false
	}
	raw, err := u.SyscallConn()
	return err == nil && reuse("", "", raw) == nil
}

func reuse(_, _ string, raw syscall.RawConn) error {
	var err error
	if cerr := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) }); cerr != nil {
		return cerr
	}
	return err
}

// connected is a socket for one client. What comes from the client goes there and nowhere else: between two sockets with one port the kernel prefers the one that is connected to the
// sender. For the microseconds between its birth and the connection it may catch somebody else's datagram, which does not open and is lost.
func connected(local, remote netip.AddrPort) (*net.UDPConn, error) {
	d := net.Dialer{LocalAddr: net.UDPAddrFromAddrPort(local), Control: reuse}
	c, err := d.Dial("udp", remote.String())
	if err != nil {
		return nil, err
	}
	return c.(*net.UDPConn), nil
}

// reconnect makes another address the client's.
func reconnect(c *net.UDPConn, remote netip.AddrPort) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var to unix.Sockaddr = &unix.SockaddrInet6{Port: int(remote.Port()), Addr: remote.Addr().As16()}
	if remote.Addr().Is4() {
		to = &unix.SockaddrInet4{Port: int(remote.Port()), Addr: remote.Addr().As4()}
	}
	if cerr := raw.Control(func(fd uintptr) { err = unix.Connect(int(fd), to) }); cerr != nil {
		return cerr
	}
	return err
}
