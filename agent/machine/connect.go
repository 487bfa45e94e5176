package machine

import (
	"strings"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// The faults that the machine finds by itself.
const (
	gwTime     = fault.GwTime
	hostSlow   = fault.HostSlow
	hostUndo   = fault.HostUndo
	netTimeout = fault.NetTimeout
)

// faultOf is a code with the kind that the registry gives it.
func faultOf(c fault.Code) Fault { return Fault{Code: c, Kind: fault.Lookup(c).Kind} }

// or is f, or a fault of code c when f says nothing.
func (f Fault) or(c fault.Code) Fault {
	switch {
	case f.Code == "":
		return faultOf(c)
	case f.Kind == 0:
		return faultOf(f.Code)
	}
	return f
}

// elsewhere reports a fault that says that what answered is not our gateway, or that nothing answered: in a reconnect it speaks about the path, never
// about the session, whatever its kind is for a first login.
func (f Fault) elsewhere() bool {
	return strings.HasPrefix(string(f.Code), "NET-") || strings.HasPrefix(string(f.Code), "TLS-")
}

// impostor reports a fault of something that did answer, and is not the gateway: a sign-in page, a hijacked connection.
func (f Fault) impostor() bool {
	switch f.Code {
	case fault.NetPortal, fault.NetNotVPN, fault.NetTooMuch, fault.NetMalformed, fault.NetRedirect:
		return true
	}
	return strings.HasPrefix(string(f.Code), "TLS-")
}

// connect begins a session: Disconnected, Paused and Blocked.
func (m *step) connect() {
	if m.s.Stopping {
		return
	}
	m.s.Policy, m.s.Budget = m.ev.Policy, m.ev.Deadline
	m.beginSession()
}

// beginSession logs in at the target with the State's policy and budget.
func (m *step) beginSession() {
	if m.s.Budget <= 0 {
		m.s.Budget = DefaultBudget
	}
	m.s.Want, m.s.After, m.s.Err = WantUp, AfterNothing, Fault{}
	m.s.Server, m.s.Answered, m.s.Relogin, m.s.Login = 0, false, false, Instant{}
	m.s.Tunnels, m.s.Sessions, m.s.LastReconnect = 0, 0, Reconnect{}
	m.startLogin(ReasonConnect)
}

// startLogin starts a full login at the current server, within what is left of the budget.
func (m *step) startLogin(why Reason) {
	m.s.Waiting = false
	m.enter(Connecting, why)
	m.start(Effect{Kind: FxStartAttempt, Server: m.s.Server}, m.s.Budget)
}

// login returns the index of the login that the event is about, -1 if it is an old one.
func (m *step) login() int { return m.s.job(FxStartAttempt, m.ev.Attempt) }

// ask puts a gateway's question to the user. The budget stands still until the answer.
func (m *step) ask() {
	i := m.login()
	if i < 0 || m.ev.Prompt == 0 {
		m.latePrompt()
		return
	}
	j := &m.s.Jobs[i]
	if m.s.Phase == Connecting && !m.s.Waiting {
		m.s.Budget = max(j.At-m.now.Mono, 0)
	}
	m.s.Waiting = false
	if m.s.Prompt != 0 && m.s.Prompt != m.ev.Prompt {
		m.withdraw()
	}
	m.s.Prompt, m.s.Answered = m.ev.Prompt, true
	j.At = m.now.Mono + AuthIdle
	m.enter(Authenticating, ReasonAsk)
	m.do(Effect{Kind: FxAskUser, Attempt: j.ID, Prompt: m.ev.Prompt})
}

// promptAnswered goes on with the login: the budget runs again.
func (m *step) promptAnswered() {
	i := m.login()
	if i < 0 || m.ev.Prompt != m.s.Prompt {
		return
	}
	m.withdraw()
	m.s.Jobs[i].At = m.now.Mono + m.s.Budget
	m.enter(Connecting, ReasonAnswer)
}

// promptCancelled gives the login a moment to end with its own words for what the user refused.
func (m *step) promptCancelled() {
	i := m.login()
	if i < 0 || m.ev.Prompt != m.s.Prompt {
		return
	}
	m.withdraw()
	m.s.Jobs[i].At, m.s.Jobs[i].Fault = m.now.Mono+refusedGrace, m.ev.Fault.or(fault.AuthCancelled)
	m.enter(Connecting, ReasonRefused)
}

// withdraw takes the pending prompt back.
func (m *step) withdraw() {
	if m.s.Prompt != 0 {
		m.do(Effect{Kind: FxWithdrawPrompt, Prompt: m.s.Prompt})
		m.s.Prompt = 0
	}
}

// gatewayAnswered notes that the current login's gateway is there.
func (m *step) gatewayAnswered() {
	if m.login() >= 0 && !m.s.Answered {
		m.s.Answered = true
		m.decide(ReasonSpoke)
	}
}

// waitBegan lets our own time stand still: what the gateway does with the user's answers may take the user's doing.
func (m *step) waitBegan() {
	i := m.login()
	if i < 0 || m.s.Waiting || m.s.Jobs[i].Fault.Code != "" {
		return
	}
	j := &m.s.Jobs[i]
	m.s.Waiting, m.s.Budget, j.At = true, max(j.At-m.now.Mono, 0), m.now.Mono+AuthIdle
	m.decide(ReasonWait)
}

// waitEnded lets our own time run again.
func (m *step) waitEnded() {
	if i := m.login(); i >= 0 && m.s.Waiting {
		m.s.Waiting, m.s.Jobs[i].At = false, m.now.Mono+m.s.Budget
		m.decide(ReasonWaited)
	}
}

// loginExpired ends a login whose time is up: the user's for a prompt, or ours.
func (m *step) loginExpired(j Job) {
	m.do(Effect{Kind: FxCancelAttempt, Attempt: j.ID})
	switch {
	case m.s.Phase == Authenticating:
		m.end(faultOf(fault.AuthNobody), CloseQuiet, ReasonNobody)
	case j.Fault.Code != "":
		m.end(j.Fault, CloseQuiet, ReasonRefused)
	case m.s.Answered:
		m.end(faultOf(fault.GwTimeout), CloseQuiet, ReasonBudget)
	default:
		m.end(faultOf(netTimeout), CloseQuiet, ReasonBudget)
	}
}

// loginFailed tries the next server when another server may help, else it ends the session.
func (m *step) loginFailed() {
	i := m.login()
	if i < 0 {
		return
	}
	left := m.s.Jobs[i].At - m.now.Mono
	j, _ := m.take(FxStartAttempt)
	if m.s.Phase == Authenticating || m.s.Waiting {
		left = m.s.Budget
	}
	m.withdraw()
	f := m.ev.Fault.or(fault.Internal)
	switch {
	case j.Fault.Code != "" && f.Kind != fault.Policy:
		m.end(j.Fault, CloseQuiet, ReasonRefused)
	case m.lookFirst(f, left):
	default:
		m.nextServer(f, left)
	}
}

// nextServer logs in at the next server within the time that is left, unless another server cannot help or there is none.
func (m *step) nextServer(f Fault, left time.Duration) {
	switch {
	case f.Kind != fault.Retryable:
		m.end(f, CloseQuiet, ReasonFailed)
	case m.s.Server < m.s.Policy.Backups:
		m.s.Server++
		m.s.Budget = max(left, 0)
		m.do(Effect{Kind: FxRaiseNotice, Fault: f})
		m.startLogin(ReasonBackup)
	case m.s.Policy.Backups > 0:
		m.end(faultOf(fault.NetAllBackups), CloseQuiet, ReasonFailed)
	default:
		m.end(f, CloseQuiet, ReasonFailed)
	}
}

// opened takes the tunnel of a login and has the host set up for it, unless it is set up so already.
func (m *step) opened() {
	i := m.login()
	if i < 0 || m.ev.Tunnel == 0 {
		m.lateTunnel()
		return
	}
	if !m.s.Waiting {
		m.s.Budget = m.s.Jobs[i].At - m.now.Mono
	}
	m.s.Waiting, m.s.Budget = false, max(m.s.Budget, time.Second)
	if m.s.Phase == Authenticating {
		m.s.Budget = applyTime
	}
	j, _ := m.take(FxStartAttempt)
	m.withdraw()
	m.newCarrier(m.ev.Path, j.Start)
	if m.s.Path == (Path{}) && len(m.s.Paths) > 0 {
		m.s.Path = m.s.Paths[0]
	}
	m.s.Session, m.s.Login, m.s.Limits, m.s.Plan = true, m.now, m.ev.Limits, m.ev.Plan
	m.s.Loss, m.s.Closed, m.s.Presented, m.s.Moves = Loss{}, false, 0, 0
	m.enter(Establishing, ReasonLoggedIn)
	m.disarm(TimerSession)
	if m.ev.Limits.Session > 0 {
		m.arm(TimerSession, m.now.Boot+m.ev.Limits.Session)
	}
	if m.s.Netted && m.s.Plan == m.s.Applied {
		m.flow(ReasonApplied)
		return
	}
	m.apply(min(applyTime, m.s.Budget))
}

// newCarrier makes the event's tunnel the session's. One that came about while the system said that there is no network proves it wrong.
func (m *step) newCarrier(path Path, begun time.Duration) {
	m.s.Unseen = m.s.Offline() && begun >= m.s.PathsAt
	m.s.Tunnel, m.s.Path = m.ev.Tunnel, path
	m.s.Down, m.s.Dead, m.s.Probing, m.s.ProbeAt, m.s.Planned = false, false, false, 0, false
	m.s.Gone, m.s.RTT = false, 0
}

// apply has the host changed to the tunnel's plan.
func (m *step) apply(limit time.Duration) {
	m.s.Netted, m.s.Fitting = true, m.s.Plan
	m.start(Effect{Kind: FxApplyNetwork, Tunnel: m.s.Tunnel}, limit)
}

// applied lets packets flow.
func (m *step) applied() {
	if _, ok := m.take(FxApplyNetwork); !ok {
		return
	}
	m.s.Applied = m.s.Fitting
	m.flow(ReasonApplied)
}

// applyFailed undoes everything: a host that is half set up is worse than none.
func (m *step) applyFailed() {
	if _, ok := m.take(FxApplyNetwork); ok {
		m.end(m.ev.Fault.or(fault.Internal), CloseUser, ReasonApplyFailed)
	}
}

// flow starts the pump on the session's tunnel and, after a loss, draws up the account of it. A carrier that was lost meanwhile is looked at right after.
func (m *step) flow(why Reason) {
	m.enter(Connected, why)
	m.disarm(TimerRetry)
	m.disarm(TimerVerdict)
	m.s.Pump, m.s.Err = true, Fault{}
	m.forgetLooks(everyPath)
	m.do(Effect{Kind: FxStartPump, Tunnel: m.s.Tunnel})
	m.account()
	if m.s.better() > 0 {
		m.rearm()
	}
	switch {
	case m.s.Down || m.s.Dead:
		m.lose(ReasonDisrupted, faultOf(fault.NetLost))
	case m.s.Path != (Path{}) && m.s.gone(): // a path that nobody knows is on an uplink that is too new
		m.s.Gone = true
		m.lose(ReasonPathGone, faultOf(fault.NetNoPath))
	case m.s.Planned:
		m.renew()
	}
	m.fit()
}

// lostEarly notes that the carrier was lost before the host was ready for it.
func (m *step) lostEarly() {
	if m.ev.Tunnel == m.s.Tunnel {
		m.s.Down = m.s.Down || m.ev.Kind != EvPeerDead
		m.s.Dead = true
	}
}

// noteRekey notes that a new tunnel is wanted once this one stands.
func (m *step) noteRekey() {
	if m.ev.Tunnel == m.s.Tunnel && !m.s.Planned {
		m.s.Planned, m.s.Own = true, m.ev.Kind == EvRenewDue
	}
}
