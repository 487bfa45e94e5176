package machine

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// The simulator's world: a gateway, links to it, a user, a host that takes its time, and a shell that carries out effects as package agent does. Everything
// happens from one heap in virtual time, so a run is a function of its seed and its script.

// link is one uplink of the client.
type link struct {
	path   Path
	up     bool          // the interface is there
	dark   bool          // nothing gets through, and the interface does not show it
	portal bool          // a sign-in page answers in place of the gateway
	lag    time.Duration // one way, on top of the world's
}

// is reports whether a script means this link: "eth0" is all of an interface, "eth0/6" its way by IPv6 alone.
func (l *link) is(name string) bool {
	return l.path.Name == name || l.path.Local.Is6() && l.path.Name+"/6" == name
}

// tunnel is one CSTP tunnel as both ends see it.
type tunnel struct {
	id       ID
	link     *link
	open     bool          // our end
	alive    bool          // the gateway's end
	told     bool          // the machine has heard of it
	coming   bool          // the gateway's answer is still on its way to us
	stranded bool          // a NAT between forgot it
	silent   bool          // Silence has been reported
	dead     bool          // PeerDead has been reported
	mute     time.Duration // since when nothing passed, 0 if it does
	deaf     time.Duration // until when TCP waits before it sends again what was lost
	broken   bool          // CarrierDown has been reported
	dtls     bool          // its packets travel by UDP
}

// gateway is what the other side knows.
type gateway struct {
	up      bool
	busy    bool // answers 503
	first   bool // the first of its servers takes no logins, its backups do
	no6     bool // its IPv6 address leads nowhere
	hung    bool // takes tokens and never answers
	stale   bool // its certificate is out of date
	udp     bool // offers DTLS
	noUDP   bool
	late    time.Duration // how long it thinks before every answer
	token   bool          // knows the session
	current ID            // the session's tunnel
	lostAt  time.Duration
	keep    time.Duration // how long it keeps a session without a tunnel, and what it said of that when the session's last tunnel was made
	said    time.Duration
	ends    time.Duration // Boot, when the session's time is over; 0 for never
	plan    NetPlan
}

// user answers prompts.
type user struct {
	mood  string // answers, refuses, away, push (answers, and confirms on a phone later)
	delay time.Duration
}

type item struct {
	at  time.Duration
	seq int
	do  func()
}

type schedule []item

// before orders by time, then by what was scheduled first.
func (q schedule) before(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}

// push adds an item to the heap.
func (q *schedule) push(it item) {
	h := append(*q, it)
	for i := len(h) - 1; i > 0 && h.before(i, (i-1)/2); i = (i - 1) / 2 {
		h[i], h[(i-1)/2] = h[(i-1)/2], h[i]
	}
	*q = h
}

