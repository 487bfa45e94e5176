package machine

import (
	"slices"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// Step is the machine: what the State becomes by an event, and what must be done. It never panics, whatever the event holds; an event that does not fit is kept
// out (ReasonNone), and a late one that carries something alive has that closed.
//
// Deadlines on boot time are looked at first: a session that ended in sleep has ended, whatever woke us. Then the event counts, then the other deadlines, so that
// an answer that was waiting when the timer fired is still taken.
func Step(s State, ev Event, now Instant) (State, []Effect) {
	m := &step{s: s.clone(), ev: ev.within(), now: now}
	m.s.Reason, m.s.Now = ReasonNone, now
	m.expireBoot()
	if p, k := m.s.Phase, ev.Kind; p < phaseEnd && k > 0 && k < evEnd {
		table[p][k].do(m)
	}
	m.expireMono()
	if m.publish {
		m.do(Effect{Kind: FxPublish})
	}
	return m.s, m.fx
}

// within is the event with times that can be added without overflow: some of them are a gateway's own words.
func (ev Event) within() Event {
	const most = 10 * 365 * 24 * time.Hour
	for _, d := range []*time.Duration{&ev.RTT, &ev.Asked, &ev.Deadline, &ev.Unused, &ev.Limits.Session, &ev.Limits.Disconnected, &ev.Limits.Idle,
		&ev.Kept.Login, &ev.Kept.Expires, &ev.Kept.Last.Detected, &ev.Kept.Last.Outage, &ev.Kept.Last.At} {
		*d = min(max(*d, 0), most)
	}
	return ev
}

// step is one call of Step.
type step struct {
	s       State
	ev      Event
	now     Instant
	fx      []Effect
	publish bool
}

// enter is the only writer of Phase. It drops the deadlines that mean nothing in the new phase.
func (m *step) enter(p Phase, why Reason) {
	if m.s.Phase != p {
		m.s.Phase, m.s.Since = p, m.now
	}
	m.s.Timers = slices.DeleteFunc(m.s.Timers, func(t Timer) bool { return !p.keeps(t.Kind) })
	m.decide(why)
}

// keeps reports whether a timer means anything in a phase.
func (p Phase) keeps(k TimerKind) bool {
	switch k {
	case TimerThaw:
		return true
	case TimerSession:
		return p == Establishing || p == Connected || p == Reconnecting
	case TimerLost:
		return p == Reconnecting
	}
	return p == Connected || p == Reconnecting
}

// decide notes the decision of this step. The last one stands: it is the one that the phase follows from.
func (m *step) decide(why Reason) {
	m.s.Reason = why
	m.publish = true
}

// note names what a deadline did when it changed nothing that is visible.
func (m *step) note(why Reason) {
	if m.s.Reason == ReasonNone {
		m.s.Reason = why
	}
}

// do appends an effect.
func (m *step) do(fx Effect) {
	if m.fx == nil {
		m.fx = make([]Effect, 0, 4) // most steps that do something do two or three things
	}
	m.fx = append(m.fx, fx)
}

// start numbers an effect that is answered later, and arms its deadline. It returns the number.
func (m *step) start(fx Effect, limit time.Duration) ID {
	m.s.LastID++
	id := m.s.LastID
	if fx.Kind != FxCloseTunnel {
		fx.Attempt = id
	}
	m.s.Jobs = append(m.s.Jobs, Job{ID: id, Kind: fx.Kind, Tunnel: fx.Tunnel, Path: fx.Path, Start: m.now.Mono, At: m.now.Mono + limit})
	m.do(fx)
	return id
}

// take removes the job that the event answers. It is false when nobody waits for it.
func (m *step) take(k EffectKind) (Job, bool) {
	i := m.s.job(k, m.ev.Attempt)
	if i < 0 {
		return Job{}, false
	}
	j := m.s.Jobs[i]
	m.s.Jobs = slices.Delete(m.s.Jobs, i, i+1)
	return j, true
}

// cancel gives up every job that matches and tells the shell.
func (m *step) cancel(match func(Job) bool) {
	m.s.Jobs = slices.DeleteFunc(m.s.Jobs, func(j Job) bool {
		hit := match(j)
		if hit {
			m.do(Effect{Kind: FxCancelAttempt, Attempt: j.ID})
		}
		return hit
	})
}

// arm sets a timer, replacing the one of its kind.
func (m *step) arm(k TimerKind, at time.Duration) {
	m.disarm(k)
	m.s.Timers = append(m.s.Timers, Timer{k, at})
}

// disarm removes a timer.
func (m *step) disarm(k TimerKind) {
	m.s.Timers = slices.DeleteFunc(m.s.Timers, func(t Timer) bool { return t.Kind == k })
}

// expireBoot fires what counts sleep.
func (m *step) expireBoot() {
	for i := 0; i < len(m.s.Timers); i++ {
		t := m.s.Timers[i]
		if !t.Kind.boot() || t.At > m.now.Boot {
			continue
		}
		m.disarm(t.Kind)
		why := ReasonSessionTime
		if t.Kind == TimerLost {
			why = ReasonLostTime
		}
		if m.now.Boot-t.At > overslept && !m.s.Policy.DisconnectOnSuspend && (m.s.Phase == Connected || m.s.Phase == Reconnecting) {
			m.sessionLost(faultOf(gwTime)) // nobody was there to see it end: whoever wakes the machine is asked, once
			m.decide(why)
			return
		}
		m.end(faultOf(gwTime), CloseUser, why)
		return // end left no other timer of this clock
	}
}

// expireMono fires what is due, the oldest deadline first, until nothing is. Whatever a deadline starts is due later than now, so this ends.
func (m *step) expireMono() {
	for {
		ji, ti, at := -1, -1, m.now.Mono
		for i, j := range m.s.Jobs {
			if j.At <= at && (ji < 0 || j.At < at) {
				ji, at = i, j.At
			}
		}
		for i, t := range m.s.Timers {
			if !t.Kind.boot() && t.At <= at && (ti < 0 || t.At < at) {
				ti, at = i, t.At
			}
		}
		switch {
		case ti >= 0:
			k := m.s.Timers[ti].Kind
			m.disarm(k)
			m.fire(k)
		case ji >= 0:
			j := m.s.Jobs[ji]
			m.s.Jobs = slices.Delete(m.s.Jobs, ji, ji+1)
			m.expire(j)
		default:
			return
		}
	}
}

// fire carries out a timer of the monotonic clock.
func (m *step) fire(k TimerKind) {
	switch k {
	case TimerRetry:
		before := len(m.fx)
		why := ReasonRound
		if m.calm() && m.s.better() > 0 {
			why = ReasonLook
		}
		m.round()
		if len(m.fx) > before {
			m.note(why)
		}
	case TimerVerdict:
		m.settle()
	case TimerThaw:
		m.resumed()
	}
}

// expire carries out the deadline of a job that was not answered.
func (m *step) expire(j Job) {
	switch j.Kind {
	case FxStartAttempt:
		m.loginExpired(j)
	case FxApplyNetwork:
		m.end(faultOf(hostSlow), CloseUser, ReasonApplyFailed)
	case FxRevertNetwork:
		m.s.Err = faultOf(hostUndo)
		m.do(Effect{Kind: FxRaiseNotice, Fault: m.s.Err})
		m.finish(ReasonNotCleaned)
	case FxCloseTunnel:
		m.finish(ReasonNotCleaned)
	case FxStartReach:
		m.do(Effect{Kind: FxCancelAttempt, Attempt: j.ID})
		if !m.suspect(j.Path, faultOf(fault.NetSilent)) {
			m.note(ReasonTimeout)
		}
	case FxLook:
		m.do(Effect{Kind: FxCancelAttempt, Attempt: j.ID})
		m.saw(j, false)
	case FxProbe:
		m.do(Effect{Kind: FxCancelAttempt, Attempt: j.ID})
		m.unanswered()
		m.note(ReasonTimeout)
	case FxCommit:
		m.do(Effect{Kind: FxCancelAttempt, Attempt: j.ID})
		m.refused(faultOf(netTimeout))
	}
}
