// Package patience is a timer for one who mostly waits for long.
//
// The runtime's own timers are precise and cheap while much happens, and dear while nothing does: the thread that waits in the poller wakes up to a thousandth of its wait late (the kernel's slack
// for epoll), the runtime's monitor wakes in time, finds the timer due, and looks again every 20 microseconds until the other comes: sixty wakeups for one expiry. An idle tunnel has a handful of
// expiries a minute, and that was most of what it cost.
//
//	Reset(d)  short --> a time.Timer
//	          long  --> Clock: the earliest of all its timers in one timerfd(2), which the runtime's poller waits for
//
// Waits of two seconds and more go to the Clock. They end a thirty-second of their length late at the most, and never early by the clock that counts sleep. Every seven seconds the Clock
// looks, without waking anybody, whether it was woken in time. If not, the machine slept or the process stood still: Gap says for how long, and every long wait ends at once, before its time. Whoever
// waits looks at the time himself.
//
// Where there is no Clock (nil), in tests of virtual time and on systems without such a thing, every wait is the runtime's.
//
// Open starts one goroutine, which Close ends. The package imports golang.org/x/sys and nothing of ours: the agent's loop and the tunnels wait with it.
package patience
