package impair

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// rule is a fault that is in force.
type rule struct {
	Spec
	since uint64        // the number of the newest socket when it began
	until time.Time     // when it ends
	over  chan struct{} // closed when it has
}

// rules is what is in force, by kind: immutable, never empty.
type rules [kinds]*rule

// Faults is everything that is impaired at the moment. Make one with New; its methods may be called from any goroutine.
type Faults struct {
	now     atomic.Pointer[rules] // nil while nothing is impaired
	slept   atomic.Int64          // ns, of all Sleeps
	sockets atomic.Uint64         // numbers them
	changed chan struct{}         // holds one

	mu      sync.Mutex
	timer   *time.Timer // to the next end; nil when there is none
	streams map[*Stream]struct{}
}

// New returns Faults with nothing impaired.
func New() *Faults {
	return &Faults{changed: make(chan struct{}, 1), streams: map[*Stream]struct{}{}}
}

// Changed gets a value after something began or ended.
func (f *Faults) Changed() <-chan struct{} { return f.changed }

// Active lists what is in force, with what is left of its time, in the order of kinds.
func (f *Faults) Active() []Spec {
	var list []Spec
	r := f.now.Load()
	if r == nil {
		return nil
	}
	for _, one := range r {
		if one != nil {
			s := one.Spec
			s.For = max(time.Until(one.until).Round(minFor), minFor)
			list = append(list, s)
		}
	}
	return list
}

// Down reports whether every uplink is gone.
func (f *Faults) Down() bool { return f.rule(LinkDown) != nil }

// Slept is how much time the machine is said to have slept.
func (f *Faults) Slept() time.Duration { return time.Duration(f.slept.Load()) }

// rule is the one in force of a kind, nil when there is none.
func (f *Faults) rule(k Kind) *rule {
	if r := f.now.Load(); r != nil {
		return r[k]
	}
	return nil
}

// Add begins a fault, in the place of the one of its kind. Off ends all.
func (f *Faults) Add(s Spec) {
	switch s.Kind {
	case Off:
		f.set(func(r *rules) { *r = rules{} })
	case Sleep:
		f.slept.Add(int64(s.Delay))
		f.tell()
	case TLSClose:
		f.mu.Lock()
		for c := range f.streams {
			c.reset()
		}
		f.mu.Unlock()
		f.tell()
	default:
		one := &rule{Spec: s, since: f.sockets.Load(), until: time.Now().Add(s.For), over: make(chan struct{})}
		f.set(func(r *rules) { r[s.Kind] = one })
	}
}

// set changes what is in force, ends what has no place in it any more, and sets the timer.
func (f *Faults) set(change func(*rules)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var was, is rules
	if r := f.now.Load(); r != nil {
		was = *r
	}
	is = was
	change(&is)
	if is == (rules{}) {
		f.now.Store(nil)
	} else {
		f.now.Store(&is)
	}
	for k, r := range was {
		if r != nil && is[k] != r {
			close(r.over)
		}
	}
	if f.timer != nil {
		f.timer.Stop()
		f.timer = nil
	}
	var next time.Time
	for _, r := range is {
		if r != nil && (next.IsZero() || r.until.Before(next)) {
			next = r.until
		}
	}
	if !next.IsZero() {
		f.timer = time.AfterFunc(time.Until(next), f.expire)
	}
	f.tell()
}

// expire ends what is over.
func (f *Faults) expire() {
	now := time.Now()
	f.set(func(r *rules) {
		for k := range r {
			if r[k] != nil && !now.Before(r[k].until) {
				r[k] = nil
			}
		}
	})
}

func (f *Faults) tell() {
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

// unlucky draws a lot: whether the one in hand is among those that a Loss takes.
func (r *rule) unlucky() bool { return r != nil && rand.IntN(100) < r.Percent }
