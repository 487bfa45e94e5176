//go:build !linux

package gateway

import (
	"errors"
	"net"
	"net/netip"
)

// Elsewhere one socket serves all clients, datagram by datagram: a gateway for rehearsals needs no more.

func share(net.PacketConn) bool { return false }

func connected(_, _ netip.AddrPort) (*net.UDPConn, error) { return nil, errors.ErrUnsupported }

func reconnect(*net.UDPConn, netip.AddrPort) error { return errors.ErrUnsupported }
