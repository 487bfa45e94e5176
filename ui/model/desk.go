package model

import "time"

// desk is what there is to show things on.
type desk struct {
	known   bool      // the desktop has said
	tray    bool      // it has a place for icons
	ever    bool      // it had one since the start
	bare    time.Time // since when it has none
	visible bool      // the window is shown
	left    bool      // the person has closed it
}

// homeless is how long a program that was started as an icon waits for a panel, before it shows its window: at a login panels come later than programs.
const homeless = 10 * time.Second

// said takes the desktop's word for whether it has a place for icons.
func (d desk) said(tray bool, now time.Time) desk {
	if !tray && (d.tray || !d.known) {
		d.bare = now
	}
	d.known, d.tray, d.ever = true, tray, d.ever || tray
	return d
}

// unreachable is when a person could no longer reach us but by the window; not ok where he can, or has closed it himself.
func (d desk) unreachable() (at time.Time, ok bool) {
	return d.bare.Add(homeless), d.known && !d.ever && !d.visible && !d.left
}

// settle shows the window where nothing else can be seen of us.
func (m Model) settle(now time.Time) (Model, []Command) {
	if at, ok := m.desk.unreachable(); ok && !now.Before(at) {
		return m.show()
	}
	return m, nil
}

// show brings the window forward: what ended unseen is seen.
func (m Model) show() (Model, []Command) {
	m.desk.visible, m.asked.ended = true, nil
	return m, []Command{Open{}}
}

// hide closes the window: what it asked has been seen, and a certificate is not wanted any more.
func (m Model) hide(now time.Time) (Model, []Command) {
	if p := m.prompt(now); p != nil {
		m.answer.seen = p.ID
	}
	m.desk.visible, m.desk.left = false, true
	if !m.cert.busy {
		m.cert.asking, m.cert.err = "", nil
	}
	return m, []Command{Close{}}
}

// quit ends the application, and says that a session goes on without it.
func (m Model) quit() (Model, []Command) {
	if !m.own() {
		return m, []Command{Exit{}}
	}
	stays := Notify{ID: "quit", Title: m.text("tray.stays", fill("host", m.target())), Text: m.text("tray.stays.how")}
	return m, []Command{stays, Exit{}}
}
