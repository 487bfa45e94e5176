//go:build !linux && !darwin && !windows

package localsock

import (
	"context"
	"net"
)

// Group is empty: there is no way to know the peer here.
const Group = ""

// Listen fails: a socket whose peers are unknown is not opened.
func Listen(string, Policy) (net.Listener, error) { return nil, errNoIdentity }

// Dial fails: there is no agent on this system.
func Dial(context.Context, string) (net.Conn, error) { return nil, errNoIdentity }
