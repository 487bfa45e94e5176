package machine

import (
	"slices"
	"time"
)

// hasty is how many moves a minute may have that nothing forces. A cable with a bad contact would have the session move with every wink of it.
const hasty = 3

// This file holds what makes a session move although its carrier works: the system likes another network better. Packets flow on the old carrier until the gateway
// has answered on the better way; the commit is the only pause. A way that does not answer is looked at ever more rarely, and so is one that did not hold.

// better is how many ways the system likes more than the one in use: those before the first of its interface. A session moves to one of them that answers.
func (s State) better() int {
	if !s.Policy.AutoReconnect || s.Tunnel == 0 || s.Path.IfIndex == 0 {
		return 0
	}
	return max(0, slices.IndexFunc(s.Paths, func(p Path) bool { return p.IfIndex == s.Path.IfIndex }))
}

// own is the way in use as the network has it now: its next hop may be another.
func (s State) own() Path {
	i := slices.IndexFunc(s.Paths, func(p Path) bool { return p.IfIndex == s.Path.IfIndex && p.Local == s.Path.Local })
	if i < 0 || s.Path.IfIndex == 0 {
		return s.Path
	}
	return s.Paths[i]
}

// eager reports that the last minute has not seen too many moves.
func (m *step) eager() bool { return m.s.Moves < hasty || m.now.Mono-m.s.MovedAt > time.Minute }

// moves reports whether a way is worth leaving a carrier for that may work.
func (m *step) moves(p Path) bool {
	return slices.Index(m.s.Paths, p) < m.s.better() && slices.Contains(m.s.Paths, p) && (m.eager() || m.calm())
}

// moved counts a move. MovedAt is that of the first of a minute.
func (m *step) moved() {
	if m.now.Mono-m.s.MovedAt > time.Minute {
		m.s.Moves, m.s.MovedAt = 0, m.now.Mono
	}
	m.s.Moves++
}

// calm reports that the carrier in use gives no reason to look for another, except for a better way.
func (m *step) calm() bool { return m.s.Phase == Connected && !m.s.Probing && !m.s.Planned }

// targets lists the paths that a round tries.
func (m *step) targets() []Path {
	if m.calm() {
		return m.s.Paths[:m.s.better()]
	}
	return m.ways()
}

// rest gives up what a calm carrier does not need.
func (m *step) rest() {
	if !m.calm() {
		return
	}
	better := m.s.Paths[:m.s.better()]
	m.cancel(func(j Job) bool { return j.Kind == FxStartReach && !slices.Contains(better, j.Path) })
	if len(better) == 0 {
		m.disarm(TimerRetry)
	}
}

// turned reports whether the way in use is another one now, or there are other ways than before that the system likes better.
func (m *step) turned(liked []Path, fresh bool) bool {
	if m.s.Path.IfIndex == 0 {
		return fresh && len(m.s.Paths) > 0 && m.s.Paths[0] != m.s.Path
	}
	better := m.s.Paths[:m.s.better()]
	return m.s.own() != m.s.Path || len(better) > 0 && !slices.Equal(better, liked)
}

// stay goes on as before for now, where networks come and go too often.
func (m *step) stay() {
	m.decide(ReasonFlapping)
	m.rest()
	if m.s.timer(TimerRetry) < 0 {
		m.rearm()
	}
}
