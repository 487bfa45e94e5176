//go:build !windows

package svc

import (
	"context"
	"io"
)

// Run runs the agent's life in the foreground, as systemd and launchd want it: a signal ends ctx, standard error is the log.
func Run(ctx context.Context, _ bool, stderr io.Writer, life func(ctx context.Context, log io.Writer) error) error {
	return life(ctx, stderr)
}
