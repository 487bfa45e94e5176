package agent

import (
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/agent/vault"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// maxAdoptions is how many agents in a row may try to take a session up and end before it has a tunnel: a session that makes agents fall over is given up before the
// service manager gives up on them (StartLimitBurst= of the unit is 5).
const maxAdoptions = 3

// keptEntries is how much of the timeline is kept with the session.
const keptEntries = 200

// Adoptable reports why a session that a former agent left is not to be taken up, nil where it may still live.
func Adoptable(s vault.Session, now machine.Instant) error {
	slept := (now.Boot - s.Saved.Boot) - (now.Mono - s.Saved.Mono)
	switch {
	case now.Boot < s.Saved.Boot:
		return errors.New("it was saved by another clock")
	case !s.Policy.AutoReconnect:
		return errors.New("policy does not allow to reconnect")
	case s.Kept.Expires > 0 && now.Boot >= s.Kept.Expires:
		return errors.New("its time is over")
	case s.Policy.DisconnectOnSuspend && slept > late:
		return errors.New("the machine has slept, and policy ends the session then")
	case s.Adoptions >= maxAdoptions:
		return fmt.Errorf("%d agents in a row have tried in vain", s.Adoptions)
	}
	return nil
}

// recallSession makes the loop what it was when s was saved. The machine hears of it when the loop runs.
func (l *loop) recallSession(s vault.Session) {
	c := &connection{
		id: s.Attempt, owner: s.Owner, name: s.Name, profile: s.Profile, servers: s.Servers, policy: s.Policy, budget: s.Budget,
		localLAN: s.LocalLAN, keeps: s.Keeps, keepsUser: s.KeepsUser, came: true,
	}
	l.status.conn, l.status.settings = c, &s.Settings
	l.connects = s.Connect
	l.prompts.Store(s.Prompts)
	l.res.ref = &s.Ref
	l.res.before = s.Counters
	for _, e := range s.Timeline {
		l.timeline.restore(s.Owner, e)
	}
	l.timeline.seq = max(l.timeline.seq, s.Seq)
	l.toward = addressesOf(s.Ref)
	l.applier.inherit()
	l.adopted = &s
}

// wireKeys gives a recalled connection what it cannot have without the agent: the way to whoever holds its private key, and this machine's policy of today.
func (a *Agent) wireKeys(c *connection) error {
	policy, err := a.cfg.Profiles().Policy()
	if err != nil {
		return err
	}
	c.local = policy
	if id := c.servers[0].Identity; id != nil {
		c.key = &keyholder{agent: a, conn: c}
		c.key.silent.Store(true) // the client that has the key went with the login
		for _, t := range c.servers {
			t.Identity.Key = c.key
		}
		if ref := a.loop.res.ref; ref.Target.Identity != nil {
			ref.Target.Identity.Key = c.key
		}
	}
	return nil
}

// adopt has the machine take up what was recalled.
func (l *loop) adopt() {
	s := l.adopted
	if s == nil {
		return
	}
	l.adopted = nil
	l.feed(machine.Event{
		Kind: machine.EvAdopted, Policy: s.Policy, Plan: planOf(l.status.settings, s.LocalLAN).digest(), Path: s.Path, Kept: s.Kept,
		Limits:   machine.Limits{Session: s.Settings.SessionTimeout, Disconnected: s.Settings.DisconnectedTimeout, Idle: s.Settings.IdleTimeout},
		Evidence: "saved " + (l.now().Boot - s.Saved.Boot).Round(time.Millisecond).String() + " ago",
	})
}

// planOf is what a session wants of the host. The local network stays reachable where the gateway offers it and the user's side wants it.
func planOf(s *protocol.Settings, localLAN bool) hostPlan {
	plan := planFor(s)
	plan.route.LocalLAN = plan.route.LocalLAN && localLAN
	return plan
}

// session is what an agent after this one must know to go on with the session; false where there is none that could be gone on with.
func (l *loop) session() (vault.Session, bool) {
	c, ref := l.status.conn, l.res.ref
	if c == nil || ref == nil || l.status.settings == nil || !c.policy.AutoReconnect || ref.Token.Empty() {
		return vault.Session{}, false
	}
	expires, _ := l.state.Expires()
	s := vault.Session{
		Owner: c.owner, Attempt: c.id, Connect: l.connects, Prompts: l.prompts.Load(),
		Name: c.name, Profile: c.profile, Servers: c.servers, Policy: c.policy, Budget: c.budget, LocalLAN: c.localLAN, KeepsUser: c.keepsUser, Keeps: c.keeps,
		Ref: *ref, Settings: *l.status.settings, Path: l.state.Path,
		Kept:     machine.Kept{Login: l.state.Login.Boot, Expires: expires, Tunnels: l.state.Tunnels, Sessions: l.state.Sessions, Relogin: l.state.Relogin, Last: l.state.LastReconnect},
		Counters: l.counters(), Saved: l.now(), Seq: l.timeline.seq,
	}
	for _, r := range l.timeline.last(keptEntries) {
		if r.Owner == c.owner {
			s.Timeline = append(s.Timeline, r.Entry)
		}
	}
	l.awake(&s)
	return s, true
}

// counters are those of the session: of this agent's pump, and of the agents before it.
func (l *loop) counters() ipc.Counters { return countersOf(l.res.before, l.res.pump) }
