package agent

import (
	"context"
	"strconv"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform/localsock"
	"github.com/holdfast-vpn/holdfast/profile"
)

// State implements ipc.Sessions. It does not ask the loop: it works when the loop is stuck.
func (a *Agent) State(context.Context) (ipc.State, string) {
	v := a.loop.board.get()
	return v.fresh(), v.owner
}

// Connect implements ipc.Sessions.
func (a *Agent) Connect(ctx context.Context, p localsock.Peer, req ipc.ConnectRequest) (ipc.Accepted, error) {
	var id string
	var err error
	done := false
	if req.Target == "" {
		if cerr := a.call(ctx, func(l *loop) { id, done, err = l.again(p, &req) }); cerr != nil {
			return ipc.Accepted{}, cerr
		}
		if err != nil || done {
			return ipc.Accepted{ID: id}, err
		}
	}
	known := a.catalog(p.ID()) // reads files: not in the loop
	if req.Target == "" {
		hosts := known.hosts()
		if len(hosts) == 0 {
			return ipc.Accepted{}, fault.Newf(fault.UseTarget, nil, "there is no last target and no profile with a host")
		}
		req.Target = hosts[0].Name
	}
	c, err := resolve(req, known, a.preferences.load(p.ID())...)
	if err != nil {
		return ipc.Accepted{}, err
	}
	c.owner = p.ID()
	if id := c.servers[0].Identity; id != nil { // one for all servers
		c.key = &keyholder{agent: a, conn: c}
		id.Key = c.key
	}
	if cerr := a.call(ctx, func(l *loop) { id, err = l.connect(c) }); cerr != nil {
		return ipc.Accepted{}, cerr
	}
	return ipc.Accepted{ID: id}, err
}

// again fills in a connect without a target: what is pending or up is the answer, else the user's last target. done means that nothing is to be started.
func (l *loop) again(p localsock.Peer, req *ipc.ConnectRequest) (id string, done bool, err error) {
	if l.state.Phase != machine.Disconnected && l.state.Phase != machine.Disconnecting {
		if l.owner() != p.ID() {
			return "", false, fault.New(fault.PolNotOwner, nil)
		}
		l.status.conn.attend()
		l.hurry()
		return l.status.conn.id, true, nil
	}
	if was, ok := l.memory.of(p.ID()); ok {
		req.Target = was.Host
		if req.Group == "" {
			req.Group = was.Group
		}
		if req.User == "" {
			req.User = was.User
		}
	}
	return "", false, nil
}

// connect begins a session, or says that the one there is the one asked for.
func (l *loop) connect(c *connection) (string, error) {
	if l.stopping {
		return "", fault.Newf(fault.AgentUnreachable, nil, "it is stopping")
	}
	if old := l.status.conn; l.state.Phase != machine.Disconnected {
		switch {
		case old == nil || old.owner != c.owner:
			return "", fault.New(fault.PolNotOwner, nil)
		case l.state.Phase == machine.Disconnecting: // the machine connects after that
		case old.same(c):
			old.attend()
			l.hurry()
			return old.id, nil
		default:
			return "", fault.New(fault.PolConnected, nil)
		}
	}
	if l.owner() != c.owner {
		l.record.Mark(l.state)
	}
	l.connects++
	c.id = "c" + strconv.FormatUint(l.connects, 10)
	l.status.conn = c
	c.begin(l.memory.at(c.owner, c.name))
	l.status.fault, l.status.portal = nil, nil
	l.feed(machine.Event{Kind: machine.EvConnectRequested, Policy: c.policy, Deadline: c.budget})
	return c.id, nil
}

// hurry has a session that is looked for tried at once: its owner may have signed in to the network just now.
func (l *loop) hurry() {
	if l.state.Phase == machine.Reconnecting {
		l.feed(machine.Event{Kind: machine.EvConnectRequested})
	}
}

