package power

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// TestCalled: a system that says of sleep by calling waits in the call until the reader is ready, for a second and a half at most; other words are no news.
func TestCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &called{}
		c.call(pbtSuspend) // nobody listens yet
		m := start(slog.New(slog.DiscardHandler), c.hold, func(ctx context.Context, tell func(news)) {
			c.hears(tell)
			tell(here)
			<-ctx.Done()
			c.hears(nil)
		})
		synctest.Wait()
		for _, patient := range []bool{true, false, true} {
			began, done := time.Now(), make(chan time.Duration, 1)
			go func() { c.call(pbtSuspend); done <- time.Since(began) }()
			e := <-m.Events()
			if !e.Sleep {
				t.Fatalf("%+v", e)
			}
			want := callTime
			if patient {
				want = 300 * time.Millisecond
				time.AfterFunc(want, e.Ready)
			}
			if took := <-done; took != want {
				t.Errorf("the machine waited %v, want %v", took, want)
			}
			e.Ready()
			go c.call(7)
			go c.call(pbtResumeAutomatic)
			if e := <-m.Events(); e.Sleep {
				t.Errorf("%+v", e)
			}
			synctest.Wait()
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		c.call(pbtSuspend) // nobody listens any more
	})
}
