package cstp

import (
	"slices"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol/dtlstun"
)

const (
	// rungs is how many sizes are asked for at once.
	rungs = 5
	// rounds is how often a ladder is sent before it is settled, fewRounds the same for one of several sizes: to find a little less than what passes costs little.
	rounds    = 5
	fewRounds = 3
	// ladderPace is the pause between two rounds where packets travel. It need not be a round trip: what counts is what came in between.
	ladderPace = 50 * time.Millisecond
	// evidence is how many of the short requests must have been answered before a size that was not counts as one that does not pass.
	evidence = 3
	// ladderTime ends a ladder whose short requests have no answers: then nothing is known.
	ladderTime = 3 * time.Second
	// marks is how many lengths the short requests have, from 1 byte on: those of one ladder have one, so that answers that are late for another do not count.
	marks = 8
)

// ladder asks by DPD, without waiting, which of some sizes pass: each of them, the longest first, and a short request behind them, several times over. What follows the same way and is
// answered, again and again, while the long ones are not, tells a narrow path from a slow or a lossy one, whatever the round trip is at the moment.
type ladder struct {
	sizes []int // rising; none while nothing is under way
	sent  int   // rounds
	from  time.Duration
	next  time.Duration // when the next round goes, or the last one has had its time
}

// begin starts one now.
func (a *ladder) begin(l *link, now time.Duration, sizes ...int) {
	l.echo.Store(0)
	l.mark.Store(l.mark.Load()%marks + 1)
	l.small.Store(0)
	*a = ladder{sizes: sizes, from: now, next: now}
}

func (a *ladder) under() bool { return len(a.sizes) > 0 }

// due is when it wants to be polled, 0 when none is under way.
func (a *ladder) due() time.Duration {
	if !a.under() {
		return 0
	}
	return a.next
}

// poll sends what is due. When it is done best is the longest size that passes, 0 when none does, and -1 when nothing came back at all.
func (a *ladder) poll(l *link, now, pace time.Duration) (done bool, best int) {
	if !a.under() {
		return false, 0
	}
	echo := int(l.echo.Load()) - 1
	switch {
	case echo >= a.sizes[len(a.sizes)-1]:
	case now < a.next:
		return false, 0
	case a.sent >= a.enough() && l.small.Load() >= evidence:
	case now < a.from+ladderTime+rounds*pace:
		if a.sent >= rounds {
			pace *= 4 // too few answers, as where some are lost: on, but slower
		}
		a.round(l, echo)
		a.sent, a.next = a.sent+1, now+pace
		return false, 0
	default:
		a.sizes = nil
		return true, -1
	}
	for _, n := range a.sizes {
		if n <= echo {
			best = n
		}
	}
	a.sizes = nil
	return true, best
}

// enough is how many rounds settle it if the short requests have answers.
func (a *ladder) enough() int {
	if len(a.sizes) > 1 {
		return fewRounds
	}
	return rounds
}

// round sends the sizes that have no answer yet, and the short request.
func (a *ladder) round(l *link, echo int) {
	for i := len(a.sizes) - 1; i >= 0 && a.sizes[i] > echo; i-- {
		_ = l.write(dtlstun.TypeDPDReq, make([]byte, a.sizes[i])) // a failure shows in the reader, too
	}
	_ = l.write(dtlstun.TypeDPDReq, make([]byte, l.mark.Load()))
}

// search climbs ladders until the longest packet that passes is found: one over all sizes that are met, then one over those in the gap that remains.
type search struct {
	ladder
	all       []int // rising
	low, high int   // all[:low] pass, all[high:] do not
}

// start looks among the sizes below most.
func (s *search) start(l *link, now time.Duration, least, most int) {
	*s = search{all: sizes(least, most)}
	s.high = len(s.all)
	s.climb(l, now)
}

// climb sends the next ladder, if there is one to send.
func (s *search) climb(l *link, now time.Duration) {
	gap := s.all[s.low:s.high]
	if len(gap) == 0 {
		return
	}
	var some []int
	for i := range min(rungs, len(gap)) {
		some = append(some, gap[i*len(gap)/min(rungs, len(gap))])
	}
	s.begin(l, now, some...)
}

// poll is the ladder's.
func (s *search) poll(l *link, now, pace time.Duration) (done bool, best int) {
	asked := s.sizes
	over, found := s.ladder.poll(l, now, pace)
	switch {
	case !over:
		return false, 0
	case found < 0:
		return true, -1
	}
	for i, n := range s.all {
		switch {
		case i < s.low || i >= s.high:
		case n <= found:
			s.low = i + 1
		case slices.Contains(asked, n):
			s.high = i
		}
	}
	if s.climb(l, now); s.under() {
		return false, 0
	}
	if s.low == 0 {
		return true, 0
	}
	return true, s.all[s.low-1]
}
