//go:build !linux

package tunif

import (
	"context"
	"log/slog"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/undo"
)

type unsupported struct{}

// New returns a Tun whose Open is HOST-007: this system has no real tunnels yet.
func New(*undo.Journal, *slog.Logger, platform.Keeper) platform.Tun { return unsupported{} }

func (unsupported) Open(context.Context, int) (platform.Device, error) {
	return nil, fault.New(fault.HostOther, nil)
}
