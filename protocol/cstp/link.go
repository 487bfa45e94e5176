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
	// checkPace is how often full size is tried where data goes.
	checkPace = 30 * time.Second
)

// link is one DTLS channel and what was seen on it.
type link struct {
	ch     *dtlstun.Channel
	act    *activity
	tls    *activity    // of the TLS connection beside it
	size   atomic.Int64 // the longest packet that is sent by it: so much was answered
	echo   atomic.Int64 // one more than the longest DPD answer since this was 0
	failed chan error   // the first failure of reader or writer
}

// heard is told of every authentic frame.
func (l *link) heard(t dtlstun.Type, payload []byte) {
	if n := int64(len(payload)) + 1; t == dtlstun.TypeDPDResp && n > l.echo.Load() {
		l.echo.Store(n) // a reset that comes in between costs one more request
	}
	l.act.noteHeard(t == dtlstun.TypeDPDResp)
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
	rekey time.Duration // 0 never

	// A doubt: data went and nothing came back.
	since  time.Duration // 0 none
	asks   int           // DPD requests since
	next   time.Duration
	frames uint64 // what had come by TLS when it was asked

	narrow trial         // whether full size still passes: with every doubt, and now and then where data goes
	check  time.Duration // the next "then"
	grow   trial         // whether the size that was negotiated does
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
	w.check = act.now() + checkPace
	if int(l.size.Load()) < d.wish {
		w.growAt = act.now() + time.Second
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for due := time.Duration(0); ; {
		asking, hearing := act.asking.next(), w.hearing()
		now := act.now()
		if due > 0 && now > due+late {
			w.state, w.since = w.state.Resumed(now), 0
		}
		seen := keepalive.Seen{Heard: time.Duration(act.heard.Load()), Sent: time.Duration(act.sent.Load()), Asked: time.Duration(act.asked.Load())}
		if seen.Asked != 0 {
			asking = nil
		}
		var err error
		if due, err = w.poll(now, seen); err != nil {
			return err
		}
		if hearing == nil && w.waiting() {
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
		case <-hearing:
		case <-timer.C:
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
	return w.asked > 0 || w.since > 0 || w.narrow.size > 0 || w.grow.size > 0 || w.state.Waiting()
}

// poll does what is due at now and returns the next deadline, 0 for none, or why the link ends.
func (w *watcher) poll(now time.Duration, seen keepalive.Seen) (due time.Duration, err error) {
	if w.rekey > 0 && now >= w.rekey {
		return 0, errRekey
	}
	if at := time.Duration(w.l.act.answer.Load()); w.asked > 0 && at >= w.asked {
		w.state, w.asked = w.state.Measured(at-w.asked), 0
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
		w.narrow.begin(w.l, int(w.l.size.Load()), now)
	}
	if err := w.judge(now, seen); err != nil {
		return 0, err
	}
	if err := w.measure(now, seen); err != nil {
		return 0, err
	}
	check := w.check
	if !w.l.act.moved.Load() {
		check = 0 // the next data wakes us
	}
	for _, at := range []time.Duration{w.next, w.rekey, w.narrow.due(), w.grow.due(), w.growAt, check} {
		if at > 0 && (due == 0 || at < due) {
			due = at
		}
	}
	return due, nil
}

// measure looks at the sizes: full size that does not pass while shorter packets do means that the path has shrunk; the negotiated size that passes, and passes again
// ten minutes later, is taken.
func (w *watcher) measure(now time.Duration, seen keepalive.Seen) error {
	often := now >= w.check && w.l.act.moved.Load() // what comes back all the while may be answers to short packets
	if w.narrow.size == 0 && (w.l.ch.TooBig() || often) {
		w.narrow.begin(w.l, int(w.l.size.Load()), now)
	}
	if w.narrow.from == now {
		w.check = now + checkPace
		w.l.act.moved.Store(false)
	}
	if done, passed := w.narrow.poll(w.l, now, w.pace()); done && !passed && w.since == 0 && seen.Heard > w.narrow.from {
		return errShrunk
	}
	if w.growAt > 0 && now >= w.growAt && w.narrow.size == 0 {
		w.growAt = now + growWait
		w.grow.begin(w.l, w.d.wish, now)
	}
	done, passed := w.grow.poll(w.l, now, max(time.Second, w.pace()))
	switch {
	case done && !passed:
		w.proven = 0
	case done && w.proven == 0:
		w.proven = now
	case done && now >= w.proven+growWait:
		w.growAt, w.proven = 0, 0
		w.l.size.Store(int64(w.d.wish))
		w.d.fit(w.d.wish, "packets of this size have come through by UDP for ten minutes")
	}
	return nil
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
