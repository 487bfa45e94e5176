package tray

import "time"

// wake is the one timer: the time at which the model wants to be asked again. None runs while the model wants none.
type wake struct {
	at    time.Time
	timer *time.Timer
}

// set replaces the time; the zero time asks for none. ring is called on a goroutine of its own, once, at the time or soon after.
func (w *wake) set(at time.Time, ring func()) {
	if w.timer != nil && at.Equal(w.at) {
		return
	}
	if w.timer != nil {
		w.timer.Stop() // one that rings just now asks the model once too often, which harms nobody
		w.timer = nil
	}
	if w.at = at; !at.IsZero() {
		w.timer = time.AfterFunc(time.Until(at), ring)
	}
}

// rang forgets a time that has come.
func (w *wake) rang(now time.Time) {
	if !now.Before(w.at) {
		w.at, w.timer = time.Time{}, nil
	}
}
