package agent

import (
	"context"
	"fmt"

	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// do carries out one effect. Nothing here waits: what takes time goes to a worker or to the applier and comes back as a report.
func (l *loop) do(fx machine.Effect) {
	switch fx.Kind {
	case machine.FxStartAttempt:
		l.startAttempt(fx)
	case machine.FxStartReach:
		l.startReach(fx)
	case machine.FxCommit:
		l.startCommit(fx)
	case machine.FxProbe:
		l.startProbe(fx)
	case machine.FxLook:
		l.startLook(fx)
	case machine.FxCancelAttempt:
		l.cancel(fx.Attempt)
	case machine.FxAskUser:
		l.askUser(fx.Prompt)
	case machine.FxWithdrawPrompt:
		l.withdraw(fx.Prompt)
	case machine.FxApplyNetwork:
		l.startApply(fx)
	case machine.FxRevertNetwork:
		l.startRevert(fx)
	case machine.FxStartPump:
		l.startPump(fx.Tunnel)
	case machine.FxStopPump:
		l.stopPump()
	case machine.FxCloseTunnel:
		l.closeTunnel(fx)
	case machine.FxDropSession:
		l.dropSession()
	case machine.FxRaiseNotice:
		l.raise(fx.Fault)
	case machine.FxPublish:
		l.changed = true
	default:
		l.log.Error("an effect nobody carries out", "effect", fx.Kind)
	}
}

// take brings a report home: what is alive in it gets its place in the resources, then the machine hears of it.
func (l *loop) take(r report) {
	if r.healed != nil {
		l.healed(*r.healed)
		return
	}
	ev := r.ev
	_, waiting := l.res.cancels[ev.Attempt]
	if r.word != wordNone {
		l.hear(r.word, ev.Attempt, waiting)
		return
	}
	if r.err != nil && ev.Attempt != 0 && !waiting {
		return // what was given up has failed
	}
	switch ev.Kind {
	case machine.EvAnswered, machine.EvWaitBegan, machine.EvWaitEnded:
		if waiting {
			l.progress(ev)
			l.feed(ev)
		}
		return
	case machine.EvPromptNeeded:
		if !waiting {
			r.drop(protocol.CloseUser)
			return
		}
		l.res.prompts[r.prompt.id] = r.prompt
		if r.prompt.form.Kind != protocol.FormTrust { // that one comes before the gateway has said anything
			l.progress(ev)
		}
		l.feed(ev)
		return
	case machine.EvPromptCancelled:
		if p, ok := l.res.prompts[ev.Prompt]; ok {
			l.close(p, reply{err: fault.New(fault.AuthPromptGone, nil)})
			l.feed(ev)
		}
		return
	case machine.EvReached:
		if !waiting {
			l.discard(r)
			return
		}
		l.res.reaches[ev.Attempt] = reach{live: r.reached, at: l.now().Boot}
	case machine.EvTunnelOpened, machine.EvRebound:
		// The machine is told of a late tunnel too, and has it closed.
		l.res.tunnels[ev.Tunnel] = &tunnel{live: r.tunnel, plan: r.plan}
		if waiting && ev.Kind == machine.EvTunnelOpened {
			l.waysTo(addressesOf(r.tunnel.Session()))
		}
		ev.Path = wayOf(r.tunnel, l.state.Paths)
		l.watch(ev.Tunnel, r.tunnel)
	case machine.EvNetworkApplied:
		if waiting { // else a revert is on its way
			if l.res.pump != r.pump {
				l.guard(r.pump)
			}
			l.res.pump, l.res.device = r.pump, r.device
		}
	case machine.EvDeviceGone:
		if l.res.pump != r.pump { // we closed it
			return
		}
	case machine.EvMTUChanged:
		t, ok := l.res.tunnels[ev.Tunnel]
		if !ok {
			return
		}
		t.plan = planOf(t.live.Settings(), l.status.conn != nil && l.status.conn.localLAN)
		ev.Plan = t.plan.digest()
		if ev.Tunnel == l.state.Tunnel {
			l.present(t)
		}
	case machine.EvServerClosed:
		ev.Unused = l.used.since(l.now())
	case machine.EvTunnelClosed:
		delete(l.res.closing, ev.Tunnel)
	}
	if r.err != nil {
		l.status.fault = fault.As(r.err)
		if ev.Kind == machine.EvLooked {
			l.status.portal = l.status.fault
		}
		l.log.Info("failed", "event", ev.Kind, "code", ev.Fault.Code, "kind", ev.Fault.Kind)
		l.log.Debug("failed", "event", ev.Kind, "err", r.err)
	}
	l.feed(ev)
	if t, ok := l.res.tunnels[ev.Tunnel]; ok && ev.Kind == machine.EvRebound && l.state.Tunnel == ev.Tunnel {
		l.waysTo(addressesOf(t.live.Session())) // it may have been found at another address
	}
	if ev.Kind == machine.EvMTUChanged {
		l.keepSession()
	}
	if stop, ok := l.res.cancels[ev.Attempt]; ok {
		stop()
		delete(l.res.cancels, ev.Attempt)
	}
}

// cancel ends an attempt's worker and lets go of what it left behind: a reach that nobody will commit, a question that nobody will answer.
func (l *loop) cancel(id machine.ID) {
	if stop, ok := l.res.cancels[id]; ok {
		stop()
		delete(l.res.cancels, id)
	}
	if got, ok := l.res.reaches[id]; ok {
		delete(l.res.reaches, id)
		l.discard(report{reached: got.live})
	}
	for _, p := range l.res.prompts {
		if p.attempt == id {
			l.withdraw(p.id)
		}
	}
}

// discard drops a report in a worker: closing may take time.
func (l *loop) discard(r report) { l.workers.Go(func() { r.drop(protocol.CloseUser) }) }

// begin notes that an attempt is out and returns its context.
func (l *loop) begin(id machine.ID) context.Context {
	ctx, cancel := context.WithCancel(l.base)
	l.res.cancels[id] = cancel
	return ctx
}

// work runs fn in a worker, which brings back exactly one report: fn's, or fail when fn panics. A parser that a gateway can make panic must cost one
// attempt, not the agent and with it every route and name server of this machine.
func (l *loop) work(fail machine.Event, fn func() report) {
	l.workers.Go(func() {
		var r report
		func() {
			defer func() {
				if p := recover(); p != nil {
					l.log.Error("a worker panicked", "event", fail.Kind, "panic", fmt.Sprint(p))
					r = failed(fail, fault.New(fault.Internal, fmt.Errorf("panic: %v", p)))
				}
			}()
			r = fn()
		}()
		l.post(r)
	})
}

// post hands a report to the loop. false means that the loop has ended and the report was dropped.
func (l *loop) post(r report) bool {
	select {
	case <-l.ended:
		r.drop(l.farewell())
		return false
	default:
	}
	select {
	case l.inbox <- r:
		return true
	case <-l.ended:
		r.drop(l.farewell())
		return false
	}
}

// failed is ev with what went wrong.
func failed(ev machine.Event, err error) report {
	f := faultOf(err)
	ev.Fault = machine.Fault{Code: f.Code, Kind: f.Kind}
	if f.Detail != "" {
		ev.Evidence = f.Detail
	}
	return report{ev: ev, err: f}
}

// closing translates what the gateway is told.
func closing(c machine.Close) protocol.CloseReason {
	switch c {
	case machine.CloseUser:
		return protocol.CloseUser
	case machine.CloseReconnect:
		return protocol.CloseReconnect
	}
	return protocol.CloseQuiet
}
