//go:build !linux

package tray

// trim lets go of what a window needed, where the system is told how.
func trim() {}
