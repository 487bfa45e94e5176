package machine

import (
	"slices"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// The pace of retries: at once, then every half second for a minute, then doubling to half a minute, until the session ends.
const (
	briskPace  = 500 * time.Millisecond
	briskTime  = time.Minute
	slowest    = 30 * time.Second
	closedWait = time.Second     // after a DISCONNECT without a reason
	closedMore = 5 * time.Second // after the first refusal that followed it
	renewPause = slowest         // between tries to replace a tunnel that still works
)

// search starts over: a round now, or when an unexplained DISCONNECT asks for patience, and brisk retries from now on.
func (m *step) search() {
	m.s.Loss.Since = m.now
	if !m.s.Offline() { // there it would put off the next look around, and news are a reason for one
		m.s.Loss.Delay = 0
	}
	if m.s.Closed {
		if m.s.timer(TimerRetry) < 0 || m.s.Presented == 0 {
			m.arm(TimerRetry, m.now.Mono+closedWait)
		}
		return
	}
	m.round()
}

// ways lists the paths to try: those that are known, else as the system routes. That also is what is tried while offline, at the slowest pace: a monitor
// that missed a network must not park the session for ever.
func (m *step) ways() []Path {
	if len(m.s.Paths) == 0 {
		return []Path{{}}
	}
	return m.s.Paths
}

// round asks the old carrier, unless it is broken or has no address to answer to, and reaches for the gateway on every path where nothing is in flight; then it arms the next round.
func (m *step) round() {
	targets := m.targets()
	if m.s.Frozen || m.s.has(FxCommit) || m.calm() && len(targets) == 0 {
		return
	}
	m.s.ProbeAt = min(m.s.ProbeAt, m.now.Mono)
	m.inquire()
	// Offline the first round, at a time when nothing was tried yet, would only find what the monitor said.
	parked := m.s.Offline() && m.s.Loss.Delay < slowest
	if (m.s.Policy.AutoReconnect || m.s.Planned) && !parked {
		for _, p := range targets {
			if !slices.ContainsFunc(m.s.Jobs, func(j Job) bool { return j.Kind == FxStartReach && j.Path == p }) {
				m.start(Effect{Kind: FxStartReach, Path: p}, m.s.Loss.limit())
			}
		}
	}
	m.rearm()
}

// inquire asks the carrier in doubt for a sign of life.
func (m *step) inquire() {
	if m.s.Probing && !m.s.Down && !m.s.Gone && !m.s.Frozen && !m.s.has(FxProbe) {
		m.start(Effect{Kind: FxProbe, Tunnel: m.s.Tunnel}, probeTime)
	}
}

// limit is how long a reach may take: the rarer the tries, the longer each, for a gateway or a path that is no more than slow.
func (l Loss) limit() time.Duration { return min(max(reachTime, l.Delay/2), longReach) }

// rearm arms the next round by the pace that is due.
func (m *step) rearm() {
	l := &m.s.Loss
	switch {
	case m.s.Offline():
		l.Delay = slowest
	case m.signing(m.now.Mono - l.Since.Mono):
		l.Delay = portalPace
	case m.s.Planned && m.s.Phase == Connected && !m.s.Probing:
		l.Delay = renewPause
	case m.calm():
		m.s.Shy = min(max(2*m.s.Shy, renewPause), longestShy)
		l.Delay = m.s.Shy
	case m.now.Mono-l.Since.Mono < briskTime:
		l.Delay = briskPace
	default:
		l.Delay = min(max(l.Delay, briskPace)*2, slowest)
	}
	at := m.now.Mono + m.pace(l.Delay)
	if i := m.s.timer(TimerRetry); i >= 0 && m.s.Offline() {
		at = min(at, m.s.Timers[i].At) // news must not put the look around off for ever
	}
	m.arm(TimerRetry, at)
}

// pace is d with a jitter of a fifth in both directions, so that the clients of a gateway that restarts do not come back in step.
func (m *step) pace(d time.Duration) time.Duration {
	m.s.Rand += 0x9e3779b97f4a7c15 // splitmix64
	z := m.s.Rand
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	z ^= z >> 31
	return d*4/5 + time.Duration(z%uint64(d*2/5+1))
}

// cancelReaches gives up every reach, those that were answered too.
func (m *step) cancelReaches() { m.cancel(func(j Job) bool { return j.Kind == FxStartReach }) }

// cancelProbes gives up every probe.
func (m *step) cancelProbes() { m.cancel(func(j Job) bool { return j.Kind == FxProbe }) }

// reached keeps a verified connection for a commit.
func (m *step) reached() {
	i := m.s.job(FxStartReach, m.ev.Attempt)
	if i < 0 || m.s.Jobs[i].Held {
		m.lateReach()
		return
	}
	j := &m.s.Jobs[i]
	j.Held, j.RTT, j.At = true, m.ev.RTT, m.now.Mono+heldTime
	m.letThrough(j.Path)
	m.decide(ReasonHold)
	m.settle()
}

// reachFailed leaves the retry to the next round. What answered and is not the gateway is told to the user, unless a portal explains it; the session is not
// touched by it.
func (m *step) reachFailed() {
	j, ok := m.take(FxStartReach)
	if !ok {
		return
	}
	f := m.ev.Fault.or(fault.NetLost)
	m.decide(ReasonReachFailed)
	if f.impostor() {
		m.decide(ReasonWrongPlace)
	}
	switch {
	case m.suspect(j.Path, f), m.s.Portal():
	case f.impostor():
		m.complain(f)
	case m.s.Phase == Reconnecting:
		m.s.Err = f
	}
	if m.s.timer(TimerRetry) < 0 && !m.s.Frozen {
		m.rearm()
	}
}

// settle commits when there is something to commit on and the old carrier is of no use: broken, its address gone, declared dead, to be replaced anyway, or silent
// for three round trips while a connection that was begun no earlier has been answered. Slowness alone is never death. To a way that the system likes better the
// session moves as soon as that answers, and packets flow on the old one until then.
func (m *step) settle() {
	if m.s.Frozen || m.s.has(FxCommit) {
		return
	}
	best := -1
	ways := m.ways()
	for i, j := range m.s.Jobs {
		if j.Kind != FxStartReach || !j.Held {
			continue
		}
		if best < 0 || slices.Index(ways, j.Path) < slices.Index(ways, m.s.Jobs[best].Path) {
			best = i
		}
	}
	if best < 0 {
		return
	}
	j := m.s.Jobs[best]
	if m.s.Down || m.s.Gone || m.s.Dead || m.s.Planned || m.moves(j.Path) {
		m.commit(j)
		return
	}
	if !m.s.Probing || j.Start < m.s.ProbeAt {
		return
	}
	if at := m.s.ProbeAt + max(3*j.RTT, 3*m.s.RTT, verdictFloor); m.now.Mono < at { // of the slower of the two: a fast new way says nothing about a slow old one
		m.arm(TimerVerdict, at)
		return
	}
	m.commit(j)
}
