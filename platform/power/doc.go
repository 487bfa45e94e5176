// Package power says when the machine is about to sleep, and that it woke.
//
//	logind --PrepareForSleep--> listen --news--> run --> Events
//	       <---delay lock-------------------------'  <-- Ready
//
// Linux: systemd-logind announces sleep on the system bus (org.freedesktop.login1(5), "Signals"). While somebody holds a delay lock it then waits, 5 s unless the administrator said otherwise
// (logind.conf(5), InhibitDelayMaxSec). We hold one from the start, let go of it as soon as the reader is ready, after 4 s at the latest, and take the next on waking. When logind comes back after
// a restart, or the bus does, all of that is done again. Sleep is the machine's, so a logind of another network namespace is as good as one of ours.
//
// Where there is no bus or no logind nothing is ever said, and nothing is logged: whoever must know finds out on waking, by the clocks. A logind that refuses the lock still announces; that is
// logged once, because the machine may then be asleep before the reader is done.
//
// Windows: the system calls (PowerRegisterSuspendResumeNotification), whether we are a service or not, and sleeps when the call has returned, after 2 s at the latest. The lock is that call.
//
// macOS: nothing is said. IOKit's word of sleep is to be had with cgo only; sleep is noticed on waking, by the clocks (platform/clock), when the network comes back as a rule and after 15 s at the latest.
//
// Open starts two goroutines, one that listens to the bus and one that owns the lock; Close ends both, gives the lock back and closes Events. A reader who is slow finds the newest event only.
//
// The package imports platform and platform/sysbus.
package power
