package model

import (
	"time"
)

// pages is what the details window knows.
type pages struct {
	open bool
	tab  Tab
}

// updateDetails is Update for the details window. It runs before what else Update does, and so sees the model as it was before the message. Its commands hold no Wake: detailsWake says when it wants a Tick.
func (m Model) updateDetails(msg Msg, now time.Time) (Model, []Command) {
	switch msg := msg.(type) {
	case ShowDetails:
		m.pages.open, m.pages.tab = true, msg.Tab
		return m, []Command{Open{Details: true}}
	case HideDetails:
		m.pages.open = false
		return m, []Command{Close{Details: true}}
	}
	return m, nil
}

// detailsWake is when the open page wants a Tick; the zero time while it wants none.
func (m Model) detailsWake(now time.Time) time.Time { return time.Time{} }

// details is the details window as it is to be seen, nil while it is closed.
func (m Model) details(now time.Time) *Details {
	if !m.pages.open {
		return nil
	}
	return &Details{Open: m.pages.tab}
}
