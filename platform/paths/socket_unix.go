//go:build !windows

package paths

import "path/filepath"

func socket(runtime string) string { return filepath.Join(runtime, "agent.sock") }
