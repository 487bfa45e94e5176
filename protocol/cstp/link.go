package cstp

import (
	"sync/atomic"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol/dtlstun"
	"github.com/holdfast-vpn/holdfast/protocol/keepalive"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

const (
	// doubtAsks is how many DPD requests by UDP must stay unanswered, one after the other, before an answer by TLS counts against it: single datagrams get lost.
	doubtAsks = 3
	doubtPace = 100 * time.Millisecond
	// mutePace is the pace of asking while neither way answers: what is broken is the network, and the agent looks for another.
	mutePace = time.Second
	// longPace is how often full size is tried while long packets travel, checkPace where other data goes.
	longPace  = time.Second
	checkPace = 30 * time.Second
	// floor is the longest packet that is sent by DTLS while nobody knows what fits: about what every path carries (RFC 791), in a record.
	floor = 500
)

// link is one DTLS channel and what was seen on it.
type link struct {
	ch     *dtlstun.Channel
	act    *activity
	tls    *activity    // of the TLS connection beside it
	size   atomic.Int64 // the longest packet that is sent by it: so much was answered
	echo   atomic.Int64 // one more than the longest DPD answer since this was 0
	mark   atomic.Int64 // the length of the short DPD requests of the ladder that is under way
	small  atomic.Int64 // how many answers of that length came since this was 0
	failed chan error   // the first failure of reader or writer
}

// heard is told of every authentic frame.
func (l *link) heard(t dtlstun.Type, payload []byte) {
	if t == dtlstun.TypeDPDResp {
		if n := int64(len(payload)) + 1; n > l.echo.Load() {
			l.echo.Store(n) // a reset that comes in between costs one more request
		}
		if int64(len(payload)) == l.mark.Load() {
			l.small.Add(1)
		}
	}
	l.act.noteHeard(t == dtlstun.TypeDPDResp, t == dtlstun.TypeData)
	// What was asked by TLS a moment ago may be answered here.
	if l.tls.asked.Load() != 0 {
		l.tls.asked.Store(0)
	}
}

func (l *link) fail(err error) {
	select {
	case l.failed <- err:
	default:
	}
}

// write sends a frame that is no data.
func (l *link) write(t dtlstun.Type, payload []byte) error {
	if err := l.ch.WriteControl(t, payload); err != nil {
		return err
	}
	l.act.noteSent(false)
	return nil
}

// carries reports whether every packet of b has a size that passes: while the device still has a larger MTU some may not.
func (l *link) carries(b *packet.Batch) bool {
	most := int(l.size.Load())
	for _, n := range b.Sizes[:b.Len()] {
		if n > most {
			return false
		}
	}
	return true
}

// send sends a batch. After an error the link is of no use, and its watcher knows.
func (l *link) send(b *packet.Batch) error {
	l.act.noteLong(b)
	l.act.noteSent(true)
	err := l.ch.WriteBatch(b)
	if err != nil {
		l.fail(err)
	}
	return err
}

// watcher is what the watch over a live link remembers.
type watcher struct {
	d     *datagrams
	l     *link
	state keepalive.State
	asked time.Duration // when our last DPD went, until its answer came; 0 none is out
	turns uint64        // of the night
	rekey time.Duration // 0 never
	trust time.Duration // when DTLS has held; 0 it is known to have

	// A doubt: data went and nothing came back.
	since  time.Duration // 0 none
	asks   int           // DPD requests since
	next   time.Duration
	frames uint64 // what had come by TLS when it was asked

	narrow ladder        // whether full size still passes: with every doubt, and now and then where data goes
	hunt   search        // for what does, when it does not
	check  time.Duration // when that was last asked
	grow   ladder        // whether the size that was negotiated does
	growAt time.Duration // when to ask that; 0 never
	proven time.Duration // since when it does; 0 it does not
}

// watch stays with a live link until it is of no use any more, and says why.
func (d *datagrams) watch(l *link) error {
	act := l.act
	w := &watcher{d: d, l: l, state: keepalive.New(d.offer.dpd, d.offer.keepalive, d.rtt, act.now())}
	if d.offer.rekey > 0 {
		w.rekey = act.now() + d.offer.rekey - min(d.offer.rekey/10, time.Minute)
	}
	w.check, w.trust = act.now(), act.now()+max(0, holdTime-time.Since(d.since))
	if int(l.size.Load()) < d.aim(l) {
		w.growAt = act.now() + time.Second
	}
	timer := d.patience.NewTimer()
	defer timer.Stop()
	for due := time.Duration(0); ; {
		asking, flowing, hearing, turned := act.asking.next(), act.flowing.next(), w.hearing(), d.night.turned.next()
		now := act.now()
		if turns := d.night.turns.Load(); turns != w.turns || due > 0 && now > due+late {
			w.state, w.since, w.turns = w.state.Resumed(now), 0, turns
		}
		seen := act.seen()
		if seen.Asked != 0 {
			asking = nil
		}
		var err error
		if due = 0; d.night.asleep.Load() {
			asking, flowing, hearing = nil, nil, nil
		} else if due, err = w.poll(now, seen); err != nil {
			return err
		} else if hearing == nil && w.waiting() {
			continue // what was just asked may be answered already
		}
		timer.Stop()
		if due > 0 {
			timer.Reset(due - now)
		}
		select {
		case <-d.ctx.Done():
			return d.ctx.Err()
		case err := <-l.failed:
			return err
		case <-asking:
		case <-flowing:
		case <-hearing:
		case <-turned:
		case <-timer.C():
		}
	}
}

// hearing is the signal of the next frame, nil when it would change nothing.
func (w *watcher) hearing() <-chan struct{} {
	if !w.waiting() {
		return nil
	}
	return w.l.act.hearing.next()
}

func (w *watcher) waiting() bool {
	return w.asked > 0 || w.since > 0 || w.narrow.under() || w.hunt.under() || w.grow.under() || w.state.Waiting()
}

// poll does what is due at now and returns the next deadline, 0 for none, or why the link ends.
func (w *watcher) poll(now time.Duration, seen keepalive.Seen) (due time.Duration, err error) {
	if w.rekey > 0 && now >= w.rekey {
		return 0, errRekey
	}
	if at := time.Duration(w.l.act.answer.Load()); w.asked > 0 && at >= w.asked {
		w.state, w.asked = w.state.Measured(at-w.asked), 0
	}
	if w.trust > 0 && now >= w.trust {
		w.trust = 0
		w.d.place.held()
	}
	var do keepalive.Action
	w.state, do, due = w.state.Poll(now, seen)
	if do&keepalive.Dead != 0 {
		return 0, errUDPDead
	}
	if do&keepalive.SendDPD != 0 {
		w.ask(now)
	}
	if do&keepalive.SendKeepalive != 0 {
		_ = w.l.write(dtlstun.TypeKeepalive, nil) // a failure shows in the reader, too
	}
	if do&keepalive.Silence != 0 && w.since == 0 {
		w.since, w.asks, w.next, w.frames = now, 1, now+w.pace(), w.d.tls.act.count.Load()
		_ = w.d.tls.WriteControl(TypeDPDReq, nil)
		w.full(now)
	}
	if err := w.judge(now, seen); err != nil {
		return 0, err
	}
	if err := w.measure(now); err != nil {
		return 0, err
	}
	for _, at := range []time.Duration{w.next, w.rekey, w.trust, w.narrow.due(), w.hunt.due(), w.grow.due(), w.nextGrow(), w.nextCheck()} {
		if at > 0 && (due == 0 || at < due) {
			due = at
		}
	}
	return due, nil
}

// nextCheck is when full size is tried next, 0 not before data moves, which wakes us.
func (w *watcher) nextCheck() time.Duration {
	switch {
	case w.narrow.under() || w.hunt.under() || w.grow.under():
		return 0
	case time.Duration(w.l.act.long.Load()) > w.check:
		return w.check + longPace
	case w.l.act.moved.Load():
		return w.check + checkPace
	}
	return 0
}

// nextGrow is when longer packets are tried next, 0 not before something else is over.
func (w *watcher) nextGrow() time.Duration {
	if w.narrow.under() || w.hunt.under() {
		return 0
	}
	return w.growAt
}

// measure looks at the sizes: full size that does not pass while shorter packets do means that the path has shrunk; the negotiated size that passes, and passes again
// ten minutes later, is taken.
func (w *watcher) measure(now time.Duration) error {
	if at := w.nextCheck(); at > 0 && now >= at || w.l.ch.TooBig() {
		w.full(now)
	}
	if done, best := w.narrow.poll(w.l, now, ladderPace); done && best == 0 {
		w.d.log.Info("cstp: packets of full size do not come through by UDP any more", "size", w.l.size.Load())
		w.l.size.Store(floor)
		w.hunt.start(w.l, now, least(w.d.set.Load()), w.d.set.Load().MTU)
	}
	switch done, best := w.hunt.poll(w.l, now, ladderPace); {
	case done && best < 0: // nothing at all is heard: that is not for us to judge
		w.hunt.start(w.l, now, least(w.d.set.Load()), w.d.set.Load().MTU)
	case done:
		if err := w.d.settle(w.l, best, w.d.set.Load().MTU); err != nil {
			return err
		}
		w.check, w.growAt, w.proven = now, now+growWait, 0
	}
	w.regrow(now)
	return nil
}

// full begins to ask whether full size passes, unless that is being asked.
func (w *watcher) full(now time.Duration) {
	if w.narrow.under() || w.hunt.under() {
		return
	}
	w.grow = ladder{} // they would share the answers
	w.narrow.begin(w.l, now, int(w.l.size.Load()))
	w.check = now
	w.l.act.moved.Store(false)
}

// regrow asks every ten minutes whether longer packets pass than are sent.
func (w *watcher) regrow(now time.Duration) {
	if at := w.nextGrow(); at > 0 && now >= at {
		w.growAt = now + growWait
		w.grow.begin(w.l, now, w.d.aim(w.l))
	}
	done, best := w.grow.poll(w.l, now, ladderPace)
	switch {
	case done && best <= 0:
		w.proven = 0
	case done && w.proven == 0:
		w.proven = now
	case done && now >= w.proven+growWait:
		w.growAt, w.proven = 0, 0
		w.d.widen(w.l)
	}
}

// judge settles a doubt: heard after all; silent while TLS answers, which is a verdict on UDP; or all is silent, which is for others to act on.
func (w *watcher) judge(now time.Duration, seen keepalive.Seen) error {
	switch {
	case w.since == 0:
	case seen.Heard > w.since:
		w.since, w.next = 0, 0
		w.mute(false)
	case now < w.next:
	case w.asks < doubtAsks:
		if w.d.tls.act.count.Load() == w.frames {
			w.mute(true) // both were asked a while ago, and neither has answered
		}
		w.ask(now)
		w.asks, w.next = w.asks+1, now+w.pace()
	case w.d.tls.act.count.Load() != w.frames:
		return errSilent
	default:
		w.mute(true)
		w.ask(now)
		_ = w.d.tls.WriteControl(TypeDPDReq, nil)
		w.next = now + mutePace
	}
	return nil
}

func (w *watcher) ask(now time.Duration) {
	if w.asked == 0 {
		w.asked = now
	}
	_ = w.l.write(dtlstun.TypeDPDReq, nil)
}

// pace is the pause between two questions: an answer to the first has had its time.
func (w *watcher) pace() time.Duration { return w.d.pace() }

func (d *datagrams) pace() time.Duration { return max(doubtPace, 2*d.rtt) }

func (w *watcher) mute(on bool) {
	if w.d.mute.Swap(on) != on {
		w.d.tell()
	}
}
