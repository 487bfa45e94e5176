package model

import (
	"strings"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// longEnough is how long a question whether to trust a gateway has to be there before a yes counts: its button is where the one was that led to it, and who clicked that one twice has read nothing.
const longEnough = time.Second

// The kinds of prompts as the agent writes them.
const (
	kindForm    = "form"
	kindBanner  = "banner"
	kindTrust   = "trust"
	kindBrowser = "browser"
	kindSign    = "sign"
)

// answering is how far the answer to the agent's prompt is.
type answering struct {
	sent    string       // id of the prompt whose answer is on its way
	browsed string       // id of the prompt whose page was opened
	err     *fault.Error // what went wrong with the last answer
	since   time.Time    // when the prompt came
	seen    string       // id of the prompt that the person closed the window of
}

// next begins anew for another prompt, or for none.
func (a answering) next(p *ipc.Prompt, now time.Time) answering {
	if p != nil && p.ID == a.browsed {
		return answering{browsed: a.browsed, since: now}
	}
	return answering{since: now}
}

// done takes what became of an answer. A prompt that is over is no failure: the state says how it goes on.
func (a answering) done(id string, err *fault.Error) answering {
	if err == nil {
		return a
	}
	if a.sent == id {
		a.sent = ""
	}
	return a.told(id, err)
}

// told takes something that went wrong on the way.
func (a answering) told(id string, err *fault.Error) answering {
	if id != "" && err != nil && err.Code != fault.AuthPromptGone {
		a.err = err
	}
	return a
}

// question is the agent's prompt, if it is one for a person of ours.
func (m Model) question() *ipc.Prompt {
	p := m.state.Prompt
	if p == nil || p.Kind == kindSign || p.ID == "" || !m.own() {
		return nil
	}
	return p
}

// attend lets a question of an attempt that was begun here come forward: the person is waiting for it.
func (m Model) attend() (Model, []Command) {
	p := m.question()
	if p == nil || !m.asked.ours {
		return m, nil
	}
	var todo []Command
	if !m.desk.visible {
		m, todo = m.show()
	}
	if p.Kind == kindBrowser && m.answer.browsed != p.ID && p.Error == "" { // who was refused may be signed in by the page itself, and refused again, without end
		next, more := m.openPage()
		return next, append(todo, more...)
	}
	return m, todo
}

// openPage shows the page to sign in at. It is https, or it is not shown.
func (m Model) openPage() (Model, []Command) {
	p := m.question()
	if p == nil || p.Browser == nil || !strings.HasPrefix(p.Browser.URL, "https://") {
		return m, nil
	}
	m.answer.browsed, m.answer.err = p.ID, nil
	return m, []Command{Browse{Prompt: p.ID, Page: *p.Browser, Title: m.text("window.title"), Finished: m.text("prompt.browser.finished"), Unusable: m.text("prompt.browser.unusable")}}
}

// considered is from when on a question whether to trust a gateway can have been read.
func (m Model) considered() time.Time { return m.answer.since.Add(longEnough) }

// answered takes a person's answer. What is in it goes into one command; one for a question that is over goes nowhere.
func (m Model) answered(a Answer, now time.Time) (Model, []Command) {
	switch {
	case a.Prompt == certificateID:
		return m.unlock(a)
	case a.Prompt == waitID && a.Cancel:
		return m.disconnect()
	}
	p := m.question()
	if p == nil || p.ID != a.Prompt || m.answer.sent == p.ID {
		return m, nil
	}
	if p.Kind == kindTrust && a.Accept != nil && *a.Accept && now.Before(m.considered()) {
		return m, nil
	}
	m.answer.sent, m.answer.err = p.ID, nil
	ans := ipc.Answer{Cancel: a.Cancel}
	switch {
	case a.Cancel:
		m.asked.leaving = true // a person who cancels need not be told that it ended
	case a.Accept != nil:
		yes := *a.Accept
		ans.Accept = &yes
	default:
		ans.Fields = a.Fields
	}
	return m, []Command{CallAnswer{Prompt: p.ID, Answer: ans}}
}
