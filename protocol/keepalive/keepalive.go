package keepalive

import "time"

const (
	minSilence = 100 * time.Millisecond
	// silenceEvery bounds how often a silence that was answered may come again.
	silenceEvery = time.Second
	// minStall is how long a flow must have stopped before it is asked about.
	minStall = 200 * time.Millisecond
)

// A flow is data that has come for FlowTime without a pause of FlowGap.
const (
	FlowTime = 500 * time.Millisecond
	FlowGap  = 100 * time.Millisecond
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
	Came  time.Duration // the last data that came
	Flow  time.Duration // for how long data had come by then without a pause of FlowGap
}

// State is the state of one carrier. Make it with New.
type State struct {
	dpd, keepalive time.Duration
	srtt           time.Duration
	from           time.Duration // nothing before counts: the start, the last resume
	asked          time.Duration // when the last DPD was sent; 0 never
	silent         bool
	question       time.Duration // the one that the silence leaves open
	inquired       time.Duration // when a flow that had stopped was last asked about; 0 never
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
// polls again whenever data was sent after Asked was 0, when Flow has come to FlowTime, and, while a DPD is out, whenever something was heard.
func (s State) Poll(now time.Duration, seen Seen) (_ State, do Action, next time.Duration) {
	s, do = s.pollSilence(now, seen)
	if at := s.stallAt(seen); at > 0 && now >= at {
		s.inquired, do = now, do|SendDPD
	}
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
		if seen.Asked == s.question || s.question == s.inquired && seen.Heard < s.inquired {
			return s, 0
		}
		s.silent = false
		return s, Heard
	}
	open := s.open(seen)
	if open == 0 || now < s.silentAt(open) {
		return s, 0
	}
	s.silent, s.question, s.silence = true, open, now
	return s, Silence | SendDPD
}

// open is when the oldest question was asked that nothing came after, by data or by us of a flow; 0 when there is none.
func (s State) open(seen Seen) time.Duration {
	if s.inquired > seen.Heard && (seen.Asked == 0 || s.inquired < seen.Asked) {
		return s.inquired
	}
	return seen.Asked
}

// stallAt is when a flow that has stopped is asked about, once; 0 when there is none. While data goes the other way its silence says more.
func (s State) stallAt(seen Seen) time.Duration {
	if s.silent || seen.Asked != 0 || seen.Flow < FlowTime || seen.Came <= s.inquired {
		return 0
	}
	at := max(seen.Heard, s.from) + max(minStall, 4*s.srtt)
	if s.inquired > 0 {
		at = max(at, s.inquired+silenceEvery)
	}
	return at
}

// silentAt is when the question that is open becomes a silence.
func (s State) silentAt(open time.Duration) time.Duration {
	at := max(open, s.from) + max(minSilence, 4*s.srtt)
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
	if open := s.open(seen); open != 0 && !s.silent {
		earliest(s.silentAt(open))
	}
	earliest(s.stallAt(seen))
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
