package machine

import (
	"encoding/json"
	"reflect"
	"time"
)

// check holds the machine's own invariants after a step.
func (w *world) check(before State, ev Event, fx []Effect) {
	for _, msg := range broken(w.s, w.now) {
		w.fail("%s (after %v in %v)", msg, ev, before.Phase)
	}
	starts := 0
	for _, f := range fx {
		if f.Kind == FxStartAttempt {
			starts++
		}
		if answered(f.Kind) && w.s.job(f.Kind, f.Attempt) < 0 && f.Kind != FxApplyNetwork && !cancelled(fx, f.Attempt) {
			w.fail("%v was started and has no deadline", f)
		}
	}
	w.checkPromises(before, ev, fx)
	if starts > 1 {
		w.fail("%d logins in one step", starts)
	}
	switch n := w.rng.IntN(512); { // both cost many times what a step does
	case n < 16:
		w.checkDisconnect()
	case n == 16:
		w.checkJSON()
	}
}

// answered reports effects that an event with their number answers.
func answered(k EffectKind) bool {
	switch k {
	case FxStartAttempt, FxStartReach, FxCommit, FxProbe, FxApplyNetwork, FxRevertNetwork, FxLook:
		return true
	}
	return false
}

func cancelled(fx []Effect, id ID) bool {
	for _, f := range fx {
		if f.Kind == FxCancelAttempt && f.Attempt == id {
			return true
		}
	}
	return false
}

// broken lists what is wrong with a State at a time.
func broken(s State, now Instant) []string {
	var bad []string
	is := func(wrong bool, msg string) {
		if wrong {
			bad = append(bad, msg)
		}
	}
	var count [fxEnd]int // arrays and loops: maps would take most of the simulation's time
	for i, j := range s.Jobs {
		if j.At <= now.Mono {
			bad = append(bad, "the deadline of "+j.Kind.String()+" is in the past")
		}
		is(j.ID > s.LastID, "a number that was never given out")
		count[j.Kind]++
		for _, other := range s.Jobs[:i] {
			is(other.ID == j.ID, "a number was used twice")
			is(j.Kind == FxStartReach && other.Kind == FxStartReach && other.Path == j.Path, "two reaches on one path")
			is(j.Kind == FxLook && other.Kind == FxLook && other.Path == j.Path, "two looks on one path")
		}
	}
	is(len(s.Looks) > maxPaths, "too many looks")
	var kinds [16]bool
	for _, t := range s.Timers {
		clock := now.Mono
		if t.Kind.boot() {
			clock = now.Boot
		}
		is(t.At <= clock, "a timer is in the past")
		is(kinds[t.Kind], "a timer is armed twice")
		is(!s.Phase.keeps(t.Kind), "a timer that means nothing in its phase")
		kinds[t.Kind] = true
	}
	working := count[FxStartAttempt] + count[FxStartReach] + count[FxCommit] + count[FxProbe] + count[FxApplyNetwork] + count[FxLook]
	is(count[FxCommit] > 1, "two commits")
	is(count[FxStartAttempt] > 1, "two logins")
	is(s.Pump && s.Phase != Connected, "the pump runs outside Connected")
	is(s.Netted && s.Phase == Disconnected, "Disconnected with changes on the host")
	is(s.Prompt != 0 && s.Phase != Authenticating, "a prompt outside Authenticating")
	switch s.Phase {
	case Disconnected, Paused, Blocked:
		is(working > 0, "down with work outstanding")
		is(s.Tunnel != 0 || s.Session, "down with a session")
	case Connecting, Authenticating:
		is(count[FxStartAttempt]+count[FxLook] != 1, "connecting without a login, or a look after it")
		is(s.Phase == Authenticating && s.Prompt == 0, "Authenticating without a prompt")
	case Establishing:
		is(count[FxApplyNetwork] != 1, "Establishing without an apply")
		is(s.Tunnel == 0, "Establishing without a tunnel")
	case Connected:
		is(!s.Pump || s.Tunnel == 0 || !s.Session, "Connected without pump, tunnel or session")
		is(!s.Netted || s.Applied != s.Plan && count[FxApplyNetwork] == 0, "Connected without this tunnel's network")
		is(count[FxApplyNetwork] > 1, "two changes of the host")
		is(s.Probing && !s.Frozen && !kinds[TimerRetry], "in doubt and not looking")
		is(!s.Probing && !s.Planned && count[FxStartReach]+count[FxLook] > s.better(), "looking without a doubt")
		is(s.better() > 0 && !s.Frozen && !kinds[TimerRetry], "a better way and nobody looks at it")
	case Reconnecting:
		is(s.Tunnel == 0 && !s.Down || !s.Session, "Reconnecting without a session") // the tunnel of an adopted one died with the agent
		is(!kinds[TimerLost], "Reconnecting without an end")
		is(!s.Frozen && count[FxCommit] == 0 && !kinds[TimerRetry], "Reconnecting and not trying")
		is(s.Frozen && !kinds[TimerThaw], "frozen for ever")
	case Disconnecting:
		is(count[FxRevertNetwork]+count[FxCloseTunnel] == 0, "Disconnecting and waiting for nothing")
		is(now.Mono-s.Since.Mono > closingTime, "a disconnect of more than three seconds")
	default:
		bad = append(bad, "no such phase")
	}
	return bad
}

