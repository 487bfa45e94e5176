package cstp

import (
	"errors"
	"net"
	"strconv"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/keepalive"
)

const (
	// silentTime is how long TLS may be silent beside a DTLS that answers before there is a new tunnel; askTime is what its last question has had by then.
	silentTime = 30 * time.Second
	askTime    = 3 * time.Second
)

// longTime is how long ago a long packet may have been what a silence began with.
const longTime = 2 * time.Second

// late is how much after its time a timer means that the machine slept, or the process stood still.
const late = 2 * time.Second

// controller is what the control goroutine remembers.
type controller struct {
	t      *Tunnel
	state  keepalive.State
	rekey  time.Duration // when the gateway wants a new tunnel; 0 never, or told
	asked  time.Duration // when our last DPD went, until its answer came; 0 none is out
	open   time.Duration // when the first DPD went that nothing came after; 0 none is out
	turns  uint64        // of the night
	silent bool          // NoteSilence was told, NoteHeard was not
	alone  bool          // a new tunnel was asked for, as TLS is silent
	gone   error         // why TLS ended, where DTLS goes on without it

	shown *protocol.Transport // the one that was told
	set   *protocol.Settings  // those that were told
	mute  bool                // NoteSilence of both ways was told, NoteHeard was not
}

// control watches the tunnel: it asks for signs of life, and tells. It waits neither for whoever listens nor for the socket. shown is the transport that
// needs no telling.
func (t *Tunnel) control(shown *protocol.Transport, told *protocol.Settings) {
	defer close(t.notes)
	act, set := t.stream.act, t.settings
	c := &controller{t: t, state: keepalive.New(set.DPD, set.Keepalive, t.rtt, act.now()), shown: shown, set: told}
	if set.RekeyTime > 0 {
		// Ahead of time by a tenth, a minute at most: a gateway that sees no rekey in time hangs up, and some vary the time themselves.
		c.rekey = act.now() + set.RekeyTime - min(set.RekeyTime/10, time.Minute)
	}
	timer := t.udp.patience.NewTimer()
	defer timer.Stop()
	for due := time.Duration(0); ; {
		// Waiting begins before looking: what happens in between is not missed.
		asking, flowing, hearing, turned := act.asking.next(), act.flowing.next(), c.hearing(), t.udp.night.turned.next()
		now := act.now()
		if turns := t.udp.night.turns.Load(); turns != c.turns || due > 0 && now > due+late {
			c.state, c.turns = c.state.Resumed(now), turns
		}
		seen := act.seen()
		if seen.Asked != 0 {
			asking = nil // the timer looks at that one; more data says nothing new
		}
		if due = 0; t.udp.night.asleep.Load() {
			asking, flowing, hearing = nil, nil, nil
		} else if due = c.poll(now, seen); hearing == nil && c.waiting() {
			continue // what was just asked may be answered already
		}
		timer.Stop()
		if due > 0 {
			timer.Reset(due - now)
		}
		select {
		case <-t.done:
			return
		case err := <-t.ended:
			select {
			case <-t.done: // we ended it ourselves
				return
			default:
			}
			if c.outlived(err) {
				break
			}
			c.down(err)
			return
		case <-t.udp.news:
			c.tellCarrier()
			if c.gone != nil && !c.beside() {
				c.down(c.gone)
				return
			}
		case <-asking:
		case <-flowing:
		case <-hearing:
		case <-turned:
		case <-timer.C():
		}
	}
}

// down tells of the end and waits to be closed.
func (c *controller) down(err error) {
	c.t.log.Info("cstp: tunnel down", "err", err)
	c.t.udp.stop()
	c.t.notes <- note(err) // there is room: see tell
	<-c.t.done
}

// outlived reports whether DTLS goes on without TLS: this machine has given the connection up, for want of an answer, and the gateway may not know. A new tunnel is
// asked for; until then, or until DTLS ends as well, packets travel.
func (c *controller) outlived(err error) bool {
	var timeout net.Error
	if !c.beside() || !errors.As(err, &timeout) || !timeout.Timeout() {
		return false
	}
	c.gone = err
	if !c.alone && len(c.t.notes) < notesQueue-5 {
		c.alone = true
		c.t.notes <- protocol.Notification{Kind: protocol.NoteRenew, Text: "TLS has had no answer for too long, DTLS has"}
	}
	return true
}

// hearing is the signal of the next frame, nil when it would change nothing.
func (c *controller) hearing() <-chan struct{} {
	if !c.waiting() {
		return nil
	}
	return c.t.stream.act.hearing.next()
}

// waiting reports whether the next frame would change anything: it ends a silence, or measures a round trip.
func (c *controller) waiting() bool { return c.asked > 0 || c.state.Waiting() }

