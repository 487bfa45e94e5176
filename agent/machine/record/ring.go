package record

import (
	"encoding/json"
	"slices"

	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// DefaultLimit is the size of the agent's ring: days of an ordinary session, hours of a bad network.
const DefaultLimit = 4 << 20

// Ring keeps the last steps of a machine within a number of bytes. It is not safe for use by several goroutines.
type Ring struct {
	limit int
	size  int
	start machine.State
	steps []Step
	sizes []int
	mark  int // of the steps, where the last mark stands; 0 also when it has fallen out
	at    machine.State
}

// NewRing returns a ring of at most limit bytes that begins with a State.
func NewRing(start machine.State, limit int) *Ring {
	return &Ring{limit: limit, start: start, at: start}
}

// Mark notes that what follows is somebody else's: now is the machine's State.
func (r *Ring) Mark(now machine.State) { r.mark, r.at = len(r.steps), now }

// Marked is the record since the last mark.
func (r *Ring) Marked() Record {
	if r.mark == 0 {
		return r.Record()
	}
	return Record{Start: r.at, Steps: slices.Clone(r.steps[r.mark:])}
}

// Add appends one call of machine.Step: what it was given and what it returned. The evidence is cleaned and cut. A step larger than the whole ring
// leaves nothing but its effect on the first State.
func (r *Ring) Add(now machine.Instant, ev machine.Event, after machine.State, fx []machine.Effect) error {
	ev.Evidence, ev.Paths = fault.Clean(ev.Evidence), slices.Clone(ev.Paths)
	s := Step{Now: now, Event: ev, Phase: after.Phase, Reason: after.Reason, Effects: slices.Clone(fx)}
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	r.steps, r.sizes, r.size = append(r.steps, s), append(r.sizes, len(b)+1), r.size+len(b)+1
	drop := 0
	for ; r.size > r.limit; drop++ {
		old := r.steps[drop]
		r.start, _ = machine.Step(r.start, old.Event, old.Now)
		r.size -= r.sizes[drop]
	}
	r.steps, r.sizes, r.mark = slices.Delete(r.steps, 0, drop), slices.Delete(r.sizes, 0, drop), max(r.mark-drop, 0)
	return nil
}

// Record returns what is in the ring. The record is a copy.
func (r *Ring) Record() Record { return Record{Start: r.start, Steps: slices.Clone(r.steps)} }

// Size is the number of bytes its steps take when saved.
func (r *Ring) Size() int { return r.size }
