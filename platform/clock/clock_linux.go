package clock

import "golang.org/x/sys/unix"

// The clock that stands still in sleep, and the one that runs on.
const (
	still   = unix.CLOCK_MONOTONIC
	running = unix.CLOCK_BOOTTIME
)
