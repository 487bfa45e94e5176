package records

import (
	"context"
	"net/netip"
)

// Remove has nothing to take away: Windows has no resolvconf.
func Remove(context.Context) (bool, error) { return false, nil }

// Others is nobody.
func Others() []netip.Addr { return nil }
