//go:build !linux

package offline

import (
	"context"
	"errors"
	"net"
	"net/netip"
)

// pathMTU is 0: not known here.
func pathMTU(net.Conn) int { return 0 }

// dialSmall cannot make packets small here.
func dialSmall(context.Context, netip.AddrPort) (net.Conn, error) { return nil, errors.ErrUnsupported }
