package clock

import "golang.org/x/sys/unix"

// The clock that stands still in sleep, and the one that runs on: on this system CLOCK_MONOTONIC_RAW does.
const (
	still   = unix.CLOCK_UPTIME_RAW
	running = unix.CLOCK_MONOTONIC_RAW
)
