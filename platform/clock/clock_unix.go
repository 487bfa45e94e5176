//go:build linux || darwin

package clock

import (
	"time"

	"golang.org/x/sys/unix"
)

func now() (mono, boot time.Duration) { return read(still), read(running) }

// read returns a clock's time. These clocks cannot fail (EINVAL is for a clock that does not exist, EFAULT for a bad pointer).
func read(id int32) time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(id, &ts); err != nil {
		panic("clock: " + err.Error())
	}
	return time.Duration(ts.Nano())
}
