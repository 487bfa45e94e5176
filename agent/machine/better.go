package machine

import "slices"

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
