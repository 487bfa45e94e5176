package machine

// adopt takes up a session that a former agent has left. Its tunnel died with it, the rest stands: the host is looked at, and the gateway asked, at the same time.
// How long there was no agent is not known, so the outage counts from now on.
func (m *step) adopt() {
	if m.s.Stopping {
		return
	}
	k := m.ev.Kept
	m.s.Policy, m.s.Want, m.s.After, m.s.Err = m.ev.Policy, WantUp, AfterNothing, Fault{}
	m.s.Session, m.s.Limits, m.s.Plan = true, m.ev.Limits, m.ev.Plan
	m.s.Relogin = k.Relogin
	m.s.Login = Instant{Mono: min(k.Login, m.now.Mono), Boot: min(k.Login, m.now.Boot)}
	m.s.Tunnels, m.s.Sessions, m.s.LastReconnect = k.Tunnels, k.Sessions, k.Last
	m.s.Down, m.s.Path = true, m.ev.Path
	m.begin(ReasonRestarted)
	m.hold(ReasonRestarted)
	if k.Expires > 0 {
		m.arm(TimerSession, max(k.Expires, m.now.Boot+1))
	}
	m.apply(applyTime)
	m.search()
}

// inPlace notes that the host is as the session wants it.
func (m *step) inPlace() {
	if _, ok := m.take(FxApplyNetwork); ok {
		m.s.Applied = m.s.Fitting
		m.decide(ReasonInPlace)
	}
}
