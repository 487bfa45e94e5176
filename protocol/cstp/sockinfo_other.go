//go:build !linux

package cstp

import (
	"net"
	"time"
)

// pathMTU is Ethernet's: this system does not say.
func pathMTU(net.Conn) int { return defaultPathMTU }

// draining is false: this system does not say, and DPD alone decides.
func draining(net.Conn, time.Duration) bool { return false }

// quickAck does nothing: this system has no such switch.
func quickAck(net.Conn) {}

// resetOnClose has the close of a TCP connection be its end at once, with an RST (RFC 9293 section 3.10.4).
func resetOnClose(c net.Conn) {
	if tcp, ok := c.(interface{ SetLinger(sec int) error }); ok {
		_ = tcp.SetLinger(0)
	}
}
