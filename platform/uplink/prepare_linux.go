package uplink

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// prepare sets a fresh socket up before it is bound or connected.
func prepare(sock uintptr, network string, mark int, via way, segment int) error {
	fd := int(sock)
	if mark != 0 {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, mark); err != nil {
			return fmt.Errorf("%w: %v", errMark, err) // not %w: an EPERM here says nothing of routes
		}
	}
	if via.name != "" {
		if err := unix.BindToDevice(fd, via.name); err != nil {
			return fmt.Errorf("uplink: bind to %s: %w", via.name, err)
		}
	}
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(userTimeout.Milliseconds())); err != nil {
		return fmt.Errorf("uplink: user timeout: %w", err)
	}
	if segment > 0 {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_MAXSEG, segment); err != nil {
			return fmt.Errorf("uplink: segment size: %w", err)
		}
	}
	return nil
}
