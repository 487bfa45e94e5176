package cstp

import "sync/atomic"

// ending is something that is ended once: the first caller does it, the others wait until it is done. It is a sync.Once whose waiting is on a channel: the first
// caller may wait for time to pass, and inside a synctest bubble none passes while somebody waits on a mutex.
type ending struct {
	begun atomic.Bool
	over  chan struct{}
}

func newEnding() *ending { return &ending{over: make(chan struct{})} }

func (e *ending) do(f func()) {
	if e.begun.CompareAndSwap(false, true) {
		defer close(e.over)
		f()
		return
	}
	<-e.over
}
