//go:build !linux

package uplink

import "net"

// prepare has nothing to set: these systems have no mark, and no tunnel of ours to keep out of yet.
func prepare(int, string, int, string, int) error { return nil }

// stay has nothing to bind, for the same reason.
func stay(net.Conn, int) {}
