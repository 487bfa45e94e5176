package keepalive

import "time"

const (
	minSilence = 100 * time.Millisecond
	// silenceEvery bounds how often a silence that was answered may come again.
	silenceEvery = time.Second
)

// Action is what to do now; several at once are or'ed.
type Action uint8

const (
	SendDPD       Action = 1 << iota // ask the peer
	SendKeepalive                    // let the peer, and what lies between, hear us
	Silence                          // data was sent and nothing came back: a DPD goes with it
	Heard                            // that silence ended
	Dead                             // the peer did not answer; said once
)

// Seen is what was seen on the wire. Times count from the same start as now; 0 is never.
type Seen struct {
	Heard time.Duration // the last frame that came
	Sent  time.Duration // the last frame that went
	Asked time.Duration // the first data that went since the last frame came; 0 when there is none
}

// State is the state of one carrier. Make it with New.
type State struct {
	dpd, keepalive time.Duration
	srtt           time.Duration
	from           time.Duration // nothing before counts: the start, the last resume
	asked          time.Duration // when the last DPD was sent; 0 never
	silent         bool
	question       time.Duration // Seen.Asked of the silence
	silence        time.Duration // when the last silence began; 0 never
	dead           bool
}

// New starts at now. A dpd or keepalive of 0 is off. rtt is the first estimate of the round trip, 0 when unknown.
func New(dpd, keepalive, rtt, now time.Duration) State {
	return State{dpd: dpd, keepalive: keepalive, srtt: max(0, rtt), from: now}
}

// Measured takes a round trip into the estimate (the gain is that of RFC 6298). One that is far longer than the estimate moves it a little only: it was most
// likely an outage, and must not make the next one go unnoticed.
func (s State) Measured(rtt time.Duration) State {
	if s.srtt > 0 {
		rtt = min(rtt, max(2*s.srtt, minSilence))
	}
	switch {
	case rtt <= 0:
	case s.srtt == 0:
		s.srtt = rtt
	default:
		s.srtt += (rtt - s.srtt) / 8
	}
	return s
}

// Resumed pushes every deadline: the machine slept, or the process stood still, and nothing could have been heard.
func (s State) Resumed(now time.Duration) State {
	s.from = now
	return s
}

// Poll says what to do at now, and when to ask again at the latest; next is 0 when only new traffic gives a reason. The caller carries the actions out and
// polls again whenever data was sent after Asked was 0, and, while a DPD is out, whenever something was heard.
func (s State) Poll(now time.Duration, seen Seen) (_ State, do Action, next time.Duration) {
	s, do = s.pollSilence(now, seen)
	s, more := s.pollDPD(now, seen)
	do |= more
	if s.keepalive > 0 && do&SendDPD == 0 && now >= max(seen.Sent, s.from)+s.keepalive {
		do |= SendKeepalive
	}
	if do&SendDPD != 0 {
		s.asked = now
	}
	return s, do, s.next(now, seen, do)
}

// Waiting reports whether something heard now would change anything: a silence that would end.
func (s State) Waiting() bool { return s.silent }

func (s State) pollSilence(now time.Duration, seen Seen) (State, Action) {
	if s.silent {
		if seen.Asked == s.question {
			return s, 0
		}
		s.silent = false
		return s, Heard
	}
	if seen.Asked == 0 || now < s.silentAt(seen) {
		return s, 0
	}
	s.silent, s.question, s.silence = true, seen.Asked, now
	return s, Silence | SendDPD
}

// silentAt is when the question that is open becomes a silence.
func (s State) silentAt(seen Seen) time.Duration {
	at := max(seen.Asked, s.from) + max(minSilence, 4*s.srtt)
	if s.silence > 0 {
		at = max(at, s.silence+silenceEvery)
	}
	return at
}

func (s State) pollDPD(now time.Duration, seen Seen) (State, Action) {
	if s.dpd <= 0 || s.dead {
		return s, 0
	}
	heard := max(seen.Heard, s.from)
	if now < heard+s.dpd {
		return s, 0
	}
	asked := s.asked > heard
	if asked && now >= heard+2*s.dpd && now >= s.asked+s.dpd/2 {
		s.dead = true
		return s, Dead
	}
	if !asked || now >= s.asked+s.dpd/2 {
		return s, SendDPD
	}
	return s, 0
}

// next is the earliest deadline after now, given what was just done.
func (s State) next(now time.Duration, seen Seen, do Action) (at time.Duration) {
	earliest := func(t time.Duration) {
		if t > now && (at == 0 || t < at) {
			at = t
		}
	}
	if seen.Asked != 0 && !s.silent {
		earliest(s.silentAt(seen))
	}
	if s.dpd > 0 && !s.dead {
		heard := max(seen.Heard, s.from)
		earliest(heard + s.dpd)
		if s.asked > heard {
			earliest(s.asked + s.dpd/2)
		}
	}
	if s.keepalive > 0 {
		sent := max(seen.Sent, s.from)
		if do&(SendDPD|SendKeepalive) != 0 {
			sent = now
		}
		earliest(sent + s.keepalive)
	}
	return at
}
