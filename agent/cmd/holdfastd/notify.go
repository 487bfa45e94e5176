package main

import (
	"net"
	"os"
)

// notify tells the service manager what is the case, when there is one that listens: sd_notify(3), one datagram to the socket in NOTIFY_SOCKET, where
// a leading @ is the abstract namespace. Nothing depends on its arrival.
func notify(what string) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" || path[0] != '/' && path[0] != '@' {
		return
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return
	}
	defer c.Close()
	_, _ = c.Write([]byte(what))
}
