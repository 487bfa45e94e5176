package agent

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

const (
	healPause = 100 * time.Millisecond // from a removal to the look: who flushes rules and routes takes one after the other
	healGap   = time.Second            // between two looks at what is ours on the host
	fightGap  = 30 * time.Second       // where somebody takes it away again and again:
	fightMost = 5                      // that often,
	fightSpan = time.Minute            // in that time
	// healWords is how many changes are told of one by one.
	healWords = 3
)

// healing says when the applier looks at what is ours on the host. The hint is a removal, which may be our own, too: a look that finds all as it should be costs a reading and is not told.
type healing struct {
	wanted bool            // something may have gone since the last look began
	busy   bool            // one is under way
	next   time.Duration   // Mono; none begins before
	mended []time.Duration // Mono, of those within fightSpan that found something
	fight  bool
}

// found notes the end of a look, and reports whether a fight begins with it.
func (h *healing) found(now time.Duration, something bool) (begins bool) {
	h.busy = false
	h.mended = slices.DeleteFunc(h.mended, func(at time.Duration) bool { return now-at >= fightSpan })
	h.fight = h.fight && len(h.mended) > 0
	if something {
		h.mended = append(h.mended, now)
	}
	if begins = !h.fight && len(h.mended) >= fightMost; begins {
		h.fight = true
	}
	h.next = now + healGap
	if h.fight {
		h.next = now + fightGap
	}
	return begins
}

// want notes a removal.
func (h *healing) want(now time.Duration) {
	if !h.wanted {
		h.wanted, h.next = true, max(h.next, now+healPause)
	}
}

// healIn is how long it is until the next look; not ok where none is wanted, or one is under way.
func (l *loop) healIn(now machine.Instant) (wait time.Duration, ok bool) {
	h := &l.healing
	return max(0, h.next-now.Mono), h.wanted && !h.busy
}

// heal has the applier look, if it is time: the loop's timer sees to that. Without a session nothing of ours is on the host.
func (l *loop) heal(now machine.Instant) {
	if l.idle() {
		l.healing.wanted = false
	}
	if wait, ok := l.healIn(now); !ok || wait > 0 {
		return
	}
	l.healing.busy = l.applier.queue(func() {
		h := l.applier.heal()
		l.post(report{healed: &h})
	})
	l.healing.wanted = !l.healing.busy
	l.healing.next = now.Mono + healGap
}

// healed takes what came of a look. What could not be put back is tried again.
func (l *loop) healed(h healed) {
	if l.healing.found(l.now().Mono, len(h.steps) > 0 || h.err != nil) {
		l.log.Warn("something else on this machine keeps removing our addresses, routes or rules: they are put back less often from now on", "every", fightGap)
	}
	if h.err != nil {
		l.healing.wanted = true
		l.log.Warn("what was removed from the host could not be put back", "code", fault.As(h.err).Code)
		l.log.Debug("what was removed from the host could not be put back", "err", h.err)
		return
	}
	if len(h.steps) == 0 {
		return
	}
	l.log.Info("put back what others removed from the host", "changes", len(h.steps))
	words := strings.Join(h.steps[:min(healWords, len(h.steps))], ", ")
	if more := len(h.steps) - healWords; more > 0 {
		words += fmt.Sprintf(" and %d more", more)
	}
	e := l.timeline.add(l.owner(), ipc.Entry{At: l.cfg.Wall(), Phase: l.state.Phase.String(), Event: "put-back", Reason: "others changed what is ours on the host", Evidence: words})
	l.news = append(l.news, func(hub *ipc.Hub) { hub.Timeline(e) })
	l.changed = true
	l.flush()
}
