package systemd

import (
	"net"
	"os"
)

// Socket is the environment variable that names the service manager's socket.
const Socket = "NOTIFY_SOCKET"

// Notify tells the service manager what is the case, when there is one that listens. Nothing depends on its arrival.
func Notify(what string) {
	if c := dial(); c != nil {
		defer c.Close()
		_, _ = c.Write([]byte(what))
	}
}

// dial connects to the service manager; nil without one. A leading @ in the socket's name is the abstract namespace.
func dial() *net.UnixConn {
	path := os.Getenv(Socket)
	if path == "" || path[0] != '/' && path[0] != '@' {
		return nil
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil
	}
	return c
}
