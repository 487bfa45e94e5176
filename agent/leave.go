package agent

import (
	"errors"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// ErrRestarting is the cause to end the context of Run with when another agent starts at once: a session that is up is left to it, at the gateway and on the host. Without a
// session that could be gone on with it is an end like any other.
var ErrRestarting = errors.New("agent: another agent goes on with the session")

// leave lets go of the session without ending it, and reports whether there was one to leave. A gateway hears nothing, as if this agent had been killed: it keeps the
// session for who comes with its token.
func (l *loop) leave() bool {
	s, ok := l.session()
	if !ok || l.keeper.vault == nil || !l.state.Session || !l.applier.queue(l.applier.bequeath) {
		return false
	}
	l.log.Info("the session is left to the next agent", "phase", l.state.Phase)
	l.leaving.Store(true)
	l.keeper.save(s)
	l.stopPump()
	for id := range l.res.cancels {
		l.cancel(id)
	}
	for id := range l.res.reaches {
		l.cancel(id)
	}
	for _, p := range l.res.prompts {
		p.end(reply{err: fault.New(fault.AuthPromptGone, nil)})
	}
	for _, t := range l.res.tunnels {
		l.workers.Go(func() { _ = t.live.Close(protocol.CloseQuiet) })
	}
	return true
}

// farewell is what a gateway is told on a tunnel that came too late for this agent.
func (l *loop) farewell() protocol.CloseReason {
	if l.leaving.Load() {
		return protocol.CloseQuiet
	}
	return protocol.CloseUser
}
