package agent

import (
	"slices"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/machine"
)

// word is what a worker says to people by way of the loop: the machine decides nothing on it.
type word uint8

const (
	wordNone     word = iota
	wordRetry         // when the faster transport is tried next is another time
	wordLoggedIn      // the gateway knows who the user is
)

// stage is how far a login is, for people.
type stage struct {
	attempt machine.ID
	step    string
	waiting *ipc.Waiting // nil unless the gateway keeps it waiting
}

// hear takes a word. One of an attempt that was given up says nothing.
func (l *loop) hear(w word, attempt machine.ID, waiting bool) {
	switch {
	case w == wordRetry:
	case !waiting:
		return
	case w == wordLoggedIn:
		l.status.login = stage{attempt: attempt, step: ipc.StepTunnel}
	}
	l.changed = true
	l.flush()
}

// progress notes what an event says of how far a login is. A question after the login, a banner, does not set it back.
func (l *loop) progress(ev machine.Event) {
	now := &l.status.login
	if now.attempt != ev.Attempt {
		*now = stage{attempt: ev.Attempt, step: ipc.StepLogin}
	}
	now.waiting = nil
	if ev.Kind == machine.EvWaitBegan {
		at := l.cfg.Wall()
		now.waiting = &ipc.Waiting{Since: at, Until: at.Add(machine.AuthIdle)}
	}
}

// describeLogin adds how far a login is.
func (l *loop) describeLogin(s *ipc.State) {
	switch l.state.Phase {
	case machine.Connecting, machine.Authenticating:
		s.Step = ipc.StepReach
	case machine.Establishing:
		s.Step = ipc.StepApply
		return
	default:
		return
	}
	i := slices.IndexFunc(l.state.Jobs, func(j machine.Job) bool { return j.Kind == machine.FxStartAttempt })
	if i < 0 || l.state.Jobs[i].ID != l.status.login.attempt {
		return
	}
	s.Step = l.status.login.step
	if l.state.Waiting {
		s.Waiting = l.status.login.waiting
	}
}
