package model

import (
	"strings"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/ui/locale"
)

// window is the small window.
func (m Model) window(now time.Time) Window {
	p := m.phase(now)
	w := Window{Title: m.text("window.title"), Shape: m.shape(now)}
	m.headline(&w, p, now)
	m.gateways(&w, p)
	w.Button = m.button(p)
	w.More = Button{Label: m.text("tray.details"), Msg: ShowDetails{m.pages.tab}}
	w.Steps, w.Progress = m.steps(p)
	w.Facts, w.Graph, w.Notes = m.facts(p, now), m.graph(p), m.notes(p, now)
	return w
}

// headline says what is, in a word and in a sentence, and what to do.
func (m Model) headline(w *Window, p phase, now time.Time) {
	w.Headline = m.words.Text("window.headline." + p.String())
	switch {
	case p == absent:
		m.tellAbsent(w)
	case p == idle && m.asked.failed != nil:
		m.blame(w, m.asked.failed)
	case p == idle && m.failure() != nil:
		m.blame(w, m.failure())
		if m.asked.broke {
			w.Headline = m.text("window.failed")
		}
	case m.foreign() && p != waiting && p != starting:
		w.Line, w.Hint = m.text("window.other"), m.text("window.other.hint")
	default:
		w.Line, w.Hint, w.Tone = m.line(p, now)
	}
}

// failure is how the last attempt or session ended, or what is wrong with this machine; nil where the person wanted it so, and where it was somebody else's.
func (m Model) failure() *fault.Error {
	f := failure(m.state.Error)
	switch {
	case f == nil, f.Code == fault.AuthCancelled:
		return nil
	case m.state.Attempt == "" && m.state.Target == "" && !strings.HasPrefix(string(f.Code), "HOST-"):
		return nil
	}
	return f
}

// tellAbsent says why there is no agent, and what to do.
func (m Model) tellAbsent(w *Window) {
	m.blame(w, m.gone)
	w.Headline = m.absence()
}

// absence is why there is no agent, in two or three words.
func (m Model) absence() string {
	switch m.gone.Code {
	case fault.AgentRefused:
		return m.text("window.refused")
	case fault.AgentSilent:
		return m.text("window.hung")
	case fault.AgentProtocol:
		return m.text("window.misfit")
	}
	return m.text("window.headline.absent")
}

// blame shows a failure: its sentence, what to do, its code for support.
func (m Model) blame(w *Window, f *fault.Error) {
	w.Line, w.Hint, w.Code, w.Tone = m.say(f), m.advise(f), string(f.Code), ToneBad
}

// line is the one sentence of a phase.
func (m Model) line(p phase, now time.Time) (line, hint string, tone Tone) {
	host := fill("host", m.target())
	switch p {
	case starting:
		return m.text("window.line.starting"), "", TonePlain
	case waiting:
		return m.text("window.line.waiting"), m.text("window.line.waiting.hint"), ToneWarn
	case idle:
		return m.lineDown()
	case connecting:
		if m.pushed(now) {
			return m.text("prompt.wait.how"), "", TonePlain
		}
		if m.step(p) == stepLogin {
			return m.text("window.line.login", host), "", TonePlain
		}
		return m.text("window.line.connecting", host), "", TonePlain
	case authenticating:
		return m.text("window.line.authenticating", host), m.text("window.line.authenticating.hint"), TonePlain
	case establishing:
		return m.text("window.line.establishing", host), "", TonePlain
	case up:
		return m.lineUp(host)
	case reconnecting:
		return m.lineBroken(host)
	case paused:
		return m.text("window.line.paused", host), "", TonePlain
	case blocked:
		return m.text("window.line.blocked"), m.text("window.line.blocked.hint"), ToneBad
	case disconnecting:
		return m.text("window.line.disconnecting"), "", TonePlain
	}
	return m.text("window.line.strange"), m.advise(fault.New(fault.AgentNewer, nil)), ToneWarn
}

func (m Model) lineDown() (line, hint string, tone Tone) {
	switch list := m.list(); {
	case len(list) == 0 && !m.manual():
		return m.text("window.nohosts"), m.text("window.nohosts.hint"), TonePlain
	case len(list) == 0:
		return m.text("window.line.type"), "", TonePlain
	}
	return m.text("window.line.disconnected"), "", TonePlain
}

