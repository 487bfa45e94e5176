package clock

import (
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

var unbiased = windows.NewLazySystemDLL("kernel32.dll").NewProc("QueryUnbiasedInterruptTime")

// now reads the interrupt time without sleep, in units of 100 ns, and the ticks since the start with it. The former is there since Windows 7 and fails for a bad pointer only.
func now() (mono, boot time.Duration) {
	var t uint64
	_, _, _ = unbiased.Call(uintptr(unsafe.Pointer(&t)))
	return time.Duration(t) * 100, windows.DurationSinceBoot()
}
