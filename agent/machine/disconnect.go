package machine

import (
	"slices"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// end gives up everything and goes down, at once or when the tunnel is closed and the host reverted, three seconds later at most. A fault is raised; the user's own
// wish has none.
func (m *step) end(f Fault, how Close, why Reason) {
	m.withdraw()
	m.cancel(func(j Job) bool {
		return j.Kind == FxStartAttempt || j.Kind == FxStartReach || j.Kind == FxCommit || j.Kind == FxProbe
	})
	m.forgetLooks(everyPath)
	m.s.Jobs = slices.DeleteFunc(m.s.Jobs, func(j Job) bool { return j.Kind == FxApplyNetwork }) // the revert comes after it in the host's own queue
	if m.s.Pump {
		m.s.Pump = false
		m.do(Effect{Kind: FxStopPump})
	}
	m.closeTunnel(m.s.Tunnel, how)
	if m.s.Netted {
		m.s.Netted, m.s.Applied = false, NetPlan{}
		m.start(Effect{Kind: FxRevertNetwork}, closingTime)
	}
	if m.s.Session {
		m.s.Session = false
		m.do(Effect{Kind: FxDropSession})
	}
	m.s.Want, m.s.Err, m.s.Relogin, m.s.Waiting, m.s.Frozen, m.s.Budget = WantDown, f, false, false, false, 0
	m.s.Tunnel, m.s.Path, m.s.Plan, m.s.Limits, m.s.Loss = 0, Path{}, NetPlan{}, Limits{}, Loss{}
	m.s.Down, m.s.Gone, m.s.Dead, m.s.Probing, m.s.ProbeAt, m.s.Planned = false, false, false, false, 0, false
	m.s.Closed, m.s.Presented, m.s.Shy = false, 0, 0
	if f.Code != "" {
		m.do(Effect{Kind: FxRaiseNotice, Fault: f})
	}
	m.disarm(TimerThaw)
	m.enter(Disconnecting, why)
	m.finish(why)
}

// closeTunnel has a tunnel closed. One that turns up during a disconnect is waited for no longer than for the disconnect itself.
func (m *step) closeTunnel(id ID, how Close) {
	if id == 0 {
		return
	}
	limit := closingTime
	if left := m.s.Since.Mono + closingTime - m.now.Mono; m.s.Phase == Disconnecting && left > 0 {
		limit = left
	}
	m.start(Effect{Kind: FxCloseTunnel, Tunnel: id, Close: how}, limit)
}

// finish comes to rest when nothing of a disconnect is left to wait for, or no time is left to wait for tunnels that turned up meanwhile, and begins the session that was asked for meanwhile.
func (m *step) finish(why Reason) {
	late := m.now.Mono-m.s.Since.Mono >= closingTime
	if m.s.Phase != Disconnecting || m.s.has(FxRevertNetwork) || m.s.has(FxCloseTunnel) && !late {
		return
	}
	m.enter(Disconnected, why)
	if m.s.After == AfterReconnect {
		m.s.Policy, m.s.Budget = m.s.Next, m.s.NextTime
		m.s.Next, m.s.NextTime = Policy{}, 0
		m.beginSession()
	}
}

// deviceGone ends the session: without the device nothing can come or go, and whoever took it away will have had a reason.
func (m *step) deviceGone() {
	if m.s.Netted {
		m.end(faultOf(fault.TunGone), CloseUser, ReasonDeviceGone)
	}
}

// disconnect ends the session because its owner said so, at the gateway too.
func (m *step) disconnect() {
	if m.s.Policy.LockUp {
		m.decide(ReasonLocked)
		m.do(Effect{Kind: FxRaiseNotice, Fault: faultOf(fault.PolAlways)})
		return
	}
	m.end(Fault{}, CloseUser, ReasonUser)
}

// shutdown ends the session because the agent ends: nothing would be left that could resume it.
func (m *step) shutdown() {
	m.s.Stopping = true
	m.end(Fault{}, CloseUser, ReasonShutdown)
}

// stayDown holds in phases that are down, or on their way there: a connect that waits is forgotten.
func (m *step) stayDown() {
	m.s.After, m.s.Next, m.s.NextTime = AfterNothing, Policy{}, 0
	why := ReasonUser
	if m.ev.Kind == EvShutdown {
		m.s.Stopping, why = true, ReasonShutdown
	}
	switch m.s.Phase {
	case Paused, Blocked:
		m.end(Fault{}, CloseUser, why)
	default:
		m.decide(why)
	}
}

// connectAfter keeps a connect until the disconnect is done.
func (m *step) connectAfter() {
	if m.s.Stopping {
		return
	}
	m.s.After, m.s.Next, m.s.NextTime = AfterReconnect, m.ev.Policy, m.ev.Deadline
	m.decide(ReasonQueued)
}

// reverted is the host as it was.
func (m *step) reverted() {
	if _, ok := m.take(FxRevertNetwork); ok {
		m.decide(ReasonCleaned)
		m.finish(ReasonCleaned)
	}
}

// revertFailed tells that something of ours is still on the host. There is nothing else the machine can do about it.
func (m *step) revertFailed() {
	if _, ok := m.take(FxRevertNetwork); ok {
		m.s.Err = m.ev.Fault.or(fault.HostUndo)
		m.do(Effect{Kind: FxRaiseNotice, Fault: m.s.Err})
		m.decide(ReasonNotCleaned)
		m.finish(ReasonNotCleaned)
	}
}

// tunnelClosed notes that a tunnel is closed. One that was closed without us is a broken carrier, and its notification says so.
func (m *step) tunnelClosed() {
	i := slices.IndexFunc(m.s.Jobs, func(j Job) bool { return j.Kind == FxCloseTunnel && j.Tunnel == m.ev.Tunnel })
	if i < 0 {
		return
	}
	m.s.Jobs = slices.Delete(m.s.Jobs, i, i+1)
	if m.s.Phase == Disconnecting {
		m.decide(ReasonCleaned)
		m.finish(ReasonCleaned)
	}
}

// lateTunnel closes a tunnel that nobody waits for any more. A late login is a session of its own and is ended at the gateway; a late commit is a tunnel of the
// session that may still live, and saying goodbye on it would end that.
func (m *step) lateTunnel() {
	id := m.ev.Tunnel
	closing := slices.ContainsFunc(m.s.Jobs, func(j Job) bool { return j.Kind == FxCloseTunnel && j.Tunnel == id })
	if id == 0 || id == m.s.Tunnel || closing {
		return
	}
	how := CloseUser
	if m.ev.Kind == EvRebound && m.s.Session {
		how = CloseQuiet
	}
	m.decide(ReasonLate)
	m.closeTunnel(id, how)
}

// lateReach closes a connection that nobody waits for any more.
func (m *step) lateReach() {
	if m.s.job(FxStartReach, m.ev.Attempt) < 0 && m.ev.Attempt != 0 {
		m.decide(ReasonLate)
		m.do(Effect{Kind: FxCancelAttempt, Attempt: m.ev.Attempt})
	}
}

// latePrompt takes back a prompt of an attempt that has been given up.
func (m *step) latePrompt() {
	if m.ev.Prompt != 0 && m.ev.Prompt != m.s.Prompt {
		m.decide(ReasonLate)
		m.do(Effect{Kind: FxWithdrawPrompt, Prompt: m.ev.Prompt})
	}
}