// pop removes the first item.
func (q *schedule) pop() item {
	h := *q
	first, last := h[0], len(h)-1
	h[0], h[last] = h[last], item{}
	h = h[:last]
	for i := 0; ; {
		least := i
		for _, child := range []int{2*i + 1, 2*i + 2} {
			if child < last && h.before(child, least) {
				least = child
			}
		}
		if least == i {
			break
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
	*q = h
	return first
}

// stepper is Step, or one with a planted bug.
type stepper func(State, Event, Instant) (State, []Effect)

// world is a simulation in progress.
type world struct {
	step    stepper
	rng     *rand.Rand
	now     Instant
	q       schedule
	seq     int
	s       State
	gw      gateway
	user    user
	links   []*link
	latency time.Duration
	banner  bool          // a login asks something
	blind   bool          // the monitor sees no network
	frozen  time.Duration // by how much a script's times are behind: the process stood still
	toil    time.Duration // how long a host change takes
	hang    bool          // host changes never end
	noApply bool          // host changes fail
	sticks  bool          // host changes cannot be undone
	lasts   time.Duration // the session's own limit
	races   bool          // what is cancelled may answer all the same

	out       map[ID]EffectKind // effects the shell is busy with
	reaches   map[ID]*link      // connections kept for a commit
	tunnels   map[ID]*tunnel
	prompts   map[ID]bool
	pump      ID
	applied   bool          // something of ours is on the host
	disturbed time.Duration // when something last happened that a carrier may not survive
	logins    int
	prompt    ID
	asked     int
	life      int   // how often the agent was started
	heir      State // of the last Connected: what the agent would leave; Session is false without one

	kept  promises
	trace bool // keep the log
	steps int
	log   []string
	errs  []string
}

// worldBegins is the time at which every simulation begins.
var worldBegins = Instant{Mono: time.Minute, Boot: time.Hour}

// newWorld has two links, the first of them up.
func newWorld(seed uint64, step stepper, trace bool) *world {
	w := &world{
		step: step, trace: trace, rng: rand.New(rand.NewPCG(seed, 1)), s: New(seed), latency: 10 * time.Millisecond, toil: 30 * time.Millisecond,
		now:  worldBegins,
		gw:   gateway{up: true, keep: 10 * time.Minute, plan: NetPlan{Addr4: netip.MustParsePrefix("10.9.0.2/24"), MTU: 1400}},
		user: user{mood: "answers", delay: 2 * time.Second},
		links: []*link{
			{path: Path{IfIndex: 2, Name: "eth0", Local: netip.MustParseAddr("192.0.2.10"), NextHop: netip.MustParseAddr("192.0.2.1")}, up: true},
			{path: Path{IfIndex: 3, Name: "wlan0", Local: netip.MustParseAddr("198.51.100.7"), NextHop: netip.MustParseAddr("198.51.100.1")}},
		},
		out: map[ID]EffectKind{}, reaches: map[ID]*link{}, tunnels: map[ID]*tunnel{}, prompts: map[ID]bool{},
		kept: promises{told: map[ID]bool{}, notices: map[fault.Code]time.Duration{}},
	}
	w.feed(Event{Kind: EvNetworkChanged, Paths: w.paths()})
	return w
}

// after schedules something.
func (w *world) after(d time.Duration, do func()) {
	w.seq++
	w.q.push(item{w.now.Mono + max(d, 0), w.seq, do})
}

// trip is one round trip, with a little jitter.
func (w *world) trip() time.Duration {
	return 2*w.latency + time.Duration(w.rng.Int64N(int64(w.latency/4)+1))
}

// paths lists the links that are up.
func (w *world) paths() []Path {
	var all []Path
	w.blind = false // whoever asks for them tells the machine
	for _, l := range w.links {
		if l.up {
			all = append(all, l.path)
		}
	}
	return all
}

// dark reports whether nothing gets through a link to the gateway.
func (w *world) dark(l *link) bool { return l.dark || w.gw.no6 && l.path.Local.Is6() }

// over is the link that a path stands for, nil if it is not there any more.
func (w *world) over(p Path) *link {
	for _, l := range w.links {
		if l.up && (p == Path{} || p == l.path) {
			return l
		}
	}
	return nil
}

// run goes on until a time, ticking the machine when it wants it.
func (w *world) run(until time.Duration) {
	for len(w.errs) == 0 {
		next := until
		if d, ok := w.s.Wait(w.now); ok {
			next = min(next, w.now.Mono+d)
		}
		if len(w.q) > 0 && w.q[0].at <= next {
			it := w.q.pop()
			w.advance(it.at - w.now.Mono)
			it.do()
			continue
		}
		w.advance(next - w.now.Mono)
		if next == until {
			return
		}
		w.feed(Event{Kind: EvTick})
	}
}

// advance lets both clocks run.
func (w *world) advance(d time.Duration) {
	d = max(d, 0)
	w.now.Mono += d
	w.now.Boot += d
	w.forget()
}

// forget ends sessions that have had no tunnel for too long.
func (w *world) forget() {
	lost := w.gw.current == 0 && w.now.Boot-w.gw.lostAt > w.gw.said
	if over := w.gw.ends > 0 && w.now.Boot >= w.gw.ends; w.gw.token && (lost || over) {
		w.gw.token = false
	}
}

// feed gives the machine an event, checks what comes back and carries it out.
func (w *world) feed(ev Event) {
	before := w.s
	next, fx := w.step(w.s, ev, w.now)
	w.s = next
	w.steps++
	if w.trace && (next.Phase != before.Phase || next.Reason != ReasonNone || len(fx) > 0) {
		w.log = append(w.log, fmt.Sprintf("%9.3f  %s", (w.now.Mono-time.Minute).Seconds(), Explain(before.Phase, ev, next, fx)))
	}
	w.check(before, ev, fx)
	for _, f := range fx {
		w.carryOut(f)
	}
	w.checkWorld()
}

// answer delivers the answer of an effect, unless it was cancelled. A cancelled one sometimes answers all the same: it was on its way.
func (w *world) answer(d time.Duration, id ID, late bool, ev func() Event) {
	life := w.life
	w.after(d, func() {
		_, live := w.out[id]
		if life != w.life || !live && !(late && w.races && w.rng.IntN(3) == 0) {
			return
		}
		e := ev()
		delete(w.out, id)
		w.feed(e)
	})
}

// carryOut does what the shell does.
func (w *world) carryOut(fx Effect) {
	id := fx.Attempt
	switch fx.Kind {
	case FxStartAttempt:
		w.out[id] = fx.Kind
		w.logins++
		w.login(fx)
	case FxStartReach:
		w.out[id] = fx.Kind
		w.reach(fx)
	case FxCommit:
		w.out[id] = fx.Kind
		w.commit(fx)
	case FxProbe:
		w.out[id] = fx.Kind
		w.probe(fx)
	case FxLook:
		w.out[id] = fx.Kind
		w.lookFor(fx)
	case FxCancelAttempt:
		delete(w.out, id)
		delete(w.reaches, id)
	case FxAskUser:
		w.asked++
		w.ask(fx)
	case FxWithdrawPrompt:
		delete(w.prompts, fx.Prompt)
	case FxApplyNetwork:
		w.out[id], w.applied = fx.Kind, true
		if !w.hang {
			ev := Event{Kind: EvNetworkApplied, Attempt: id}
			if w.noApply {
				ev = Event{Kind: EvApplyFailed, Attempt: id, Fault: faultOf(fault.HostRoute)}
			}
			w.answer(w.toil, id, true, func() Event { return ev })
		}
	case FxRevertNetwork:
		w.out[id], w.applied = fx.Kind, false
		if !w.hang {
			ev := Event{Kind: EvReverted, Attempt: id}
			if w.sticks {
				ev = Event{Kind: EvApplyFailed, Attempt: id, Fault: faultOf(fault.HostUndo)}
			}
			w.answer(w.toil*2/3, id, true, func() Event { return ev })
		}
	case FxStartPump:
		w.pump, w.heir = fx.Tunnel, w.s
		if t := w.tunnels[fx.Tunnel]; t == nil || !t.open {
			w.fail("the pump was started on tunnel %d, which is not open", fx.Tunnel)
		}
		w.sense() // its way may have gone bad while it was made
	case FxStopPump:
		w.pump = 0
	case FxCloseTunnel:
		w.close(fx)
	case FxDropSession:
		w.heir = State{}
	case FxRaiseNotice, FxPublish:
	default:
		w.fail("unknown effect %v", fx.Kind)
	}
}

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

// sense is the tunnel's own control: silence is noticed soon, death after some time, an answer at once. The world calls it when something changed.
func (w *world) sense() {
	for _, id := range w.tunnelIDs() {
		t := w.tunnels[id]
		if !t.open || t.broken {
			continue
		}
		if w.connected(t) {
			if t.silent {
				// TCP doubles its waiting time: on the average it tries again after half as long as it has been quiet.
				wait := min((w.now.Mono-t.mute)/2, time.Minute)
				t.silent, t.dead, t.deaf = false, false, w.now.Mono+wait
				w.after(wait+w.trip(), func() {
					if w.flows(t) {
						w.feed(Event{Kind: EvHeard, Tunnel: t.id})
					}
				})
			}
			continue
		}
		if t.silent {
			continue
		}
		t.silent, t.mute = true, w.now.Mono
		w.after(120*time.Millisecond, func() {
			if t.open && !w.flows(t) && !t.broken {
				w.feed(Event{Kind: EvSilence, Tunnel: t.id})
			}
		})
		w.after(40*time.Second, func() {
			if t.open && t.silent && !w.flows(t) && !t.broken && !t.dead {
				t.dead = true
				w.feed(Event{Kind: EvPeerDead, Tunnel: t.id})
			}
		})
	}
}

// tunnelIDs lists the tunnels in order: a map would make runs differ.
func (w *world) tunnelIDs() []ID {
	var ids []ID
	for id := range w.tunnels {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// fail notes what is wrong. The run ends.
func (w *world) fail(format string, args ...any) {
	w.errs = append(w.errs, fmt.Sprintf(format, args...))
}
