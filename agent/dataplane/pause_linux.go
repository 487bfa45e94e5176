package dataplane

import (
	"time"

	"golang.org/x/sys/unix"
)

// pause sleeps in the kernel: a timer of the runtime would wake one thread by way of another.
func pause(d time.Duration) {
	ts := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&ts, nil)
}
