package model

import (
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

const (
	// lasts is how long something has to last to be worth a notification.
	lasts = 5 * time.Second
	// calm is how long there is no second notification of a tunnel that breaks again and again.
	calm = 2 * time.Minute
	// askedElsewhere is how long a question waits that another program of this person's may answer, such as the command line.
	askedElsewhere = 2 * time.Second
)

// notice is a notification that may be on the screen: one of each kind at most.
type notice int

// The kinds.
const (
	noticeBroken notice = iota // the tunnel is looked for
	noticeAgent                // there was a session, and there is no agent
	noticePrompt               // the person is asked, and does not see it
	noticeEnds                 // the session's time is nearly over
	noticeEnded                // the session or an attempt ended, not by the person
	noticeEnd
)

// notices are their ids.
var notices = [...]string{"reconnecting", "agent", "prompt", "ends", "ended"}

// alert is a notification as it was shown last.
type alert struct {
	shown       bool
	title, text string
	at          time.Time // when it was first shown
}

// alerts are all of them.
type alerts [noticeEnd]alert

// alert shows, changes and withdraws notifications so that they say what is so now.
func (m Model) alert(now time.Time) (Model, []Command) {
	var todo []Command
	for k := range noticeEnd {
		was := &m.alerts[k]
		is := m.notice(k, now)
		switch {
		case is.Title == "" && was.shown:
			was.shown = false
			todo = append(todo, Withdraw{ID: notices[k]})
		case is.Title != "" && (!was.shown || k != noticeAgent && (was.title != is.Title || was.text != is.Text)): // an agent is looked for again and again, and each time missed a little otherwise
			if !was.shown {
				was.at = now
			}
			was.shown, was.title, was.text = true, is.Title, is.Text
			is.ID = notices[k]
			todo = append(todo, is)
		}
	}
	return m, todo
}

// notice is what a notification would say now; without a title there is none.
func (m Model) notice(k notice, now time.Time) Notify {
	host := fill("host", m.target())
	switch k {
	case noticeBroken:
		at, ok := m.brokenAt()
		if !ok || now.Before(at) {
			return Notify{}
		}
		if m.portal() {
			return Notify{Title: m.text("tray.portal"), Text: m.text("window.note.portal"), Urgent: true}
		}
		return Notify{Title: m.text("tray.broken", host), Text: m.text("window.line.reconnecting.hint")}
	case noticeAgent:
		if at, ok := m.missedAt(); ok && !now.Before(at) {
			return Notify{Title: m.absence(), Text: m.advise(m.gone), Urgent: true}
		}
	case noticePrompt:
		if p := m.prompt(now); p != nil && m.unseen(p, now) {
			if p.Kind == PromptWait {
				return Notify{Title: p.Title, Text: p.Message, Urgent: true}
			}
			return Notify{Title: m.asking(p), Text: m.text("tray.asks.how"), Urgent: true}
		}
	case noticeEnds:
		return m.ends(now)
	case noticeEnded:
		return m.ended()
	}
	return Notify{}
}

// unseen reports a question that the person has to be told of. One that somebody else's program began may have its answer from there at once.
func (m Model) unseen(p *Prompt, now time.Time) bool {
	return !m.desk.visible && m.answer.seen != p.ID && (m.asked.ours || !now.Before(m.answer.since.Add(askedElsewhere)))
}

// brokenAt is when a tunnel that is looked for is worth a notification; not ok where none is.
func (m Model) brokenAt() (at time.Time, ok bool) {
	if !m.own() || phaseOf(m.state) != reconnecting {
		return at, false
	}
	at = m.since.Add(lasts)
	if was := m.alerts[noticeBroken]; was.shown {
		return was.at, true
	} else if again := was.at.Add(calm); again.After(at) && !m.portal() {
		return again, true
	}
	return at, true
}

// missedAt is when an agent that took a session with it is worth a notification.
func (m Model) missedAt() (at time.Time, ok bool) {
	if m.here || m.gone == nil || !m.heard || m.foreign() || !phaseOf(m.state).held() {
		return at, false
	}
	return m.goneAt.Add(max(lasts, staleFor)), true
}

// ends says that the session's time is nearly over: twice, a quarter of an hour and five minutes before.
func (m Model) ends(now time.Time) Notify {
	at, ok := m.expires()
	if !ok || at.Sub(now) > m.soon() {
		return Notify{}
	}
	n := Notify{Title: m.text("tray.ends", fill("time", m.words.When(at, now))), Text: m.text("tray.ends.soon")}
	if at.Sub(now) <= endsAtOnce {
		n.Text, n.Urgent = m.text("tray.ends.now"), true
	}
	return n
}

// ended says what ended while nobody looked.
func (m Model) ended() Notify {
	e := m.asked.ended
	if e == nil || m.desk.visible {
		return Notify{}
	}
	n := Notify{Title: m.text("tray.ended", fill("host", e.host)), Text: m.text("tray.ended.elsewhere"), Urgent: e.lost || e.fault != nil}
	if e.lost {
		n.Text = m.text("tray.ended.restart")
	}
	if e.tried {
		n.Title = m.text("tray.failed", fill("host", e.host))
	}
	if e.fault != nil {
		n.Text = m.say(e.fault)
		if e.fault.Kind != fault.Retryable || e.tried {
			n.Text = then(n.Text, m.advise(e.fault))
		}
	}
	return n
}
