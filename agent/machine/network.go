package machine

import (
	"slices"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// This file holds what another network means to a session.

// networkChanged takes the ways out of the machine. News is a change of the way in use, its loss, or other ways than before that the system likes better.
func (m *step) networkChanged() {
	old, known := m.s.Paths, m.s.PathsKnown
	liked := old[:m.s.better()]
	m.notePaths()
	if known && slices.Equal(old, m.s.Paths) {
		m.decide(ReasonSameNetwork)
		return
	}
	dropped := m.dropVanished()
	wasGone := m.s.Gone
	m.s.Gone = m.s.gone()
	if m.s.Gone {
		m.cancelProbes()
	}
	fresh := slices.ContainsFunc(m.s.Paths, func(p Path) bool { return !slices.Contains(old, p) })
	switch {
	case m.s.Phase == Connected && m.s.Gone:
		if m.s.Loss.Cause == ReasonSilence { // now it is known what the silence was
			m.s.Loss.Cause = ReasonPathGone
		}
		m.lose(ReasonPathGone, faultOf(fault.NetNoPath))
	case m.calm() && m.s.own() == m.s.Path && m.s.better() > 0 && !m.eager():
		m.stay()
	case m.s.Phase == Connected && m.turned(liked, fresh):
		m.s.Shy = 0
		m.doubt(ReasonNewPath)
	case m.s.Phase == Connected:
		m.decide(ReasonSameNetwork)
		m.rest()
	case m.s.Offline():
		m.s.Err = faultOf(fault.NetNoPath)
		m.decide(ReasonOffline)
		m.s.Loss.Delay = slowest
		m.arm(TimerRetry, m.now.Mono+m.pace(slowest))
	case fresh || dropped || wasGone != m.s.Gone:
		m.decide(ReasonNewPath)
		if !m.s.Gone && wasGone && !m.s.Down {
			m.s.Probing, m.s.ProbeAt = true, m.now.Mono
		}
		m.search()
		m.settle()
	default:
		m.decide(ReasonSameNetwork)
		m.settle()
	}
}

// notePaths keeps the ways to the gateway, best first, at most maxPaths of them.
func (m *step) notePaths() {
	if m.s.Path.IfIndex == 0 && m.s.Tunnel != 0 && m.ev.Path.IfIndex != 0 {
		m.s.Path = m.ev.Path
	}
	paths := m.ev.Paths[:min(len(m.ev.Paths), maxPaths)]
	if !m.s.PathsKnown || !slices.Equal(paths, m.s.Paths) {
		m.s.PathsAt, m.s.Unseen = m.now.Mono, m.s.Unseen && len(paths) == 0
	}
	m.s.Paths, m.s.PathsKnown = append([]Path(nil), paths...), true
}

// dropVanished gives up what was tried on a way that is not there any more, and reports whether a commit was among it: its answer cannot come.
func (m *step) dropVanished() bool {
	committing := m.s.has(FxCommit)
	m.cancel(func(j Job) bool {
		return (j.Kind == FxStartReach || j.Kind == FxCommit) && !slices.Contains(m.ways(), j.Path)
	})
	m.forgetLooks(func(p Path) bool { return !slices.Contains(m.ways(), p) })
	dropped := committing && !m.s.has(FxCommit)
	if dropped && !m.s.Down {
		m.s.Probing, m.s.ProbeAt = true, m.now.Mono
	}
	return dropped
}