// lineUp says what the session does with the traffic, which is what it is for.
func (m Model) lineUp(host locale.Arg) (line, hint string, tone Tone) {
	switch {
	case m.state.Probing:
		return m.text("window.line.probing", host), "", ToneWarn
	case m.state.TunnelAll == nil:
		return m.text("window.line.connected", host), "", ToneGood
	case *m.state.TunnelAll:
		return m.text("window.line.all", host), "", ToneGood
	}
	return m.text("window.line.split", host), "", ToneGood
}

// lineBroken says why the tunnel is looked for, and that nothing need be done where that is so.
func (m Model) lineBroken(host locale.Arg) (line, hint string, tone Tone) {
	f := failure(m.state.Error)
	if f == nil || m.portal() { // of a portal speaks a note, with what can be done
		return m.text("window.line.reconnecting", host), m.text("window.line.reconnecting.hint"), ToneWarn
	}
	return m.say(f), m.text("window.line.reconnecting.hint"), ToneWarn
}

// gateways is the list of hosts, and whether it can be used.
func (m Model) gateways(w *Window, p phase) {
	w.Hosts = m.list()
	w.Selected, w.Manual, w.Typed = m.selected(w.Hosts), m.manual(), m.hosts.typed
	w.Fixed = p != idle && p != blocked || !m.here || m.foreign()
	if w.Fixed && m.own() {
		w.Selected, w.Typed = -1, m.target()
		for i, h := range w.Hosts {
			if h.Target == m.state.Target || p == connecting && h.Target == m.asked.target && m.asked.connecting {
				w.Selected, w.Typed = i, m.hosts.typed
			}
		}
	}
	if len(w.Hosts) == 0 && !w.Manual && m.hosts.known {
		w.NoHosts = m.text("window.nohosts.hint")
	}
}

// button is what can be done now.
func (m Model) button(p phase) Button {
	connect := Button{Label: m.text("window.connect"), Primary: true}
	switch {
	case m.foreign():
		return connect
	case p == idle, p == blocked:
		if m.chosen() != "" && (!m.hosts.manual || m.manual()) {
			connect.Msg = Connect{}
		}
		return connect
	case p == absent, p == starting:
		return connect
	case p == waiting && phaseOf(m.state) == idle:
		return connect
	case p.trying():
		cancel := Button{Label: m.text("window.cancel"), Msg: Disconnect{}}
		if m.asked.leaving {
			cancel.Msg = nil
		}
		return cancel
	}
	leave := Button{Label: m.text("window.disconnect"), Msg: Disconnect{}}
	if m.asked.leaving || p == disconnecting || p == waiting {
		leave.Msg = nil
	}
	return leave
}

// step is how far an attempt is.
type step int

// The steps, as the contract has them.
const (
	stepReach step = iota
	stepLogin
	stepTunnel
	stepApply
	stepEnd
)

// stepNames are their names in the state and in keys of texts.
var stepNames = [...]string{ipc.StepReach, ipc.StepLogin, ipc.StepTunnel, ipc.StepApply}

// step is the one that is under way. An agent from before it said so tells by its phase.
func (m Model) step(p phase) step {
	for s, name := range stepNames {
		if m.state.Step == name {
			return step(s)
		}
	}
	switch p {
	case authenticating:
		return stepLogin
	case establishing:
		return stepApply
	case up, reconnecting, paused:
		return stepEnd
	}
	return m.asked.step
}

// steps shows an attempt under way, and where one failed.
func (m Model) steps(p phase) ([]Step, float32) {
	failed := p == idle && m.asked.broke && m.asked.failed == nil
	if !p.trying() && !failed || m.foreign() {
		return nil, 0
	}
	now := m.asked.step
	if !failed {
		now = m.step(p)
	}
	all := make([]Step, stepEnd)
	for s := range all {
		all[s] = Step{Label: m.words.Text("window.step." + stepNames[s]), State: StepAhead}
		switch {
		case step(s) < now:
			all[s].State = StepDone
		case step(s) == now && failed:
			all[s].State = StepFailed
		case step(s) == now:
			all[s].State = StepNow
		}
	}
	return all, (float32(now) + 0.5) / float32(stepEnd)
}
