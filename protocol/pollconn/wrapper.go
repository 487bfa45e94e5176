package pollconn

import "net"

// Wrapper is a connection around another one that may be moved: Take moves what is inside and returns the wrapper.
type Wrapper interface {
	net.Conn
	// Under replaces what is inside by what move makes of it.
	Under(move func(net.Conn) net.Conn)
}
