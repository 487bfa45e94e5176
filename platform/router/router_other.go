//go:build !linux

package router

import (
	"context"
	"log/slog"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/undo"
)

type unsupported struct{}

// New returns a Router that can hold nothing: the zero config is fine, any other is HOST-007.
func New(*undo.Journal, *slog.Logger) platform.Router { return unsupported{} }

func (unsupported) Set(_ context.Context, c platform.RouteConfig) error {
	if c.Empty() {
		return nil
	}
	return fault.New(fault.HostOther, nil)
}
