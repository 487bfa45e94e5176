package model

import (
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// staleFor is how long the last state stays on the screen after its agent went: about what a restart or an upgrade of the agent takes.
const staleFor = 5 * time.Second

// phase is what a person is told of the agent and its session together.
type phase uint8

const (
	starting phase = iota // nobody has answered yet
	absent                // there is no agent, or none for us
	waiting               // there was one a moment ago
	idle                  // these are the contract's
	connecting
	authenticating
	establishing
	up
	reconnecting
	paused
	blocked
	disconnecting
	strange // an agent says what we do not know
)

// phases are their names in keys of texts.
var phases = [...]string{"starting", "absent", "waiting", "disconnected", "connecting", "authenticating", "establishing", "connected", "reconnecting", "paused", "blocked", "disconnecting", "strange"}

func (p phase) String() string { return phases[p] }

// trying is an attempt that may still come to nothing.
func (p phase) trying() bool { return p == connecting || p == authenticating || p == establishing }

// held is a session that exists.
func (p phase) held() bool { return p == up || p == reconnecting || p == paused }

// phaseOf is the phase of a state.
func phaseOf(s ipc.State) phase {
	for p := idle; p < strange; p++ {
		if s.State == phases[p] {
			return p
		}
	}
	return strange
}

// phase is what is now.
func (m Model) phase(now time.Time) phase {
	switch {
	case !m.here && m.gone == nil, m.here && !m.heard:
		return starting
	case !m.here && m.stale(now):
		return waiting
	case !m.here:
		return absent
	case m.asked.connecting && phaseOf(m.state) == idle:
		return connecting // the agent will say so in a moment
	}
	return phaseOf(m.state)
}

// stale reports that the agent went a moment ago and may be back in another.
func (m Model) stale(now time.Time) bool {
	return !m.here && m.heard && m.gone != nil && m.gone.Code != fault.AgentRefused && now.Before(m.goneAt.Add(staleFor))
}

// foreign reports a session of somebody else, of which the agent says nothing but the phase (ipc.Reduce).
func (m Model) foreign() bool {
	return m.heard && phaseOf(m.state) != idle && m.state.Attempt == "" && m.state.Target == ""
}

// own reports a session or an attempt of ours, at an agent that answers.
func (m Model) own() bool { return m.here && m.heard && !m.foreign() && phaseOf(m.state) != idle }

// agentHere begins with an agent: what it has to choose from, and what is in force.
func (m Model) agentHere(v ipc.Version) (Model, []Command) {
	m.here, m.gone, m.version = true, nil, v
	m.asked.failed = nil
	return m, m.choices()
}

// agentGone ends with it. What was on its way to it is lost.
func (m Model) agentGone(err *fault.Error, now time.Time) Model {
	if err == nil {
		err = fault.New(fault.AgentUnreachable, nil)
	}
	if m.here || m.gone == nil {
		m.goneAt = now
	}
	m.here, m.gone = false, err
	away := m.asked.away || m.heard && !m.foreign() && phaseOf(m.state).held()
	m.asked = asked{started: m.asked.started, ended: m.asked.ended, away: away, up: away}
	m.answer, m.rates = answering{}, rates{}
	return m
}

// happened takes an event. Of the agent's notices one says what no state does: that policy lets nobody disconnect.
func (m Model) happened(e ipc.Event, now time.Time) (Model, []Command) {
	switch {
	case e.State != nil:
		return m.took(*e.State, now)
	case e.Notice != nil && e.Notice.Code == string(fault.PolAlways) && m.asked.leaving:
		m.asked.leaving, m.asked.failed = false, e.Notice.Fault()
	}
	return m, nil
}

// promptID is the id of the question in a state; "" where there is none.
func promptID(s ipc.State) string {
	if s.Prompt == nil {
		return ""
	}
	return s.Prompt.ID
}

// took takes the agent's word for what is.
func (m Model) took(s ipc.State, now time.Time) (Model, []Command) {
	was, is, first := phaseOf(m.state), phaseOf(s), !m.heard
	before := m.foreign()
	if first || was != is || m.state.Attempt != s.Attempt {
		m.since = now
		if !s.Since.IsZero() && s.Since.Before(now) {
			m.since = s.Since
		}
	}
	if promptID(s) != promptID(m.state) {
		m.answer = m.answer.next(s.Prompt, now)
		m.asked.leaving = m.asked.leaving && s.Prompt == nil // who cancelled one question is asked another: it goes on
	}
	attempt := m.state.Attempt
	m.state, m.heard = s, true
	m.asked = m.asked.saw(is, attempt, s)
	if !m.free() { // another program was faster: there is nothing to choose a certificate for
		m.cert.asking, m.cert.busy, m.cert.err = "", false, nil
	}
	if is != up && is != reconnecting && is != paused || s.Attempt != attempt {
		m.rates = rates{}
	}
	m, todo := m.bind(attempt)
	var more []Command
	switch {
	case is == idle && (was != idle || s.Attempt != attempt && s.Error != nil) && !first:
		m, more = m.endedNow(before)
	case is == up && (was != up || first) && !m.foreign():
		m, more = m.cameUp(first)
	case was == idle && is != idle:
		m.asked.ended = nil
	}
	todo = append(todo, more...)
	m, more = m.sign()
	todo = append(todo, more...)
	m, more = m.attend()
	return m, append(todo, more...)
}