// checkDisconnect asks what a disconnect would do now if nobody answered: it must be over within three seconds and a few steps.
func (w *world) checkDisconnect() {
	s, now := w.s, w.now
	s.Policy.LockUp = false
	s, _ = w.step(s, Event{Kind: EvDisconnectRequested}, now)
	for range 40 {
		if s.Phase == Disconnected {
			return
		}
		d, ok := s.Wait(now)
		if !ok {
			break
		}
		now.Mono, now.Boot = now.Mono+d, now.Boot+d
		s, _ = w.step(s, Event{Kind: EvTick}, now)
		if now.Mono-w.now.Mono > closingTime {
			break
		}
	}
	if s.Phase != Disconnected {
		w.fail("a disconnect in %v does not end: %v after %v", w.s.Phase, s.Phase, now.Mono-w.now.Mono)
	}
}

// checkJSON: a State that went through a record is the same State.
func (w *world) checkJSON() {
	b, err := json.Marshal(w.s)
	if err != nil {
		w.fail("the state cannot be written: %v", err)
		return
	}
	var back State
	if err := json.Unmarshal(b, &back); err != nil {
		w.fail("the state cannot be read: %v", err)
		return
	}
	now := Instant{w.now.Mono + time.Second, w.now.Boot + time.Second}
	s1, fx1 := Step(w.s, Event{Kind: EvTick}, now)
	s2, fx2 := Step(back, Event{Kind: EvTick}, now)
	b1, _ := json.Marshal(s1)
	b2, _ := json.Marshal(s2)
	if string(b1) != string(b2) || !reflect.DeepEqual(fx1, fx2) {
		w.fail("a state read back goes another way:\n%s\n%s", b1, b2)
	}
}

// checkWorld compares what the machine believes with what is.
func (w *world) checkWorld() {
	for id, k := range w.out {
		if k == FxApplyNetwork || k == FxRevertNetwork {
			continue // the host finishes what it has begun
		}
		if w.s.job(k, id) < 0 {
			w.fail("%v %d goes on and the machine has forgotten it", k, id)
		}
	}
	if (w.pump != 0) != w.s.Pump {
		w.fail("the pump is on tunnel %d, the machine thinks %v", w.pump, w.s.Pump)
	}
	if w.pump != 0 && w.pump != w.s.Tunnel {
		w.fail("the pump is on tunnel %d, the session on %d", w.pump, w.s.Tunnel)
	}
	for id := range w.reaches {
		if w.s.job(FxStartReach, id) < 0 {
			w.fail("the connection of reach %d leaks", id)
		}
	}
	if w.s.Phase != Disconnected {
		return
	}
	if w.applied {
		w.fail("Disconnected with changes on the host")
	}
	for _, id := range w.tunnelIDs() {
		if t := w.tunnels[id]; t.open && !t.coming && len(w.out) == 0 {
			w.fail("Disconnected with tunnel %d open", id)
		}
	}
}

// checkRest holds at the end of a script that ends calm: nothing is stuck, and a session that is up works.
func (w *world) checkRest() {
	if len(w.errs) > 0 {
		return
	}
	switch w.s.Phase {
	case Connected:
		if t := w.tunnels[w.s.Tunnel]; !w.flows(t) {
			w.fail("Connected on a tunnel that carries nothing: %+v", *t)
		}
		if w.s.Probing {
			w.fail("still in doubt")
		}
	case Disconnected:
		if w.s.Want == WantUp {
			w.fail("down and wanted up")
		}
	default:
		w.fail("stuck in %v: %v", w.s.Phase, w.s.Err.Code)
	}
	for _, id := range w.tunnelIDs() {
		if t := w.tunnels[id]; t.open && id != w.s.Tunnel {
			w.fail("tunnel %d leaks", id)
		}
	}
}
