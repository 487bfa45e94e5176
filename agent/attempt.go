package agent

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// The machine's deadlines end an attempt that takes too long, by FxCancelAttempt. These bounds only keep a worker from outliving what it was for.
const (
	reachTime  = 10 * time.Second
	commitTime = 30 * time.Second
	probeTime  = 30 * time.Second
	// reachFresh is how old a reach may be when it is committed on: a NAT or the gateway may have forgotten an older one.
	reachFresh = 5 * time.Second
)

// startAttempt logs in from the beginning, at the target or one of its backup servers.
func (l *loop) startAttempt(fx machine.Effect) {
	ctx := l.begin(fx.Attempt)
	fail := machine.Event{Kind: machine.EvAttemptFailed, Attempt: fx.Attempt}
	c := l.status.conn
	if c == nil || fx.Server < 0 || fx.Server >= len(c.servers) {
		l.work(fail, func() report { return failed(fail, fault.New(fault.Internal, errors.New("agent: no such server"))) })
		return
	}
	target, con := c.servers[fx.Server], l.connector
	who := asker{attempt: fx.Attempt, next: l.nextPrompt, wall: l.cfg.Wall, post: l.post, owner: c.owner, delivered: l.delivered, policy: c.local, trust: l.trust(c)}
	l.work(fail, func() report {
		t, err := con.Open(ctx, target, who)
		if err != nil {
			return failed(fail, err)
		}
		return opened(machine.EvTunnelOpened, fx.Attempt, t, c.localLAN)
	})
}

// startReach makes a verified connection to the session's gateway on one path.
func (l *loop) startReach(fx machine.Effect) {
	ctx := l.begin(fx.Attempt)
	fail := machine.Event{Kind: machine.EvReachFailed, Attempt: fx.Attempt, Path: fx.Path}
	ref, con := l.res.ref, l.connector
	l.work(fail, func() report {
		if ref == nil {
			return failed(fail, fault.New(fault.GwSession, errors.New("agent: no session to come back to")))
		}
		ctx, cancel := context.WithTimeout(ctx, reachTime)
		defer cancel()
		r, err := con.Reach(ctx, *ref, outer(fx.Path))
		if err != nil {
			return failed(fail, err)
		}
		ev := machine.Event{Kind: machine.EvReached, Attempt: fx.Attempt, Path: fx.Path, RTT: r.RTT(), Evidence: "round trip " + r.RTT().Round(time.Microsecond).String()}
		return report{ev: ev, reached: r}
	})
}

// startCommit presents the token on what a reach opened. One that has waited too long is made again on the same path first.
func (l *loop) startCommit(fx machine.Effect) {
	ctx := l.begin(fx.Attempt)
	fail := machine.Event{Kind: machine.EvRebindFailed, Attempt: fx.Attempt}
	got, ok := l.res.take(fx.Reach)
	ref, con, c := l.res.ref, l.connector, l.status.conn
	stale := l.now().Boot-got.at > reachFresh
	l.work(fail, func() report {
		if !ok || ref == nil {
			return failed(fail, fault.New(fault.NetLost, errors.New("agent: nothing to commit on")))
		}
		ctx, cancel := context.WithTimeout(ctx, commitTime)
		defer cancel()
		r := got.live
		if stale {
			_ = r.Close()
			again, err := con.Reach(ctx, *ref, r.Path())
			if err != nil {
				return failed(fail, err)
			}
			r = again
		}
		t, err := con.Resume(ctx, *ref, r)
		if err != nil {
			return failed(fail, err)
		}
		return opened(machine.EvRebound, fx.Attempt, t, c != nil && c.localLAN)
	})
}

