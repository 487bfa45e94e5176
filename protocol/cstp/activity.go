package cstp

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol/keepalive"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// longPacket is the length, in bytes, from which on a packet is one that a narrow path may lose while DPD comes through.
const longPacket = 1000

// activity is what reader and writers leave behind for whoever watches the connection. Nothing on the way of a packet locks: each field is one atomic, and a
// watcher that sees two of them a moment apart sees, at worst, what was true a packet ago.
type activity struct {
	base   time.Time
	heard  atomic.Int64  // when the last frame came, nanoseconds since base; 0 is never
	sent   atomic.Int64  // when the last frame went
	asked  atomic.Int64  // when the first data went that nothing came after; 0 is none
	answer atomic.Int64  // when the last DPD-RESP came
	moved  atomic.Bool   // data went since somebody set this to false
	long   atomic.Int64  // when a long packet last went or came
	came   atomic.Int64  // when data last came
	flow   atomic.Int64  // since when data had come by then without a pause
	steady atomic.Bool   // that is a flow
	count  atomic.Uint64 // how often anything came: two moments may have one time stamp, never one count

	asking  signal // data went and nothing was open before
	hearing signal // anything came
	flowing signal // data has come for long enough to be a flow
}

func newActivity() *activity {
	a := &activity{base: time.Now()}
	a.asking.ch, a.hearing.ch, a.flowing.ch = make(chan struct{}), make(chan struct{}), make(chan struct{})
	return a
}

// now is the time since base; never 0, which means "not".
func (a *activity) now() time.Duration { return max(1, time.Since(a.base)) }

// last is when the last frame came; before the first, when a was made.
func (a *activity) last() time.Time { return a.base.Add(time.Duration(a.heard.Load())) }

func (a *activity) noteSent(data bool) {
	t := int64(a.now())
	a.sent.Store(t)
	if data && !a.moved.Load() {
		a.moved.Store(true)
	}
	if data && a.asked.CompareAndSwap(0, t) {
		a.asking.fire()
	}
}

// noteLong looks for a packet in b that a path might not carry although it carries others.
func (a *activity) noteLong(b *packet.Batch) {
	for _, n := range b.Sizes[:b.Len()] {
		if n >= longPacket {
			a.long.Store(int64(a.now()))
			return
		}
	}
}

// noteHeard is called by the reader, for every frame, and once for packets that came together.
func (a *activity) noteHeard(answer, data bool) {
	t := int64(a.now())
	a.count.Add(1)
	a.heard.Store(t)
	if data {
		a.noteFlow(t)
	}
	if answer {
		a.answer.Store(t)
	}
	if a.asked.Load() != 0 {
		a.asked.Store(0)
	}
	a.hearing.fire()
}

// noteFlow notes data that came at t.
func (a *activity) noteFlow(t int64) {
	last := a.came.Swap(t)
	switch {
	case t-last > int64(keepalive.FlowGap):
		a.flow.Store(t)
		a.steady.Store(false)
	case !a.steady.Load() && t-a.flow.Load() >= int64(keepalive.FlowTime):
		a.steady.Store(true)
		a.flowing.fire()
	}
}

// seen is all that keepalive wants to know.
func (a *activity) seen() keepalive.Seen {
	at := func(v *atomic.Int64) time.Duration { return time.Duration(v.Load()) }
	return keepalive.Seen{Heard: at(&a.heard), Sent: at(&a.sent), Asked: at(&a.asked), Came: at(&a.came), Flow: at(&a.came) - at(&a.flow)}
}

// signal wakes those who wait for the next of something, and costs one atomic load when nobody does.
type signal struct {
	want atomic.Bool
	mu   sync.Mutex
	ch   chan struct{}
}

// next returns a channel that is closed when it happens next. Look again at what you wait for after the call: it may have happened just before.
func (s *signal) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.want.Store(true)
	return s.ch
}

func (s *signal) fire() {
	if !s.want.Load() || !s.want.Swap(false) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.ch)
	s.ch = make(chan struct{})
}
