package machine

import (
	"slices"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// This file holds what the machine promises over time: a session that can go on does, nobody is asked or logged in without need, and nothing is tried too often.

const (
	// patience is how long a session may be without packets although everything it needs is there.
	patience = time.Minute
	// breath is the least time between two tries of the machine's own making: the brisk pace and its jitter.
	breath = briskPace*4/5 - time.Millisecond
	// long is after how much time without news tries are rare, and rarely how rare: two thirds of the slowest pace.
	long, rarely = 150 * time.Second, slowest * 2 / 3
)

// promises is what the world remembers to hold the machine to its word. Times are Mono, but for auto.
type promises struct {
	good    time.Duration // since when a session has all it needs and packets do not flow; 0 while one of that is not so
	news    time.Duration // when the machine last heard something that it had not made itself
	reaches []begun       // the last reach on each path
	commit  time.Duration // the last commit
	pause   time.Duration // the last one before a retry, and how many before it were the same
	same    int
	auto    time.Duration                // Boot: the last login that no user asked for, since one did
	told    map[ID]bool                  // prompts that were answered
	notices map[fault.Code]time.Duration // of this outage
}

type begun struct {
	path Path
	at   time.Duration
}

// answers are what comes of the machine's own doing: tries may follow from it only at their pace.
func answers(k EventKind) bool {
	switch k {
	case EvTick, EvReached, EvReachFailed, EvRebindFailed, EvProbed, EvProbeFailed:
		return true
	}
	return false
}

// checkPromises looks at one step.
func (w *world) checkPromises(before State, ev Event, fx []Effect) {
	p := &w.kept
	if !answers(ev.Kind) || before.Frozen && !w.s.Frozen || before.Phase != w.s.Phase {
		p.news = w.now.Mono
	}
	if before.Loss.On != w.s.Loss.On {
		clear(p.notices)
	}
	for _, f := range fx {
		switch f.Kind {
		case FxStartReach:
			w.checkReach(f)
		case FxCommit:
			if p.news < p.commit && w.now.Mono-p.commit < breath {
				w.fail("the token is presented again after %v", w.now.Mono-p.commit)
			}
			p.commit = w.now.Mono
		case FxStartAttempt:
			w.checkLogin(before, ev, f)
		case FxAskUser:
			if p.told[f.Prompt] {
				w.fail("prompt %d was answered and is asked again", f.Prompt)
			}
		case FxRaiseNotice:
			if last, ok := p.notices[f.Fault.Code]; ok && ev.Kind == EvReachFailed && w.now.Mono-last < 10*time.Second {
				w.fail("%s is told again after %v", f.Fault.Code, w.now.Mono-last)
			}
			p.notices[f.Fault.Code] = w.now.Mono
		case FxDropSession:
			if ends := w.s.Reason == ReasonSessionTime || w.s.Reason == ReasonLostTime; ev.Kind == EvPeerDead && before.Policy.AutoReconnect && !ends {
				w.fail("dead peer detection ended the session")
			}
		}
	}
	due := slices.ContainsFunc(before.Jobs, func(j Job) bool { return j.At <= w.now.Mono }) ||
		slices.ContainsFunc(before.Timers, func(t Timer) bool { return !t.Kind.boot() && t.At <= w.now.Mono })
	same := ev.Kind == EvNetworkChanged && before.PathsKnown && slices.Equal(before.Paths, ev.Paths) && !due
	if same && slices.ContainsFunc(fx, func(f Effect) bool { return f.Kind == FxStartReach || f.Kind == FxProbe }) {
		w.fail("a change of the network that is none starts something: %v", fx)
	}
	w.checkJitter(before)
	w.checkService()
}

// checkJitter: clients of one gateway must not come back in step, so no two pauses in a row are as long as each other to the nanosecond.
func (w *world) checkJitter(before State) {
	i, was := w.s.timer(TimerRetry), before.timer(TimerRetry)
	if i < 0 || w.s.Closed || was >= 0 && before.Timers[was].At == w.s.Timers[i].At {
		return
	}
	p, pause := &w.kept, w.s.Timers[i].At-w.now.Mono
	if p.same++; pause != p.pause {
		p.same = 0
	}
	if p.pause = pause; p.same == 3 {
		w.fail("four pauses in a row of %v: clients of a gateway that restarts would come back in step", pause)
	}
}

// checkReach holds the pace of tries on one path.
func (w *world) checkReach(f Effect) {
	p := &w.kept
	i := slices.IndexFunc(p.reaches, func(b begun) bool { return b.path == f.Path })
	if i < 0 {
		p.reaches = append(p.reaches, begun{f.Path, w.now.Mono})
		return
	}
	since, own := w.now.Mono-p.reaches[i].at, p.news < p.reaches[i].at
	switch {
	case own && since < breath:
		w.fail("%v is tried again after %v", f.Path, since)
	case own && w.now.Mono-p.news > long && since < rarely && !w.s.Closed && len(w.s.Looks) == 0: // the second try after an unexplained end has a pace of its own, and so has a network where a sign-in is expected
		w.fail("%v is tried again after %v although there has been no news for %v", f.Path, since, w.now.Mono-p.news)
	}
	p.reaches[i].at = w.now.Mono
}

// checkLogin: no login while the gateway keeps the session, and after a session that was lost no second one in a row that nobody asked for.
func (w *world) checkLogin(before State, ev Event, f Effect) {
	p := &w.kept
	if f.Server > before.Policy.Backups && ev.Kind != EvConnectRequested {
		w.fail("a login at server %d of %d", f.Server, before.Policy.Backups)
	}
	// What the gateway said of its patience may be over before the gateway counts: it need not have noticed the loss, or it has taken the token and its answer,
	// which says how patient it is now, lies unread by a process that stood still.
	over := w.s.Reason == ReasonLostTime && (w.now.Boot-before.Loss.At.Boot >= w.gw.said || before.has(FxCommit))
	if before.Session && w.gw.token && !before.Closed && !over {
		w.fail("a login although the gateway keeps the session (%v)", w.s.Reason)
	}
	switch {
	case f.Server > 0:
	case ev.Kind == EvConnectRequested, before.Phase == Disconnecting:
		p.auto = 0
	case p.auto > 0 && w.now.Boot-p.auto < reloginGap:
		w.fail("two logins that nobody asked for within %v", w.now.Boot-p.auto)
	default:
		p.auto = w.now.Boot
	}
}

// checkService: where the gateway keeps the session and can be reached, packets flow before patience is over. It is called whenever something has changed.
func (w *world) checkService() {
	p := &w.kept
	if !w.serviceable() || w.s.Phase == Connected && w.flows(w.tunnels[w.s.Tunnel]) {
		p.good = 0
		return
	}
	if p.good == 0 {
		p.good = w.now.Mono
	}
	if w.now.Mono-p.good > patience {
		w.fail("the gateway keeps the session and can be reached for %v, and no packets flow: %v", w.now.Mono-p.good, w.s.Phase)
	}
}

// serviceable reports whether there is a session that the gateway keeps, and everything for it to be up.
func (w *world) serviceable() bool {
	ready := w.gw.up && w.gw.token && !w.gw.busy && !w.gw.hung && w.gw.late == 0 && w.latency <= 300*time.Millisecond && !w.hang && !w.noApply && w.toil < time.Second
	wanted := w.s.Session && w.s.Want == WantUp && w.s.Policy.AutoReconnect && !w.s.Frozen
	if w.blind { // the machine tries as the system routes, which is by the first link
		l := w.over(Path{})
		return ready && wanted && l != nil && !w.dark(l) && !l.portal
	}
	return ready && wanted && slices.ContainsFunc(w.links, func(l *link) bool { return l.up && !w.dark(l) && !l.portal })
}
