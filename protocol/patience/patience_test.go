package patience

import (
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// fake is an alarm in virtual time, and a machine that can sleep.
type fake struct {
	began time.Time
	mu    sync.Mutex
	slept time.Duration
	timer *time.Timer
	armed bool
	until time.Duration
	rings atomic.Int64
	end   chan struct{}
}

func newFake() *fake {
	f := &fake{began: time.Now(), timer: time.NewTimer(time.Hour), end: make(chan struct{})}
	f.timer.Stop()
	return f
}

func (f *fake) now() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return time.Since(f.began) + f.slept
}

func (f *fake) set(d time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed, f.until = true, time.Since(f.began)+f.slept+d
	f.timer.Reset(d)
	return nil
}

func (f *fake) wait() error {
	select {
	case <-f.timer.C:
		f.mu.Lock()
		defer f.mu.Unlock()
		f.armed = false
		f.rings.Add(1)
		return nil
	case <-f.end:
		return errors.New("closed")
	}
}

func (f *fake) close() error { close(f.end); return nil }

// sleep is a night of the machine: the clock that counts it goes on, and the alarm is over.
func (f *fake) sleep(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.slept += d
	if f.armed {
		f.timer.Reset(max(0, f.until-time.Since(f.began)-f.slept))
	}
}

// over reports whether a timer has ended, once everything has settled.
func over(t *Timer) bool {
	synctest.Wait()
	select {
	case <-t.C():
		return true
	default:
		return false
	}
}

func bubble(t *testing.T, f func(t *testing.T, a *fake, c *Clock)) {
	synctest.Test(t, func(t *testing.T) {
		a := newFake()
		c := start(a, long)
		f(t, a, c)
		for range 2 {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestOneWait: short and long, with and without a clock, never early and at most a thirty-second late.
func TestOneWait(t *testing.T) {
	bubble(t, func(t *testing.T, _ *fake, c *Clock) {
		for _, clock := range []*Clock{nil, c} {
			for _, d := range []time.Duration{0, time.Millisecond, long - 1, long, 7 * time.Second, time.Hour} {
				timer := clock.NewTimer()
				timer.Reset(d)
				if d > 0 {
					if time.Sleep(d - 1); over(timer) {
						t.Errorf("%v is over early", d)
					}
				}
				if time.Sleep(d/32 + 1); !over(timer) {
					t.Errorf("%v is not over", d)
				}
				if time.Sleep(2 * d); over(timer) {
					t.Errorf("%v is over twice", d)
				}
			}
		}
	})
}

// TestChangedMind: what counts is the last Reset or Stop, also where the wait before had ended and nobody looked.
func TestChangedMind(t *testing.T) {
	bubble(t, func(t *testing.T, _ *fake, c *Clock) {
		timer := c.NewTimer()
		rnd := rand.New(rand.NewPCG(1, 2))
		waits := []time.Duration{time.Second, 6 * time.Second, 30 * time.Second, 0}
		for i := range 2000 {
			first, then := waits[rnd.IntN(3)], waits[rnd.IntN(4)]
			timer.Reset(first)
			time.Sleep(time.Duration(rnd.Int64N(int64(40 * time.Second))))
			if then == 0 {
				timer.Stop()
				if time.Sleep(time.Minute); over(timer) {
					t.Fatalf("%d: over after Stop", i)
				}
				continue
			}
			timer.Reset(then)
			if time.Sleep(then - 1); over(timer) {
				t.Fatalf("%d: %v after %v is over early", i, then, first)
			}
			if time.Sleep(then/32 + 1); !over(timer) {
				t.Fatalf("%d: %v after %v is not over", i, then, first)
			}
		}
	})
}

// TestManyWaits: each has its own end, and those that end together wake the machine once.
func TestManyWaits(t *testing.T) {
	bubble(t, func(t *testing.T, a *fake, c *Clock) {
		var timers []*Timer
		for i := range 20 {
			timers = append(timers, c.NewTimer())
			timers[i].Reset(30*time.Second + time.Duration(i)*10*time.Millisecond)
		}
		late := c.NewTimer()
		late.Reset(time.Minute)
		time.Sleep(31 * time.Second)
		for i, timer := range timers {
			if !over(timer) {
				t.Errorf("wait %d is not over", i)
			}
		}
		if over(late) || a.rings.Load() != 5 { // four of them to look
			t.Errorf("%d rings for one moment", a.rings.Load())
		}
		if time.Sleep(time.Minute); !over(late) {
			t.Error("the last is not over")
		}
	})
}

// TestLostTime: who waits is woken at once when time was lost that counts, and it is known how much; a wait of an hour costs a look every seven seconds.
func TestLostTime(t *testing.T) {
	bubble(t, func(t *testing.T, a *fake, c *Clock) {
		for _, d := range []time.Duration{0, lost, 4*time.Second + lost, 4*time.Second + lost + 1, look + lost, 10 * time.Second, time.Hour} {
			timer := c.NewTimer()
			timer.Reset(2 * time.Hour)
			time.Sleep(9*look + 3*time.Second)
			want := d - 4*time.Second // until the next look
			if want <= lost {
				want = 0
			}
			if a.sleep(d); over(timer) != (want > 0) {
				t.Errorf("asleep for %v: woken %v", d, want == 0)
			}
			if gap := c.Gap(); gap != want || c.Gap() != 0 {
				t.Errorf("asleep for %v: %v were lost, want %v", d, gap, want)
			}
			timer.Stop()
			time.Sleep(look + time.Second)
		}
		if n := a.rings.Load(); n > 100 {
			t.Errorf("%d rings", n)
		}
	})
	if (*Clock)(nil).Gap() != 0 {
		t.Error("nothing lost time")
	}
}
