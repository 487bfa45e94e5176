package agent

import (
	"context"
	"strings"

	"github.com/holdfast-vpn/holdfast/agent/dataplane"
	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// startApply has the applier make the host look as the tunnel wants.
func (l *loop) startApply(fx machine.Effect) {
	fail := machine.Event{Kind: machine.EvApplyFailed, Attempt: fx.Attempt}
	var plan hostPlan
	switch t, ok := l.res.tunnels[fx.Tunnel]; {
	case ok:
		l.present(t)
		plan = t.plan
	case fx.Tunnel == 0 && l.status.settings != nil:
		plan = planOf(l.status.settings, l.status.conn.localLAN)
	default:
		l.queue = append(l.queue, failed(fail, fault.New(fault.TunGone, nil)).ev)
		return
	}
	l.res.apply = fx.Attempt
	l.change(fx.Attempt, fail, func(ctx context.Context) report {
		p, device, err := l.applier.apply(ctx, plan)
		if err != nil {
			return failed(fail, err)
		}
		return report{ev: machine.Event{Kind: machine.EvNetworkApplied, Attempt: fx.Attempt}, pump: p, device: device}
	})
}

// startRevert has the applier take everything back, an apply under way first being told to stop. The pump is the applier's to close: the loop does not
// touch it from here on.
func (l *loop) startRevert(fx machine.Effect) {
	l.stopPump()
	l.cancel(l.res.apply)
	l.res.pump, l.res.apply = nil, 0
	var goodbyes []<-chan struct{}
	for _, said := range l.res.closing {
		goodbyes = append(goodbyes, said)
	}
	fail := machine.Event{Kind: machine.EvApplyFailed, Attempt: fx.Attempt}
	l.change(fx.Attempt, fail, func(ctx context.Context) report {
		if err := l.applier.revert(ctx, goodbyes); err != nil {
			return failed(fail, err)
		}
		return report{ev: machine.Event{Kind: machine.EvReverted, Attempt: fx.Attempt}}
	})
}

// guard tells when the device behind a pump has ended. After a revert the loop has let go of the pump, and that is no news.
func (l *loop) guard(p *dataplane.Pump) {
	l.workers.Go(func() {
		<-p.Ended()
		l.post(report{ev: machine.Event{Kind: machine.EvDeviceGone}, pump: p})
	})
}

// change queues a change of the host. A full queue is answered at once.
func (l *loop) change(id machine.ID, fail machine.Event, fn func(context.Context) report) {
	ctx := l.begin(id)
	if !l.applier.queue(func() { l.post(fn(ctx)) }) {
		l.cancel(id)
		l.queue = append(l.queue, failed(fail, fault.New(fault.HostSlow, nil)).ev)
	}
}

// startPump puts a tunnel's carrier on the pump.
func (l *loop) startPump(id machine.ID) {
	t, ok := l.res.tunnels[id]
	if !ok || l.res.pump == nil {
		l.log.Error("no tunnel or no device for the pump", "tunnel", id)
		return
	}
	l.present(t)
	l.res.current = id
	if l.status.conn != nil {
		l.status.conn.came = true
	}
	l.res.pump.SetCarrier(t.live.Carrier())
	l.remember()
	l.keepSession()
	l.changed = true
}

// stopPump holds packets: the device is still read, so that a sender does not find a wall, and so is the carrier.
func (l *loop) stopPump() {
	l.res.current = 0
	if l.res.pump != nil {
		l.res.pump.Hold()
	}
}

// present makes a tunnel the one that the status shows and whose token brings the session back.
func (l *loop) present(t *tunnel) {
	ref := t.live.Session()
	l.res.ref = &ref
	l.status.settings = t.live.Settings()
}

// dropSession forgets token and settings. The token is not wiped here: a worker that was just cancelled may still hold it.
func (l *loop) dropSession() {
	l.res.ref = nil
	l.status.settings = nil
	l.waysTo(nil)
	l.res.before = ipc.Counters{}
	l.keeper.discard()
	l.changed = true
}

// raise tells the owner of a failure that he should know of.
func (l *loop) raise(f machine.Fault) {
	e := l.wireFault(f)
	l.news = append(l.news, func(h *ipc.Hub) { h.Notice(*e) })
	l.changed = true
}

// wireFault is a fault of the machine as clients see it, in the words of the failure that it is short for, if that was the last one.
func (l *loop) wireFault(f machine.Fault) *ipc.Error {
	e := fault.New(f.Code, nil)
	switch {
	case l.status.fault != nil && l.status.fault.Code == f.Code:
		e = l.status.fault
	case l.status.portal != nil && l.status.portal.Code == f.Code:
		e = l.status.portal
	}
	return &ipc.Error{Code: string(e.Code), Message: e.Sentence(), Hint: strings.Join(e.AllHints(), "\n")}
}

// remember keeps who connected where, for a connect without a target. The applier writes the file: the loop waits for no disk.
func (l *loop) remember() {
	c, s := l.status.conn, l.status.settings
	if c == nil || s == nil {
		return
	}
	if !c.keeps {
		l.later(l.memory.forget(c.owner))
		return
	}
	now := last{Owner: c.owner, Host: c.name, Group: c.servers[0].Group, User: s.User, Chose: s.Group}
	if !c.keepsUser {
		now.User = ""
	}
	l.later(l.memory.keep(now))
	c.begin(now)
}

// later has the applier write what is remembered; nil is nothing.
func (l *loop) later(write func() error) {
	if write == nil {
		return
	}
	l.applier.queue(func() {
		if err := write(); err != nil {
			l.log.Warn("the last target was not remembered", "err", err)
		}
	})
}
