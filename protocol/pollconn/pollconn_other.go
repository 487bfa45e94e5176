//go:build !linux

package pollconn

import "net"

// Take returns c: this system's poller is used.
func Take(c net.Conn) net.Conn { return c }
