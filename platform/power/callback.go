package power

import (
	"context"
	"io"
	"sync"
	"time"
)

// What Windows says of sleep (winuser.h, WM_POWERBROADCAST). Of the two words on waking the other one, PBT_APMRESUMESUSPEND, comes only when a person is there.
const (
	pbtSuspend         = 4
	pbtResumeAutomatic = 18
)

// callTime is how long a call may take: the system gives about 2 s to all who are called, and then sleeps.
const callTime = 1500 * time.Millisecond

// called is where the calls of a system arrive that says of sleep by calling, in a thread of its own, and sleeps when the call has returned. It has no build tag, so that its tests run on any
// system.
type called struct {
	mu   sync.Mutex
	tell func(news)
	held chan struct{} // the lock; closed when it is given back
}

// hears has whoever calls from now on be heard by tell; nil ends that.
func (c *called) hears(tell func(news)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tell = tell
}

// hold takes the lock: a call that says sleep does not return before it is given back.
func (c *called) hold(context.Context) (io.Closer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	held := make(chan struct{})
	c.held = held
	return closer(sync.OnceFunc(func() { close(held) })), nil
}

type closer func()

func (c closer) Close() error { c(); return nil }

// call is the system's.
func (c *called) call(kind uint32) {
	c.mu.Lock()
	tell, held := c.tell, c.held
	c.mu.Unlock()
	if tell == nil {
		return
	}
	switch kind {
	case pbtSuspend:
		t := time.NewTimer(callTime)
		defer t.Stop()
		tell(sleeps)
		if held == nil {
			return
		}
		select {
		case <-held:
		case <-t.C:
		}
	case pbtResumeAutomatic:
		tell(woke)
	}
}
