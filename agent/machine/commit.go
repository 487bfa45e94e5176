package machine

import (
	"slices"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// This file holds the commit: the token is presented, and what the gateway makes of it.

// commit presents the token on one connection and closes the others. From here on the old tunnel is gone at the gateway.
func (m *step) commit(j Job) {
	cause, limit, why := m.s.wanted(), commitTime, ReasonCommit
	switch works := !m.s.Down && !m.s.Gone && !m.s.Dead; {
	case works && m.s.Planned:
		why = ReasonSwap
	case works && m.moves(j.Path):
		why = ReasonMove
		m.moved()
	}
	switch {
	case m.s.Probing || m.s.Down:
		cause = ReasonUnanswered
	case m.calm():
		cause, limit = ReasonNewPath, moveTime
	}
	m.begin(cause)
	m.disarm(TimerVerdict)
	m.disarm(TimerRetry)
	m.s.Jobs = slices.DeleteFunc(m.s.Jobs, func(o Job) bool { return o.ID == j.ID })
	m.cancelReaches()
	m.cancelProbes()
	m.hold(why)
	m.s.Presented++
	m.start(Effect{Kind: FxCommit, Reach: j.ID, Path: j.Path}, limit)
	m.s.Jobs[len(m.s.Jobs)-1].RTT = j.RTT
}

// rekey is a new tunnel that is wanted, by the gateway or by ourselves: one is made beside the old, which works until the commit.
func (m *step) rekey() {
	if m.current() && !m.s.Planned {
		m.s.Planned, m.s.Own = true, m.ev.Kind == EvRenewDue
		m.renew()
	}
}

// renew begins a planned reconnect.
func (m *step) renew() {
	m.decide(m.s.wanted())
	m.settle()
	if !m.s.has(FxCommit) {
		m.round()
	}
}

// wanted is why a new tunnel is Planned.
func (s State) wanted() Reason {
	if s.Own {
		return ReasonRenew
	}
	return ReasonRekey
}

// rebound takes the session's new tunnel. The old one is closed without a goodbye, or with the one that says that we come back.
func (m *step) rebound() {
	i := m.s.job(FxCommit, m.ev.Attempt)
	if i < 0 || m.ev.Tunnel == 0 {
		m.lateTunnel()
		return
	}
	j, old, how := m.s.Jobs[i], m.s.Tunnel, CloseQuiet
	if m.s.Planned && !m.s.Down {
		how = CloseReconnect
	}
	m.take(FxCommit)
	path := j.Path
	if path == (Path{}) && m.ev.Path != (Path{}) {
		path = m.ev.Path
	}
	m.newCarrier(path, j.Start)
	m.s.RTT = j.RTT
	m.s.Closed, m.s.Presented = false, 0
	m.s.Plan, m.s.Limits = m.ev.Plan, m.ev.Limits
	m.shorten()
	switch {
	case m.s.Netted && m.s.Plan == m.s.Applied:
		m.flow(ReasonRebound)
	case m.s.Plan == m.s.Fitting && m.s.has(FxApplyNetwork): // what a former agent left is being looked at
		m.enter(Establishing, ReasonRebound)
	default:
		m.unfit()
		why := ReasonNewSettings
		if only := m.s.Applied; m.s.Netted {
			if only.MTU = m.s.Plan.MTU; only == m.s.Plan {
				why = ReasonNewMTU
			}
		}
		m.s.Loss.Reapplied = true
		m.enter(Establishing, why)
		m.apply(applyTime)
	}
	m.closeTunnel(old, how)
}

// shorten takes a session's limit that was sent again: it may be the whole time or what is left of it, so it can only bring the end closer.
func (m *step) shorten() {
	if m.s.Limits.Session <= 0 {
		return
	}
	end := m.now.Boot + m.s.Limits.Session
	if at, ok := m.s.Expires(); !ok || end < at {
		m.arm(TimerSession, end)
	}
}

// rebindFailed is the gateway's answer to the token.
func (m *step) rebindFailed() {
	if _, ok := m.take(FxCommit); ok {
		m.refused(m.ev.Fault.or(fault.NetLost))
	}
}

// refused decides by the kind of a failed commit. The codes of ways and of trust say that the gateway was not asked at all.
func (m *step) refused(f Fault) {
	spoke := f.Code == fault.NetHTTPRefused || !f.elsewhere()
	switch {
	case f.Kind == fault.SessionLost || f.Kind == fault.NeedsUser:
		m.sessionLost(f)
		return
	case f.Kind == fault.Retryable, f.elsewhere():
	default:
		m.end(f, CloseQuiet, ReasonFailed)
		return
	}
	m.s.Err = f
	switch {
	case m.s.Closed && spoke && m.s.Presented >= 2:
		m.sessionLost(faultOf(fault.GwEnded))
		return
	case m.s.Closed && spoke:
		m.arm(TimerRetry, m.now.Mono+closedMore)
		m.decide(ReasonNotNow)
	default:
		if m.s.Closed {
			m.s.Presented-- // it never got there
		}
		m.rearm()
		m.decide(ReasonRetry)
		if f.impostor() {
			m.tellOnce(f)
			m.decide(ReasonWrongPlace)
		}
	}
	if !m.s.Down { // the gateway may not have let go of the old tunnel: it is asked, and gets three round trips again, from the next round on
		m.s.Probing, m.s.ProbeAt = true, m.s.Timers[m.s.timer(TimerRetry)].At
		m.inquire()
	}
}

// sessionLost is the end of the token. Whether a login needs a person cannot be known without trying, so one login is started that may ask once. The host stays as
// it is meanwhile: nothing leaves the tunnel while the user is asked. A session that does not survive its second login is not tried again.
func (m *step) sessionLost(f Fault) {
	soon := m.s.Relogin && m.now.Boot-m.s.Login.Boot < reloginGap
	if !m.s.Policy.AutoReconnect || soon {
		m.end(f, CloseQuiet, ReasonSessionLost)
		return
	}
	m.unfit()
	m.cancel(func(j Job) bool { return j.Kind == FxStartReach || j.Kind == FxCommit || j.Kind == FxProbe })
	m.forgetLooks(everyPath)
	if m.s.Pump {
		m.s.Pump = false
		m.do(Effect{Kind: FxStopPump})
	}
	m.closeTunnel(m.s.Tunnel, CloseQuiet)
	m.do(Effect{Kind: FxDropSession})
	m.do(Effect{Kind: FxRaiseNotice, Fault: f})
	m.s.Session, m.s.Tunnel, m.s.Path, m.s.Loss, m.s.Closed, m.s.Presented, m.s.Shy = false, 0, Path{}, Loss{}, false, 0, 0
	m.s.Down, m.s.Gone, m.s.Dead, m.s.Probing, m.s.ProbeAt, m.s.Planned = false, false, false, false, 0, false
	m.s.Err, m.s.Relogin, m.s.Answered, m.s.Budget = f, true, true, DefaultBudget
	m.startLogin(ReasonSessionLost)
}

// account writes down the reconnect that has just ended. An old carrier that answered again is none.
func (m *step) account() {
	l := m.s.Loss
	m.s.Loss = Loss{}
	if !l.On {
		return
	}
	level := LevelTunnel
	if l.Reapplied || l.Cause == ReasonResume || l.Path != m.s.Path || m.now.Boot-l.At.Boot > tunnelLevel {
		level = LevelSession
	}
	if level == LevelTunnel {
		m.s.Tunnels++
	} else {
		m.s.Sessions++
	}
	m.s.LastReconnect = Reconnect{Level: level, Code: int(l.Cause), Detected: l.Detected, Outage: m.now.Mono - l.At.Mono, At: m.now.Boot}
}
