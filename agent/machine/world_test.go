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
