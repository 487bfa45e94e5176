// Package clock reads the two clocks of a machine, by which sleep is noticed where no word of it came: Mono stands still in sleep, Boot does not.
//
//	Linux     CLOCK_MONOTONIC and CLOCK_BOOTTIME, clock_gettime(2)
//	macOS     CLOCK_UPTIME_RAW and CLOCK_MONOTONIC_RAW, clock_gettime(3): mach_absolute_time and mach_continuous_time
//	Windows   QueryUnbiasedInterruptTime and GetTickCount64, the latter in steps of 10 to 16 ms
//
// Both count from an arbitrary start. The package imports nothing of ours.
package clock
