package patience

import (
	"sync"
	"time"
)

const (
	// long is from when on a wait is the Clock's.
	long = 2 * time.Second
	// look is how often the Clock looks whether time was lost while somebody waits, and lost how much of it counts.
	look = 7 * time.Second
	lost = 2 * time.Second
)

// alarm is the one wait of the kernel that a Clock has.
type alarm interface {
	now() time.Duration        // of a clock that counts sleep
	set(d time.Duration) error // wakes wait in d, more than 0; the last one counts
	wait() error               // until the alarm goes off; an error: it was closed
	close() error
}

// Clock wakes those who wait for long. The nil Clock leaves it to the runtime.
type Clock struct {
	alarm alarm
	long  time.Duration
	wg    sync.WaitGroup

	mu     sync.Mutex
	timers map[*Timer]struct{} // those that wait
	armed  time.Duration       // what the alarm is set to; 0 not at all
	gap    time.Duration       // the longest that was lost and nobody asked for
	closed bool
}

// Open starts a Clock. An error says that the system has none to offer: a nil Clock is as good, and wakes the machine more often.
func Open() (*Clock, error) {
	a, err := newAlarm()
	if err != nil {
		return nil, err
	}
	return start(a, long), nil
}

func start(a alarm, long time.Duration) *Clock {
	c := &Clock{alarm: a, long: long, timers: map[*Timer]struct{}{}}
	c.wg.Go(func() {
		for a.wait() == nil {
			c.ring()
		}
	})
	return c
}

// Close ends the goroutine. Timers that wait for long never fire after it.
func (c *Clock) Close() error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	closed := c.closed
	c.closed = true
	c.mu.Unlock()
	if closed {
		return nil
	}
	err := c.alarm.close()
	c.wg.Wait()
	return err
}

// Gap is the longest time that was lost since the last call: the machine slept, or this process, or the machine it runs on, stood still. What is less than two seconds, and what is lost
// while nobody waits for long, does not count.
func (c *Clock) Gap() time.Duration {
	if c == nil {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	gap := c.gap
	c.gap = 0
	return gap
}

// ring wakes whose time has come, everybody when time was lost, and sets the alarm for the next.
func (c *Clock) ring() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, next := c.alarm.now(), time.Duration(0)
	gap := now - c.armed
	if c.armed == 0 || gap <= lost {
		gap = 0
	}
	c.armed, c.gap = 0, max(c.gap, gap)
	for t := range c.timers {
		switch {
		case t.at <= now, gap > 0:
			delete(c.timers, t)
			t.fired <- time.Now() // there is room: who resets it empties it
		case next == 0 || t.last < next:
			next = t.last
		}
	}
	c.arm(now, next)
}

// arm sets the alarm to at, 0 for never, unless it goes off before.
func (c *Clock) arm(now, at time.Duration) {
	if at == 0 || c.closed {
		return
	}
	at = min(at, now+look)
	if c.armed > 0 && c.armed <= at {
		return
	}
	if c.alarm.set(max(at-now, 1)) == nil {
		c.armed = at
	}
}

// Timer is one wait after the other, of one goroutine.
type Timer struct {
	clock *Clock
	quick *time.Timer
	fired chan time.Time // holds one

	waits    bool // for the clock, as far as the owner knows
	at, last time.Duration
}

// NewTimer makes a timer that waits for nothing yet.
func (c *Clock) NewTimer() *Timer {
	t := &Timer{clock: c, quick: time.NewTimer(time.Hour), fired: make(chan time.Time, 1)}
	t.quick.Stop()
	return t
}

// Reset begins a wait and forgets the one before, also where it has ended and nobody has seen that yet.
func (t *Timer) Reset(d time.Duration) {
	c := t.clock
	if c == nil || d < c.long {
		t.forget()
		t.quick.Reset(d)
		return
	}
	t.quick.Stop()
	now := c.alarm.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	t.empty()
	t.waits, t.at, t.last = true, now+d, now+d+d/32
	c.timers[t] = struct{}{}
	c.arm(now, t.last)
}

// Stop ends the wait. C brings nothing until the next Reset.
func (t *Timer) Stop() {
	t.quick.Stop()
	t.forget()
}

// C brings the end of the wait that Reset began: ask for it after each Reset.
func (t *Timer) C() <-chan time.Time {
	if t.waits {
		return t.fired
	}
	return t.quick.C
}

// forget takes the timer from the clock.
func (t *Timer) forget() {
	if !t.waits {
		return
	}
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	delete(t.clock.timers, t)
	t.empty()
	t.waits = false
}

func (t *Timer) empty() {
	select {
	case <-t.fired:
	default:
	}
}
