package tray

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestWake: there is one time, the last that was asked for, and none when none was.
func TestWake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w wake
		rang := make(chan time.Time, 8)
		ring := func() { rang <- time.Now() }
		start := time.Now()
		w.set(start.Add(time.Hour), ring)
		w.set(start.Add(time.Minute), ring)
		w.set(start.Add(time.Minute), ring)
		if at := <-rang; at.Sub(start) != time.Minute {
			t.Errorf("rang after %v", at.Sub(start))
		}
		w.rang(time.Now())
		time.Sleep(2 * time.Hour)
		w.set(start, ring) // a time that is over is now
		<-rang
		w.rang(time.Now())
		w.set(time.Now().Add(time.Minute), ring)
		w.rang(time.Now()) // an old one: the new stays
		w.set(time.Time{}, ring)
		time.Sleep(time.Hour)
		if len(rang) > 0 {
			t.Error("rang again")
		}
	})
}