// startProbe asks the gateway for a sign of life through the tunnel.
func (l *loop) startProbe(fx machine.Effect) {
	ctx := l.begin(fx.Attempt)
	fail := machine.Event{Kind: machine.EvProbeFailed, Attempt: fx.Attempt, Tunnel: fx.Tunnel}
	t, ok := l.res.tunnels[fx.Tunnel]
	l.work(fail, func() report {
		if !ok {
			return failed(fail, fault.New(fault.NetLost, errors.New("agent: no such tunnel")))
		}
		ctx, cancel := context.WithTimeout(ctx, probeTime)
		defer cancel()
		begun := time.Now()
		if err := t.live.Probe(ctx); err != nil {
			return failed(fail, err)
		}
		took := time.Since(begun)
		return report{ev: machine.Event{Kind: machine.EvProbed, Attempt: fx.Attempt, Tunnel: fx.Tunnel, RTT: took, Evidence: "answered in " + took.Round(time.Microsecond).String()}}
	})
}

// closeTunnel ends a tunnel, and at the gateway too when the machine says so. It is gone from the resources at once, so that nothing else is done to it.
func (l *loop) closeTunnel(fx machine.Effect) {
	closed := machine.Event{Kind: machine.EvTunnelClosed, Tunnel: fx.Tunnel}
	t, ok := l.res.tunnels[fx.Tunnel]
	if !ok {
		l.queue = append(l.queue, closed)
		return
	}
	delete(l.res.tunnels, fx.Tunnel)
	if l.res.current == fx.Tunnel {
		l.stopPump()
	}
	said := make(chan struct{})
	l.res.closing[fx.Tunnel] = said
	l.work(closed, func() report {
		defer close(said)
		_ = t.live.Close(closing(fx.Close)) // there is nothing to do about a goodbye that did not arrive
		return report{ev: closed}
	})
}

// watch turns a tunnel's own notifications into events until the tunnel is closed.
func (l *loop) watch(id machine.ID, t protocol.Tunnel) {
	l.workers.Go(func() {
		for n := range t.Notifications() {
			if n.Kind == protocol.NoteRetry {
				l.post(report{word: wordRetry})
				continue
			}
			ev := machine.Event{Kind: noteEvents[n.Kind], Tunnel: id, Reason: n.Reason, Asked: n.Asked, Evidence: n.Text}
			if ev.Kind == 0 {
				continue
			}
			r := report{ev: ev}
			if n.Err != nil {
				r = failed(ev, n.Err)
			}
			l.post(r)
		}
	})
}

var noteEvents = map[protocol.NoteKind]machine.EventKind{
	protocol.NoteDown:         machine.EvCarrierDown,
	protocol.NotePeerDead:     machine.EvPeerDead,
	protocol.NoteServerClosed: machine.EvServerClosed,
	protocol.NoteRekey:        machine.EvRekeyDue,
	protocol.NoteSilence:      machine.EvSilence,
	protocol.NoteHeard:        machine.EvHeard,
	protocol.NoteCarrier:      machine.EvCarrierChanged,
	protocol.NoteMTU:          machine.EvMTUChanged,
	protocol.NoteRenew:        machine.EvRenewDue,
	protocol.NoteKeys:         machine.EvKeysChanged,
}

// opened is the report of a tunnel. A tunnel bears the number of the attempt that made it: an attempt makes one at most.
func opened(kind machine.EventKind, attempt machine.ID, t protocol.Tunnel, localLAN bool) report {
	s := t.Settings()
	plan := planOf(s, localLAN)
	ev := machine.Event{
		Kind: kind, Attempt: attempt, Tunnel: attempt, Plan: plan.digest(),
		Limits:   machine.Limits{Session: s.SessionTimeout, Disconnected: s.DisconnectedTimeout, Idle: s.IdleTimeout},
		Evidence: s.Gateway.String() + " " + s.Cipher,
	}
	return report{ev: ev, tunnel: t, plan: plan}
}

// faultOf is err as a *fault.Error. What a context says has a code of its own: a worker that ran out of time found a network that does not answer.
func faultOf(err error) *fault.Error {
	var f *fault.Error
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, context.DeadlineExceeded):
		return fault.New(fault.NetTimeout, err)
	case errors.Is(err, context.Canceled):
		return fault.New(fault.NetLost, err)
	}
	return fault.As(err)
}

// outer is the machine's path as protocols know it.
func outer(p machine.Path) protocol.Path {
	return protocol.Path{IfIndex: p.IfIndex, Name: p.Name, Local: p.Local, NextHop: p.NextHop}
}
