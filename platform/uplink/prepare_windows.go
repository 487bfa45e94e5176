package uplink

import (
	"fmt"
	"math/bits"
	"net"
	"strings"

	"golang.org/x/sys/windows"
)

// Options that x/sys/windows has no names for (ws2ipdef.h).
const (
	ipUnicastIf   = 31 // IP_UNICAST_IF
	ipv6UnicastIf = 31 // IPV6_UNICAST_IF
	tcpMaxRT      = 5  // TCP_MAXRT, in seconds
)

// prepare sets a fresh socket up before it is bound or connected. There is no mark here: a socket that has IP_UNICAST_IF uses the routes of that interface alone.
// The size of TCP's segments cannot be chosen.
func prepare(sock uintptr, network string, _ int, via way, _ int) error {
	h := windows.Handle(sock)
	if via.index > 0 {
		level, option, value := windows.IPPROTO_IP, ipUnicastIf, int(int32(bits.ReverseBytes32(uint32(via.index)))) // IPv4's is in network byte order, IPv6's is not
		if strings.HasSuffix(network, "6") {
			level, option, value = windows.IPPROTO_IPV6, ipv6UnicastIf, via.index
		}
		if err := windows.SetsockoptInt(h, level, option, value); err != nil {
			return fmt.Errorf("uplink: bind to %s: %w", via.name, err)
		}
	}
	if strings.HasPrefix(network, "tcp") {
		_ = windows.SetsockoptInt(h, windows.IPPROTO_TCP, tcpMaxRT, int(userTimeout.Seconds())) // systems before Windows 10 give up after 21 s anyway
	}
	return nil
}

// stay has nothing to do: a connection here keeps the interface that it began with.
func stay(net.Conn, int) {}