// poll does what is due at now and returns the next deadline, 0 for none.
func (c *controller) poll(now time.Duration, seen keepalive.Seen) time.Duration {
	if at := time.Duration(c.t.stream.act.answer.Load()); c.asked > 0 && at >= c.asked {
		c.state, c.asked = c.state.Measured(at-c.asked), 0
	}
	state, do, due := c.state.Poll(now, seen)
	if do&keepalive.Dead != 0 && (c.beside() || draining(c.t.sock, c.t.settings.DPD)) {
		state, do, due = c.state.Resumed(now).Poll(now, seen)
	}
	c.state = state
	if do&keepalive.SendDPD != 0 {
		c.asked = now
		if c.open == 0 {
			c.open = now
		}
		_ = c.t.stream.WriteControl(TypeDPDReq, nil) // a failure shows in the reader, too
	}
	if do&keepalive.SendKeepalive != 0 {
		_ = c.t.stream.WriteControl(TypeKeepalive, nil)
	}
	c.tell(do)
	if c.rekey > 0 && now >= c.rekey {
		c.rekey = 0
		c.t.notes <- protocol.Notification{Kind: protocol.NoteRekey}
	}
	for _, at := range []time.Duration{c.rekey, c.lonely(now, seen)} {
		if at > 0 && (due == 0 || at < due) {
			due = at
		}
	}
	return due
}

// beside reports whether packets travel by DTLS, whose own watch knows that it answers. Then a silence of TLS holds nothing up.
func (c *controller) beside() bool { return c.t.udp.live.Load() != nil }

// lonely asks for a new tunnel when TLS has been silent for long beside a DTLS that works. It returns when to look again, 0 for not before something happens.
func (c *controller) lonely(now time.Duration, seen keepalive.Seen) time.Duration {
	if c.open > 0 && seen.Heard > c.open {
		c.open, c.alone = 0, false
	}
	if c.open == 0 || c.alone || !c.beside() {
		return 0
	}
	at := max(seen.Heard+silentTime, c.open+askTime)
	switch {
	case now < at:
		return at
	case len(c.t.notes) < notesQueue-5:
		c.alone = true
		c.t.notes <- protocol.Notification{Kind: protocol.NoteRenew, Text: "TLS is silent beside DTLS"}
		return 0
	}
	return now + askTime
}

// tell notifies. The channel has room for everything that is said once (dead, rekey, the end) and for the end of a silence that was told; a silence for which there
// is no room beyond that is not told, and neither is its end.
func (c *controller) tell(do keepalive.Action) {
	if do&keepalive.Dead != 0 {
		c.t.notes <- protocol.Notification{Kind: protocol.NotePeerDead}
	}
	silent := c.state.Waiting() && !c.beside()
	if silent != c.silent {
		// A connection that carried long packets a moment ago and is silent now may be stuck behind one of them. The next one, which may be asked for at once, is kept short.
		long := time.Duration(c.t.stream.act.long.Load())
		c.t.udp.place.doubt(silent && long > 0 && c.t.stream.act.now()-long < longTime)
	}
	if silent && !c.silent && len(c.t.notes) < notesQueue-5 {
		c.silent = true
		c.t.notes <- protocol.Notification{Kind: protocol.NoteSilence}
	}
	if !silent && c.silent {
		c.silent = false
		c.t.notes <- protocol.Notification{Kind: protocol.NoteHeard}
	}
}

// tellCarrier notifies of what became of the datagrams. What there is no room for is not told; the status has it all the same.
func (c *controller) tellCarrier() {
	room := func() bool { return len(c.t.notes) < notesQueue-5 }
	udp := c.t.udp
	// New keys are on their way while packets go by TLS for a moment: that is told when it is over.
	if now := udp.shown.Load(); now != c.shown && now.Code != whyRekey.code && room() {
		kind := protocol.NoteCarrier
		text := now.Name
		if now.Reason != "" {
			text += ": " + now.Reason
		} else if now.Cipher != "" {
			text += ", " + now.Cipher
		}
		switch {
		case now.Same(*c.shown) && now.Name == "tls":
			kind = protocol.NoteRetry
		case now.Same(*c.shown):
			kind = protocol.NoteKeys
		}
		c.shown = now
		c.t.notes <- protocol.Notification{Kind: kind, Text: text}
	}
	if set := udp.set.Load(); set.MTU != c.set.MTU && room() {
		c.set = set
		c.t.notes <- protocol.Notification{Kind: protocol.NoteMTU, Text: strconv.Itoa(set.MTU) + ": " + *udp.why.Load()}
	}
	if mute := udp.mute.Load(); mute != c.mute && room() {
		c.mute = mute
		n := protocol.Notification{Kind: protocol.NoteHeard}
		if mute {
			n = protocol.Notification{Kind: protocol.NoteSilence, Asked: udp.pace()}
		}
		c.t.notes <- n
	}
	if room() {
		if why := udp.want.Swap(nil); why != nil {
			c.t.notes <- protocol.Notification{Kind: protocol.NoteRenew, Text: *why}
		}
	}
}
