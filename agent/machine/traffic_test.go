package machine

import (
	"slices"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// This file holds what comes of the machine's effects beyond the host: logins, reaches, commits, probes and the tunnels that they make.

// login runs a login: an answer from the gateway, a prompt if it has one, a tunnel.
func (w *world) login(fx Effect) {
	id := fx.Attempt
	failed := func(c fault.Code) func() Event {
		return func() Event { return Event{Kind: EvAttemptFailed, Attempt: id, Fault: faultOf(c)} }
	}
	l := w.over(Path{})
	switch {
	case l == nil:
		w.answer(0, id, true, failed(fault.NetNoRoute))
		return
	case w.dark(l):
		return
	case l.portal:
		w.answer(w.trip(), id, true, failed(fault.TLSUntrusted))
		return
	case w.gw.stale:
		w.answer(w.trip(), id, true, failed(fault.TLSExpired))
		return
	case !w.gw.up, w.gw.first && fx.Server == 0:
		w.answer(w.trip(), id, true, failed(fault.NetRefused))
		return
	}
	done := func() {
		w.answer(2*w.trip()+w.gw.late, id, true, func() Event { return w.opened(EvTunnelOpened, id, l) })
	}
	w.after(2*w.trip()+w.gw.late, func() {
		if _, live := w.out[id]; !live {
			return
		}
		w.feed(Event{Kind: EvAnswered, Attempt: id})
		if !w.banner {
			done()
			return
		}
		w.prompt++
		w.prompts[w.prompt] = true
		w.feed(Event{Kind: EvPromptNeeded, Attempt: id, Prompt: w.prompt})
	})
}

// ask has the user look at a prompt.
func (w *world) ask(fx Effect) {
	id, prompt, mood := fx.Attempt, fx.Prompt, w.user.mood
	if mood == "away" {
		return
	}
	w.after(w.user.delay, func() {
		if !w.prompts[prompt] {
			return
		}
		delete(w.prompts, prompt)
		w.kept.told[prompt] = true
		if mood == "refuses" {
			w.feed(Event{Kind: EvPromptCancelled, Attempt: id, Prompt: prompt})
			w.answer(time.Millisecond, id, true, func() Event { return Event{Kind: EvAttemptFailed, Attempt: id, Fault: faultOf(fault.PolBanner)} })
			return
		}
		w.feed(Event{Kind: EvPromptAnswered, Attempt: id, Prompt: prompt})
		phone := time.Duration(0)
		if mood == "push" {
			phone = 90 * time.Second
			w.told(0, Event{Kind: EvWaitBegan, Attempt: id})
			w.told(phone, Event{Kind: EvWaitEnded, Attempt: id})
		}
		w.answer(phone+w.trip()+w.gw.late, id, true, func() Event {
			l := w.over(Path{})
			if l == nil || w.dark(l) || !w.gw.up {
				return Event{Kind: EvAttemptFailed, Attempt: id, Fault: faultOf(fault.NetLost)}
			}
			return w.opened(EvTunnelOpened, id, l)
		})
	})
}

// told delivers what a login says before its answer, unless it was cancelled.
func (w *world) told(d time.Duration, ev Event) {
	w.after(d, func() {
		if _, live := w.out[ev.Attempt]; live {
			w.feed(ev)
		}
	})
}

// opened is a tunnel that has come about. The gateway lets go of the session's older one.
func (w *world) opened(kind EventKind, id ID, l *link) Event {
	t := &tunnel{id: id, link: l, open: true, alive: true}
	w.tunnels[id] = t
	if old := w.tunnels[w.gw.current]; old != nil && kind == EvRebound {
		w.hangUp(old, 0)
	}
	if w.gw.said = w.gw.keep; kind == EvTunnelOpened {
		w.gw.ends = 0
	}
	if end := w.now.Boot + w.lasts; w.lasts > 0 && (w.gw.ends == 0 || end < w.gw.ends) {
		w.gw.ends = end
	}
	w.gw.current, w.gw.token = id, true
	w.datagrams(t)
	return Event{Kind: kind, Attempt: id, Tunnel: id, Plan: w.gw.plan, Limits: Limits{Session: w.lasts, Disconnected: w.gw.keep}, Path: l.path}
}

// hangUp is the gateway ending a tunnel with a DISCONNECT.
func (w *world) hangUp(t *tunnel, reason byte) {
	if !t.alive {
		return
	}
	t.alive = false
	w.after(w.latency+t.link.lag, func() {
		if t.open && !t.stranded && !w.dark(t.link) && t.link.up {
			t.broken = true
			w.feed(Event{Kind: EvServerClosed, Tunnel: t.id, Reason: reason})
		}
	})
}

// reach makes a connection up to the point before the token. What is lost on the way is sent again after one second and after three.
func (w *world) reach(fx Effect) {
	id, rtt := fx.Attempt, w.trip()
	if l := w.over(fx.Path); l != nil {
		rtt += 2 * l.lag
	}
	failed := func(d time.Duration, c fault.Code) {
		w.answer(d, id, false, func() Event { return Event{Kind: EvReachFailed, Attempt: id, Path: fx.Path, Fault: faultOf(c)} })
	}
	var send func(again ...time.Duration)
	send = func(again ...time.Duration) {
		l := w.over(fx.Path)
		switch {
		case l == nil:
			failed(0, fault.NetNoRoute)
		case w.dark(l):
			if len(again) > 0 {
				w.after(again[0], func() { send(again[1:]...) })
			}
		case l.portal:
			failed(2*rtt, fault.TLSUntrusted)
		case !w.gw.up:
			failed(rtt, fault.NetRefused)
		default:
			w.answer(3*rtt+w.gw.late, id, true, func() Event {
				if _, live := w.out[id]; live {
					w.reaches[id] = l
				}
				return Event{Kind: EvReached, Attempt: id, Path: fx.Path, RTT: rtt}
			})
		}
	}
	send(time.Second, 2*time.Second)
}

// lookFor is a look for a sign-in page: a portal shows it, a gateway refuses plain HTTP.
func (w *world) lookFor(fx Effect) {
	l := w.over(fx.Path)
	if l == nil || l.dark {
		return
	}
	ev := Event{Kind: EvLooked, Attempt: fx.Attempt, Path: fx.Path}
	if l.portal {
		ev.Fault = faultOf(fault.NetPortal)
	}
	w.answer(2*w.trip(), fx.Attempt, true, func() Event { return ev })
}

// commit presents the token.
func (w *world) commit(fx Effect) {
	id, l := fx.Attempt, w.reaches[fx.Reach]
	delete(w.reaches, fx.Reach)
	if t := w.tunnels[w.s.Tunnel]; t != nil && w.flows(t) && !w.s.Planned && !w.liked(l, t.link) && !w.blind && (w.s.RTT > 0 || t.link.lag == 0) && w.now.Mono-max(w.disturbed, t.deaf) > 10*time.Second {
		w.fail("a carrier that is alive is given up for reach %d", fx.Reach)
	}
	if l == nil {
		w.fail("commit on reach %d, which was not kept", fx.Reach)
		return
	}
	if !l.up || w.dark(l) {
		return
	}
	way := w.latency + l.lag
	w.after(way+w.gw.late, func() {
		failed := func(c fault.Code) {
			w.answer(way, id, true, func() Event { return Event{Kind: EvRebindFailed, Attempt: id, Fault: faultOf(c)} })
		}
		switch {
		case !l.up || w.dark(l), w.gw.hung:
		case !w.gw.up:
			failed(fault.NetLost)
		case w.gw.busy:
			failed(fault.GwUnavailable)
		case !w.gw.token:
			failed(fault.GwSession)
		default:
			ev := w.opened(EvRebound, id, l)
			t := w.tunnels[id]
			t.coming = true
			w.answer(way, id, true, func() Event {
				t.coming, t.told = false, true
				return ev
			})
			w.after(way+time.Millisecond, func() {
				t.coming = false
				w.abandon(id)
			})
		}
	})
}

// liked reports whether the system likes a link better than another.
func (w *world) liked(a, b *link) bool {
	return a != nil && slices.Index(w.links, a) < slices.Index(w.links, b)
}

// abandon closes a tunnel that the shell never told the machine of, because its attempt was cancelled before.
func (w *world) abandon(id ID) {
	t := w.tunnels[id]
	_, busy := w.out[id]
	known := w.s.Tunnel == id || slices.ContainsFunc(w.s.Jobs, func(j Job) bool { return j.Kind == FxCloseTunnel && j.Tunnel == id })
	if t != nil && t.open && !t.told && !busy && !known {
		w.shut(t)
	}
}

// probe is a DPD on a tunnel.
func (w *world) probe(fx Effect) {
	id, t := fx.Attempt, w.tunnels[fx.Tunnel]
	if t == nil {
		w.fail("a probe on tunnel %d, which never was", fx.Tunnel)
		return
	}
	if !t.link.up {
		w.answer(time.Millisecond, id, true, func() Event {
			return Event{Kind: EvProbeFailed, Attempt: id, Tunnel: t.id, Fault: faultOf(fault.NetLost)}
		})
		return
	}
	w.after(w.trip()+2*t.link.lag, func() {
		if w.flows(t) {
			w.answer(0, id, true, func() Event {
				return Event{Kind: EvProbed, Attempt: id, Tunnel: t.id, RTT: 2 * (w.latency + t.link.lag)}
			})
		}
	})
}

// flows reports whether packets pass a tunnel.
func (w *world) flows(t *tunnel) bool {
	return w.connected(t) && w.now.Mono >= t.deaf
}

// connected reports whether the network would carry them.
func (w *world) connected(t *tunnel) bool {
	return t.open && t.alive && !t.stranded && !t.broken && t.link.up && !w.dark(t.link) && w.gw.up
}

// close ends our end of a tunnel, and the session when told so.
func (w *world) close(fx Effect) {
	t := w.tunnels[fx.Tunnel]
	if t == nil || !t.open {
		w.fail("tunnel %d was closed and is not open", fx.Tunnel)
		return
	}
	if fx.Close == CloseUser && w.flows(t) && w.gw.current == t.id {
		w.gw.token = false
	}
	w.shut(t)
	if !w.hang {
		w.after(w.latency, func() { w.feed(Event{Kind: EvTunnelClosed, Tunnel: t.id}) })
	}
}

// shut closes our end.
func (w *world) shut(t *tunnel) {
	t.open, t.alive = false, false
	if w.gw.current == t.id {
		w.gw.current, w.gw.lostAt = 0, w.now.Boot
	}
	if w.pump == t.id {
		w.pump = 0
	}
}
