package model

import "time"

// nextWake is when time alone will change something that can be seen, or that must be said; the zero time when nothing will: a closed window costs nothing.
func (m Model) nextWake(now time.Time) time.Time {
	var next time.Time
	want := func(at time.Time) {
		if at.After(now) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	want(m.detailsWake(now))
	if at, ok := m.desk.unreachable(); ok {
		want(at)
	}
	if m.stale(now) {
		want(m.goneAt.Add(staleFor))
	}
	if at, ok := m.missedAt(); ok && !m.alerts[noticeAgent].shown {
		want(at)
	}
	if at, ok := m.brokenAt(); ok && !m.alerts[noticeBroken].shown {
		want(at)
	}
	if at, ok := m.expires(); ok {
		want(at.Add(-m.soon()))
		want(at.Add(-endsAtOnce))
	}
	if m.question() != nil && !m.desk.visible && !m.alerts[noticePrompt].shown {
		want(m.answer.since.Add(askedElsewhere))
	}
	if w := m.state.Waiting; w != nil && m.own() && phaseOf(m.state).trying() {
		want(w.Since.Add(waitAfter))
	}
	if q := m.question(); q != nil && q.Kind == kindTrust && m.desk.visible {
		want(m.considered())
	}
	if m.desk.visible {
		want(m.tickAt(now))
	}
	return next
}

// tickAt is when the open window changes next: each second where it shows seconds or measures.
func (m Model) tickAt(now time.Time) time.Time {
	second := now.Truncate(time.Second).Add(time.Second)
	if m.looking() || m.pushed(now) {
		return second
	}
	if q := m.question(); q != nil && !q.Until.IsZero() && m.cert.asking == "" {
		if from := q.Until.Add(-countFrom); from.After(now) {
			return from
		}
		if q.Until.After(now) {
			return second
		}
	}
	return time.Time{}
}
