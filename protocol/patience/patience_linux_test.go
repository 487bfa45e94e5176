package patience

import (
	"testing"
	"time"
)

// TestKernel: the real alarm.
func TestKernel(t *testing.T) {
	a, err := newAlarm()
	if err != nil {
		t.Fatal(err)
	}
	c := start(a, time.Millisecond)
	timer, never := c.NewTimer(), c.NewTimer()
	never.Reset(time.Hour)
	for range 20 {
		began := a.now()
		timer.Reset(20 * time.Millisecond)
		select {
		case <-timer.C():
		case <-time.After(10 * time.Second):
			t.Fatal("never")
		}
		if d := a.now() - began; d < 20*time.Millisecond {
			t.Errorf("early: %v", d)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if len(never.C()) > 0 {
		t.Error("an hour is over")
	}
}
