package agent

import (
	"context"
	"slices"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/agent/vault"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/localsock"
	"github.com/holdfast-vpn/holdfast/protocol/impair"
)

// Impair implements ipc.Impairer: it begins a fault, or ends all, and returns what is in force. The server lets only root come here.
func (a *Agent) Impair(ctx context.Context, p localsock.Peer, r ipc.ImpairRequest) (ipc.Impaired, error) {
	if !p.Root {
		return ipc.Impaired{}, fault.New(fault.PolRoot, nil)
	}
	spec, err := impair.Parse(r.Spec)
	if err != nil {
		return ipc.Impaired{}, err
	}
	if cerr := a.call(ctx, func(l *loop) { err = l.impair(spec) }); cerr != nil {
		return ipc.Impaired{}, cerr
	}
	return ipc.Impaired{Impaired: specs(a.loop.faults)}, err
}

// impair begins a fault. Without a session there is nothing to show by it.
func (l *loop) impair(s impair.Spec) error {
	if l.state.Phase == machine.Disconnected || l.state.Phase == machine.Disconnecting {
		return fault.New(fault.UseNotConnected, nil)
	}
	l.log.Warn("impaired by root", "spec", s.String())
	l.tellImpaired("impaired by root", s.String())
	l.breaks = slices.DeleteFunc(l.breaks, func(b impair.Spec) bool { return b.Kind == s.Kind })
	if s.For > 0 {
		l.breaks = append(l.breaks, s)
	}
	l.faults.Add(s)
	l.clocks() // a sleep is seen now
	l.impaired()
	return nil
}

// impaired takes notice of what began or ended: the sensors see it, and so do people.
func (l *loop) impaired() {
	l.breaks = slices.DeleteFunc(l.breaks, func(b impair.Spec) bool {
		if slices.ContainsFunc(l.faults.Active(), func(s impair.Spec) bool { return s.Kind == b.Kind }) {
			return false
		}
		l.log.Info("the impairment ended", "spec", b.String())
		l.tellImpaired("the impairment ended", b.String())
		return true
	})
	l.sensed(l.seen)
	l.flush()
}

// mend ends every fault with the session it was for.
func (l *loop) mend() { l.faults.Add(impair.Spec{Kind: impair.Off}) }

// tellImpaired writes into the timeline. It is no step of the machine's, which knows nothing of all this.
func (l *loop) tellImpaired(reason, spec string) {
	e := l.timeline.add(l.owner(), ipc.Entry{At: l.cfg.Wall(), Phase: l.state.Phase.String(), Event: "impaired", Reason: reason, Evidence: spec})
	l.news = append(l.news, func(h *ipc.Hub) { h.Timeline(e) })
	l.changed = true
}

// sensed takes what the monitor sees, less what is impaired.
func (l *loop) sensed(s platform.NetSnapshot) {
	if s.Removals != l.seen.Removals {
		l.healing.want(l.now().Mono)
	}
	l.seen = s
	if l.faults.Down() {
		s = platform.NetSnapshot{}
	}
	l.snapshot(s)
}

// awake takes a pretended sleep out of what is kept for the next agent, which knows nothing of it.
func (l *loop) awake(s *vault.Session) {
	slept := l.faults.Slept()
	s.Saved.Boot -= slept
	s.Kept.Login -= slept
	s.Kept.Last.At -= slept
	if s.Kept.Expires > 0 {
		s.Kept.Expires = max(s.Kept.Expires-slept, 1) // 0 is no limit
	}
}

// specs are the faults in force, with what is left of their time.
func specs(f *impair.Faults) []string {
	var out []string
	for _, s := range f.Active() {
		out = append(out, s.String())
	}
	return out
}