// Disconnect implements ipc.Sessions.
func (a *Agent) Disconnect(ctx context.Context, p localsock.Peer) error {
	var err error
	if cerr := a.call(ctx, func(l *loop) { err = l.disconnect(p) }); cerr != nil {
		return cerr
	}
	return err
}

func (l *loop) disconnect(p localsock.Peer) error {
	switch {
	case l.state.Phase == machine.Disconnected:
		return nil
	case !p.Root && l.owner() != p.ID():
		return fault.New(fault.PolNotOwner, nil)
	}
	l.feed(machine.Event{Kind: machine.EvDisconnectRequested})
	return nil
}

// Answer implements ipc.Sessions: it goes straight to the worker that asked, the machine hears only that it came.
func (a *Agent) Answer(ctx context.Context, p localsock.Peer, id string, ans ipc.Answer) error {
	var err error
	if cerr := a.call(ctx, func(l *loop) { err = l.answer(p, id, ans) }); cerr != nil {
		return cerr
	}
	return err
}

func (l *loop) answer(p localsock.Peer, id string, ans ipc.Answer) error {
	if !p.Root && l.owner() != p.ID() {
		return fault.New(fault.PolNotOwner, nil)
	}
	for _, q := range l.res.prompts {
		if !q.shown || promptName(q.id) != id {
			continue
		}
		ev := machine.Event{Kind: machine.EvPromptAnswered, Attempt: q.attempt, Prompt: q.id}
		r := reply{}
		if ans.Cancel {
			ev.Kind, ev.Evidence = machine.EvPromptCancelled, "the user said no"
			r.err = fault.New(fault.AuthCancelled, nil)
		} else {
			var err error
			if r.answer, err = q.accepts(ans); err != nil {
				return err
			}
		}
		l.close(q, r)
		l.feed(ev)
		return nil
	}
	return l.answerSigning(id, ans)
}

// Timeline implements ipc.Reports.
func (a *Agent) Timeline(ctx context.Context) ([]ipc.Record, error) {
	var list []ipc.Record
	err := a.call(ctx, func(l *loop) { list = l.timeline.all() })
	return list, err
}

// Hosts implements ipc.Reports.
func (a *Agent) Hosts(_ context.Context, p localsock.Peer) ([]ipc.HostEntry, error) {
	var list []ipc.HostEntry
	for _, h := range a.catalog(p.ID()).hosts() {
		at := profile.Target{Host: h.Target.Host, Port: h.Target.Port, Path: "/"}
		list = append(list, ipc.HostEntry{Name: h.Name, Address: at.String(), Group: h.Group, Protocol: string(h.Protocol), Profile: h.Profile})
	}
	return list, nil
}

// Stats implements ipc.Reports.
func (a *Agent) Stats(context.Context) (ipc.Stats, error) {
	v := a.loop.board.get()
	if v.state.Session == nil {
		return ipc.Stats{}, fault.New(fault.UseNotConnected, nil)
	}
	_, boot := a.cfg.Host.Clock.Now()
	boot += a.loop.faults.Slept()
	return ipc.Stats{State: v.fresh(), DurationS: int64((boot - v.login) / time.Second)}, nil
}

// Version implements ipc.Reports.
func (a *Agent) Version() ipc.Version {
	v := a.cfg.Version
	v.API, v.Features = ipc.API, ipc.Features()
	return v
}

// call runs fn in the loop and waits until it is done.
func (a *Agent) call(ctx context.Context, fn func(*loop)) error {
	done := make(chan struct{})
	select {
	case a.loop.calls <- func() { fn(a.loop); close(done) }:
	case <-a.loop.ended:
		return fault.Newf(fault.AgentUnreachable, nil, "it is stopping")
	case <-ctx.Done():
		return fault.New(fault.Internal, ctx.Err())
	}
	<-done // the loop has it, and never waits
	return nil
}

var _ ipc.Backend = (*Agent)(nil)
