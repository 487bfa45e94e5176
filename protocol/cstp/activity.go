package cstp

import (
	"sync/atomic"
	"time"
)

// activity is what reader and writers leave behind for whoever watches the connection. There are no locks: each field is one atomic, and a watcher
// that sees two of them a moment apart sees, at worst, what was true a packet ago.
type activity struct {
	base   time.Time
	heard  atomic.Int64  // when the last frame came, nanoseconds since base; 0 is the beginning
	sent   atomic.Int64  // when the last frame went
	asked  atomic.Int64  // when the first data went that nothing came after; 0 is none
	count  atomic.Uint64 // how often anything came: two moments may have one time stamp, never one count
	answer atomic.Int64  // when the last DPD-RESP came

	wantSend, wantHear atomic.Bool
	wake               chan struct{} // one token: something a watcher wanted has happened
}

func newActivity() *activity { return &activity{base: time.Now(), wake: make(chan struct{}, 1)} }

// now is the time since base; never 0, which means "not".
func (a *activity) now() int64 { return max(1, int64(time.Since(a.base))) }

func (a *activity) noteSent(data bool) {
	t := a.now()
	a.sent.Store(t)
	if data && a.asked.Load() == 0 {
		a.asked.Store(t)
		if a.wantSend.Load() && a.wantSend.Swap(false) {
			a.poke()
		}
	}
}

func (a *activity) noteHeard(answer bool) {
	t := a.now()
	a.count.Add(1)
	a.heard.Store(t)
	if answer {
		a.answer.Store(t)
	}
	if a.asked.Load() != 0 {
		a.asked.Store(0)
	}
	if a.wantHear.Load() && a.wantHear.Swap(false) {
		a.poke()
	}
}

func (a *activity) poke() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}
