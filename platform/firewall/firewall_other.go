//go:build !linux

package firewall

import (
	"context"
	"log/slog"
	"net/netip"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/undo"
)

type other struct{}

// New returns a filter that can hold nothing.
func New(*undo.Journal, *slog.Logger, func() ([]netip.Prefix, error)) platform.Firewall {
	return other{}
}

// Set refuses what it cannot do.
func (other) Set(_ context.Context, c platform.FilterConfig) error {
	if c.Empty() {
		return nil
	}
	return fault.New(fault.HostOther, nil)
}
