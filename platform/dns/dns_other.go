//go:build !linux

package dns

import (
	"context"
	"log/slog"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/undo"
)

// Resolver can hold nothing on this system.
type Resolver struct{}

// New returns a Resolver for which the zero config is fine and any other is HOST-007.
func New(*undo.Journal, *slog.Logger, platform.Dialer) *Resolver { return &Resolver{} }

var _ platform.Resolver = (*Resolver)(nil)

// Set refuses everything but the zero value.
func (*Resolver) Set(_ context.Context, c platform.DNSConfig) error {
	if c.Empty() {
		return nil
	}
	return fault.New(fault.HostOther, nil)
}

// Backend is "" here.
func (*Resolver) Backend() string { return "" }

// Close has nothing to end.
func (*Resolver) Close() error { return nil }

// Look has nothing to say here.
func Look(context.Context) (Decision, error) { return Decision{}, nil }
