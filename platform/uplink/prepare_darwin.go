package uplink

import (
	"fmt"
	"net"
	"strings"

	"golang.org/x/sys/unix"
)

// prepare sets a fresh socket up before it is bound or connected. There is no mark here: a socket that is bound to an uplink uses the routes of that interface alone (ip(4), IP_BOUND_IF).
func prepare(sock uintptr, network string, _ int, via way, segment int) error {
	fd := int(sock)
	if via.index > 0 {
		level, option := unix.IPPROTO_IP, unix.IP_BOUND_IF
		if strings.HasSuffix(network, "6") {
			level, option = unix.IPPROTO_IPV6, unix.IPV6_BOUND_IF
		}
		if err := unix.SetsockoptInt(fd, level, option, via.index); err != nil {
			return fmt.Errorf("uplink: bind to %s: %w", via.name, err)
		}
	}
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_RXT_CONNDROPTIME, int(userTimeout.Seconds())); err != nil {
		return fmt.Errorf("uplink: user timeout: %w", err)
	}
	if segment > 0 {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_MAXSEG, segment); err != nil {
			return fmt.Errorf("uplink: segment size: %w", err)
		}
	}
	return nil
}

// stay has nothing to do: a connection here keeps the interface that it began with as long as its address is there.
func stay(net.Conn, int) {}
