package record

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/holdfast-vpn/holdfast/agent/machine"
)

// Difference is the first step in which a replay decides otherwise than the record says: another version of the machine, or a record that was changed.
type Difference struct {
	Step      int // counted from 1
	Want, Got string
}

// Error names the step and both decisions.
func (d *Difference) Error() string {
	return fmt.Sprintf("record: step %d goes another way\nrecorded: %s\nreplayed: %s", d.Step, d.Want, d.Got)
}

// Replay runs the machine again over the record and calls each, if there is one, with every step: the State before it, what was decided now, and the State after it.
// It returns a *Difference for the first step whose phase, reason or effects are not those of the record.
func Replay(r Record, each func(before machine.State, got Step, after machine.State)) error {
	s := r.Start
	for i, want := range r.Steps {
		before := s
		var fx []machine.Effect
		s, fx = machine.Step(s, want.Event, want.Now)
		got := Step{Now: want.Now, Event: want.Event, Phase: s.Phase, Reason: s.Reason, Effects: fx}
		if each != nil {
			each(before, got, s)
		}
		w, err := json.Marshal(want)
		if err != nil {
			return err
		}
		g, err := json.Marshal(got)
		if err != nil {
			return err
		}
		if string(w) != string(g) {
			return &Difference{i + 1, want.decision(), got.decision()}
		}
	}
	return nil
}

// decision is what a step decided, in short: the phase after it, the reason's number, the effects.
func (s Step) decision() string {
	parts := []string{fmt.Sprintf("%v, reason %d", s.Phase, s.Reason)}
	for _, fx := range s.Effects {
		if fx.Kind != machine.FxPublish {
			parts = append(parts, fx.String())
		}
	}
	return strings.Join(parts, ", ")
}
