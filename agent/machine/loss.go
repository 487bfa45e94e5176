package machine

import (
	"cmp"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// This file holds what is learned about the carrier in use: that it is broken, in doubt, or alive after all. reconnect.go holds the search for another.

// The reason bytes of a DISCONNECT after which a gateway has no session left (0xb0 user, 0x70 error) or keeps it (0x91 reconnect, 0xd1 pause).
const (
	byeUser      = 0xb0
	byeError     = 0x70
	byeReconnect = 0x91
	byePause     = 0xd1
)

// current reports whether the event is about the session's tunnel. A superseded one may say what it wants: its gateway ends it when the token comes again.
func (m *step) current() bool { return m.ev.Tunnel != 0 && m.ev.Tunnel == m.s.Tunnel }

// carrierDown is a carrier that failed for good.
func (m *step) carrierDown() {
	if !m.current() || m.s.Down {
		return
	}
	m.broken()
	if m.s.has(FxCommit) {
		m.decide(ReasonSuperseded)
		return
	}
	m.lose(ReasonDisrupted, m.ev.Fault.or(fault.NetLost))
}

// carrierChanged is a tunnel whose packets found another way. Only the status shows it: a tunnel that answers by any way is alive.
func (m *step) carrierChanged() {
	if m.current() {
		m.decide(ReasonCarrier)
	}
}

// keysChanged is a tunnel that goes on under new keys.
func (m *step) keysChanged() {
	if m.current() {
		m.decide(ReasonKeys)
	}
}

// mtuChanged has a tunnel's new MTU applied while its packets flow.
func (m *step) mtuChanged() {
	m.notePlan()
	m.fit()
}

// notePlan takes what the tunnel wants of the host now, for when there is time to apply it.
func (m *step) notePlan() {
	if m.ev.Tunnel == m.s.Tunnel && m.ev.Plan.MTU > 0 {
		m.s.Plan = m.ev.Plan
	}
}

// fit has the host changed where it is not as the tunnel in use wants it.
func (m *step) fit() {
	if m.s.Phase == Connected && m.s.Plan != m.s.Applied && !m.s.has(FxApplyNetwork) {
		m.decide(ReasonNewMTU)
		m.apply(applyTime)
	}
}

// refitted is the host as the tunnel in use wants it: a reconnect to the user, of which packets have noticed nothing.
func (m *step) refitted() {
	j, ok := m.take(FxApplyNetwork)
	if !ok {
		return
	}
	m.s.Applied = m.s.Fitting
	m.s.Tunnels++
	m.s.LastReconnect = Reconnect{Level: LevelTunnel, Code: int(ReasonNewMTU), Detected: m.now.Mono - j.Start, At: m.now.Boot}
	m.decide(ReasonFitted)
	m.fit()
}

// unfit gives up the change that is under way: what of it was done is not known.
func (m *step) unfit() {
	if m.s.has(FxApplyNetwork) {
		m.cancel(func(j Job) bool { return j.Kind == FxApplyNetwork })
		m.s.Applied = NetPlan{}
	}
}

// broken notes that there is nothing to be asked any more.
func (m *step) broken() {
	m.s.Down, m.s.Probing, m.s.ProbeAt = true, false, 0
	m.cancelProbes()
}

// peerDead is a carrier whose peer did not answer in time. It may still answer.
func (m *step) peerDead() {
	if !m.current() || m.s.Down || m.s.Dead {
		return
	}
	m.s.Dead = true
	m.lose(ReasonPeerDead, m.ev.Fault.or(fault.TunSilent))
}

// serverClosed is the gateway ending the tunnel. Why is often not said, and then only the token can tell whether the session lives: it is presented once after a
// second and once more five seconds later. A tunnel that was idle for as long as the gateway allows is not brought back, even where the token would do. During a commit it is the expected end of the older tunnel.
func (m *step) serverClosed() {
	if !m.current() || m.s.Down {
		return
	}
	m.broken()
	switch {
	case m.s.has(FxCommit):
		m.decide(ReasonSuperseded)
	case m.ev.Reason == byeReconnect, m.ev.Reason == byePause:
		m.lose(ReasonDisrupted, faultOf(fault.NetLost))
	case m.ev.Reason == byeUser, m.ev.Reason == byeError:
		m.sessionLost(faultOf(fault.GwEnded))
	case m.s.Limits.Idle > 0 && m.ev.Unused >= m.s.Limits.Idle:
		m.end(faultOf(fault.GwIdle), CloseQuiet, ReasonIdle)
	default:
		m.s.Closed, m.s.Presented = true, 0
		m.cancelReaches()
		m.lose(ReasonServerClosed, faultOf(fault.GwEnded))
	}
}

// silence is a carrier on which something was sent and nothing came back. That is common where packets go one way only, and then the answer to a question is there
// in a round trip: before that time no other connection is begun.
func (m *step) silence() {
	if !m.current() || m.s.Probing {
		return
	}
	m.doubted(ReasonSilence, m.now.Mono-m.ev.Asked)
	at := m.s.ProbeAt + min(max(courtesy, m.s.RTT*3/2), mostCourtesy)
	if at <= m.now.Mono || m.s.Frozen || m.s.has(FxCommit) {
		m.search()
		return
	}
	m.s.Loss.Since, m.s.Loss.Delay = m.now, 0
	m.inquire()
	m.arm(TimerRetry, at)
}

// heard is a sign of life that came by itself.
func (m *step) heard() {
	if m.current() {
		m.alive()
	}
}

// probed is the answer to a probe.
func (m *step) probed() {
	if j, ok := m.take(FxProbe); ok && j.Tunnel == m.s.Tunnel {
		m.s.RTT = min(m.ev.RTT, slowTrip)
		m.alive()
	}
}

// alive keeps the carrier in use: what was looked for beside it is not needed. A commit that is under way is not undone, the gateway has already let go of the old.
func (m *step) alive() {
	if m.s.Down || m.s.has(FxCommit) {
		return
	}
	m.s.Dead = false
	if m.s.Gone || (m.s.Phase == Connected && !m.s.Probing) {
		return
	}
	m.s.Probing, m.s.ProbeAt = false, 0
	m.cancelProbes()
	m.disarm(TimerVerdict)
	m.forgetLooks(everyPath)
	m.s.Loss, m.s.Err = Loss{}, Fault{}
	m.s.Path = m.s.own()
	back := m.s.Phase == Reconnecting
	m.enter(Connected, ReasonAlive)
	m.rest()
	if back {
		m.s.Pump = true
		m.do(Effect{Kind: FxStartPump, Tunnel: m.s.Tunnel})
	}
	if looking := m.s.Planned || m.s.better() > 0; looking && (back || m.s.timer(TimerRetry) < 0) {
		m.rearm() // not at the pace of an outage
	}
	m.fit()
}

// probeFailed is a probe that ended without an answer.
func (m *step) probeFailed() {
	if _, ok := m.take(FxProbe); ok {
		m.unanswered()
	}
}

// unanswered looks at a doubt that has got no answer: after three seconds without any, packets are held.
func (m *step) unanswered() {
	if m.s.Phase == Connected && m.s.Probing && m.now.Mono-m.s.ProbeAt >= probeTime {
		m.lose(ReasonUnanswered, faultOf(fault.TunSilent))
	}
}

// begin notes the first sign of trouble.
func (m *step) begin(why Reason) {
	if m.s.Loss.On {
		return
	}
	if why == ReasonRekey {
		why = m.s.wanted()
	}
	m.s.Loss = Loss{On: true, At: m.now, Cause: why, Path: m.s.Path}
}

// doubt asks the carrier for a sign of life and looks for another one beside it. Packets still flow.
func (m *step) doubt(why Reason) {
	m.doubted(why, m.now.Mono)
	m.search()
}

// doubted notes that the carrier may not work, and since when it has been asked.
func (m *step) doubted(why Reason, since time.Duration) {
	m.begin(why)
	if !m.s.Probing {
		m.s.Probing, m.s.ProbeAt = true, since
	}
	m.decide(why)
}

// lose holds packets: the carrier cannot be used now. In Reconnecting it only goes on with what has been learned.
func (m *step) lose(why Reason, f Fault) {
	if m.s.Phase == Connected && !m.s.Policy.AutoReconnect {
		m.end(f, CloseUser, ReasonNoReconnect)
		return
	}
	first := m.s.Phase != Reconnecting
	m.begin(why)
	m.s.Err = f
	m.hold(why)
	if !m.s.Down && !m.s.Probing {
		m.s.Probing, m.s.ProbeAt = true, m.now.Mono
	}
	if m.s.has(FxCommit) {
		return
	}
	if first || m.s.Closed {
		m.search()
	}
	m.settle()
}

// hold enters Reconnecting: packets wait, and the gateway's clock for a session without a tunnel runs.
func (m *step) hold(why Reason) {
	if m.s.Phase == Reconnecting {
		m.decide(why)
		return
	}
	m.unfit()
	m.s.Loss.Detected = m.now.Mono - m.s.Loss.At.Mono
	if m.s.Pump {
		m.s.Pump = false
		m.do(Effect{Kind: FxStopPump})
	}
	m.enter(Reconnecting, why)
	limit := cmp.Or(m.s.Limits.Disconnected, m.s.Limits.Idle, defaultLost)
	m.arm(TimerLost, max(m.s.Loss.At.Boot+limit, m.now.Boot+time.Millisecond))
}

// suspend is sleep announced. Where policy ends the session it is ended; else nothing is sent and nothing new begun: what is outstanding keeps its deadline on the
// clock that stands still.
func (m *step) suspend() {
	if m.s.Policy.DisconnectOnSuspend {
		m.end(Fault{}, CloseUser, ReasonSuspend)
		return
	}
	m.s.Frozen = true
	m.cancelProbes()
	m.cancelReaches()
	m.forgetLooks(everyPath)
	m.disarm(TimerRetry)
	m.disarm(TimerVerdict)
	m.arm(TimerThaw, m.now.Mono+thawTime)
	m.decide(ReasonFreeze)
}

// thaw ends a freeze where there is no carrier to look after.
func (m *step) thaw() {
	m.s.Frozen = false
	m.disarm(TimerThaw)
}

// resumed is the end of sleep: the old carrier is asked first of all, and others are looked for beside it. Where policy ends the session on suspend and nobody
// announced the suspend, it is ended now.
func (m *step) resumed() {
	m.thaw()
	if m.s.Policy.DisconnectOnSuspend && m.ev.Kind == EvResumed && m.ev.Slept > 0 {
		m.end(Fault{}, CloseUser, ReasonSuspend)
		return
	}
	if m.s.Phase != Connected && m.s.Phase != Reconnecting {
		return
	}
	m.begin(ReasonResume)
	m.s.Loss.Cause = ReasonResume
	m.forgetLooks(everyPath)
	m.decide(ReasonResume)
	if m.s.has(FxCommit) {
		return
	}
	m.cancelProbes()
	m.cancelReaches()
	if !m.s.Down {
		m.s.Probing, m.s.ProbeAt = true, m.now.Mono
	}
	m.search()
}
