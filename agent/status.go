package agent

import (
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/dataplane"
	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/impair"
)

// status is what the loop knows of the session beside the machine's state, for people to read.
type status struct {
	since    time.Time
	conn     *connection        // the last one asked for; it stays after its end, so that its owner can see why
	settings *protocol.Settings // of the session; nil without one
	fault    *fault.Error       // the last failure
	portal   *fault.Error       // the last captive portal
	login    stage              // of the last login
}

// view is what was last published, as clients' goroutines read it: immutable, with the places where the live numbers are.
type view struct {
	state ipc.State
	owner string
	pump  *dataplane.Pump
	past  ipc.Counters // of former agents
	live  protocol.Tunnel
	login time.Duration // Boot

	faults *impair.Faults
}

// watched is a tunnel that can tell when it last had an authenticated packet from the gateway.
type watched interface{ Heard() time.Time }

// carried is a tunnel that can tell what its packets travel by.
type carried interface{ Transport() protocol.Transport }

// board holds the view between the loop that writes and the clients that read.
type board struct{ p atomic.Pointer[view] }

func (b *board) get() *view { return b.p.Load() }

// fresh is the state with the numbers of this instant.
func (v *view) fresh() ipc.State {
	s := v.state
	s.Impaired = specs(v.faults)
	if v.pump != nil {
		c := countersOf(v.past, v.pump)
		s.Counters = &c
	}
	if t, ok := v.live.(carried); ok && s.Transport != "" {
		now := t.Transport()
		s.Transport, s.TransportReason, s.TransportCode = now.Name, now.Reason, string(now.Code)
		s.TransportSince, s.TransportRetryAt = moment(now.Since), moment(now.RetryAt)
		if now.Cipher != "" {
			s.Cipher = now.Cipher
		}
	}
	if w, ok := v.live.(watched); ok {
		if at := w.Heard(); !at.IsZero() {
			s.VerifiedAt = &at
		}
	}
	return s
}

// moment is a time in a state, where it is absent when it is none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// countersOf adds a pump's counters to those of former agents; a pump of nil has none.
func countersOf(past ipc.Counters, p *dataplane.Pump) ipc.Counters {
	if p == nil {
		return past
	}
	c := p.Counters()
	return ipc.Counters{
		TxBytes: past.TxBytes + c.TxBytes, RxBytes: past.RxBytes + c.RxBytes, TxPackets: past.TxPackets + c.TxPackets, RxPackets: past.RxPackets + c.RxPackets,
		Drops: past.Drops + c.Drops,
	}
}

// owner is who the session belongs to; "" before the first connect.
func (l *loop) owner() string {
	if l.status.conn == nil {
		return ""
	}
	return l.status.conn.owner
}

// publish makes the visible state from what the loop holds and tells everyone; then come the news that wait for it.
func (l *loop) publish() {
	v := &view{owner: l.owner(), pump: l.res.pump, past: l.res.before, login: l.state.Login.Boot, faults: l.faults}
	if t, ok := l.res.tunnels[l.state.Tunnel]; ok {
		v.live = t.live
	}
	v.state = l.describe()
	l.board.p.Store(v)
	l.cfg.Hub.Publish(v.owner, v.fresh())
	for _, tell := range l.news {
		tell(l.cfg.Hub)
	}
	l.news = nil
}

// describe is the state by the contract, less what moves by itself.
func (l *loop) describe() ipc.State {
	s := ipc.State{State: l.state.Phase.String(), Since: l.status.since, Probing: l.state.Probing}
	if c := l.status.conn; c != nil {
		s.Attempt, s.Target, s.Protocol, s.Profile = c.id, c.name, "ssl", c.profile
		s.Group, s.User = c.servers[0].Group, c.servers[0].User
	}
	l.describeLogin(&s)
	if f := l.state.Err; f.Code != "" {
		s.Error = l.wireFault(f)
		portal := f.Code == fault.NetPortal || l.state.Portal()
		s.CaptivePortal = &portal
	}
	for _, p := range l.res.prompts { // one at most is shown
		if p.shown {
			s.Prompt = p.wire()
		}
	}
	if s.Prompt == nil && l.state.Phase != machine.Disconnected {
		s.Prompt = l.oldestSigning()
	}
	if l.status.settings != nil {
		l.describeSession(&s, l.status.settings)
	}
	l.describeReconnects(&s)
	return s
}

// describeSession adds what the gateway gave.
func (l *loop) describeSession(s *ipc.State, g *protocol.Settings) {
	if g.Group != "" {
		s.Group = g.Group
	}
	if g.User != "" {
		s.User = g.User
	}
	s.Gateway, s.Cipher, s.Banner = g.Gateway.String(), g.Cipher, g.Banner
	if l.res.current != 0 {
		s.Transport = "tls"
	}
	all := g.TunnelAll
	s.TunnelAll = &all
	for _, a := range g.Addresses {
		s.Addresses = append(s.Addresses, a.String())
	}
	s.SplitInclude, s.SplitExclude = texts(g.SplitInclude), texts(g.SplitExclude)
	plan := planFor(g)
	s.MTU = plan.route.MTU
	if l.res.pump != nil {
		s.Interface = l.res.device
	}
	if !plan.dns.Empty() {
		s.DNS = &ipc.DNS{Servers: texts(plan.dns.Servers), Search: plan.dns.Search, Split: plan.dns.Split, Backend: l.cfg.Host.Resolver.Backend()}
	}
	s.Session = &ipc.Session{
		Started:              l.wallAt(l.state.Login.Boot),
		IdleTimeoutS:         int64(g.IdleTimeout / time.Second),
		DisconnectedTimeoutS: int64(g.DisconnectedTimeout / time.Second),
		Resumable:            l.res.ref != nil && !l.res.ref.Token.Empty(),
	}
	if at, ok := l.state.Expires(); ok {
		end := l.wallAt(at)
		s.Session.Expires, s.Session.Ending = &end, l.alerted > 0
	}
}

// describeReconnects adds what was survived.
func (l *loop) describeReconnects(s *ipc.State) {
	if l.state.Phase == machine.Disconnected {
		return
	}
	s.Reconnects = &ipc.Reconnects{Tunnel: l.state.Tunnels, Session: l.state.Sessions}
	r := l.state.LastReconnect
	if r.Level == machine.LevelNone {
		return
	}
	s.LastReconnect = &ipc.LastReconnect{
		Level: r.Level.String(), Code: r.Code, Reason: machine.Reason(r.Code).String(),
		DetectedMS: r.Detected.Milliseconds(), OutageMS: r.Outage.Milliseconds(), At: l.wallAt(r.At),
	}
}

// wallStep is by how much a wall clock that is set differs from one that is read a moment later than the other.
const wallStep = 100 * time.Millisecond

// wallAt is a boot time as people read it: the same whenever it is asked for, so that a state in which nothing else is new is no news, until somebody sets the clock.
func (l *loop) wallAt(boot time.Duration) time.Time {
	start := l.cfg.Wall().Round(0).Add(-l.now().Boot)
	if start.Sub(l.wallStart).Abs() > wallStep {
		l.wallStart = start
	}
	return l.wallStart.Add(boot)
}

func texts[T netip.Addr | netip.Prefix](list []T) []string {
	var out []string
	for _, v := range list {
		out = append(out, any(v).(interface{ String() string }).String())
	}
	return out
}
