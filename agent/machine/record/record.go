package record

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// Bounds of what Load reads: a record may come out of a bundle that somebody else made.
const (
	maxBytes = 16 << 20
	maxLine  = 256 << 10
	maxSteps = 200_000
	maxList  = 64 // jobs, timers, paths, effects
)

const version = 1

// ErrFormat says that the bytes are no record, or one that this version does not read.
var ErrFormat = errors.New("record: not a record of this version")

// Step is one call of the machine: what went in, and what came out.
type Step struct {
	Now     machine.Instant  `json:"now"`
	Event   machine.Event    `json:"event"`
	Phase   machine.Phase    `json:"phase"` // after it
	Reason  machine.Reason   `json:"reason,omitempty"`
	Effects []machine.Effect `json:"effects,omitempty"`
}

// Record is a stretch of the machine's life.
type Record struct {
	Start machine.State // before the first step
	Steps []Step
	Saved Saved
}

// Saved says when a record was taken and by what. It is for people: a replay does not depend on it.
type Saved struct {
	At   time.Time     `json:"at,omitzero"`   // wall time
	Boot time.Duration `json:"boot,omitzero"` // boot time at the same moment
	By   string        `json:"by,omitempty"`  // the agent's version
}

// Wall is the wall time of a boot time in the record, as far as the clock has not been set in between; the zero Time where nobody wrote it down.
func (s Saved) Wall(boot time.Duration) time.Time {
	if s.At.IsZero() {
		return s.At
	}
	return s.At.Add(boot - s.Boot)
}

// header is the first line.
type header struct {
	Record  string        `json:"record"`
	Version int           `json:"version"`
	Saved   Saved         `json:"saved,omitzero"`
	Start   machine.State `json:"start"`
}

// Save writes the record: a header and one line per step.
func (r Record) Save(w io.Writer) error {
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	if err := enc.Encode(header{"holdfast", version, r.Saved, r.Start}); err != nil {
		return err
	}
	for _, s := range r.Steps {
		if err := enc.Encode(s); err != nil {
			return err
		}
	}
	return out.Flush()
}

// Load reads a record. It takes at most 16 MiB and 200000 steps, and refuses what no machine could have written: times that run backwards or overflow,
// endless lists. A last line that was cut off by a crash is dropped.
func Load(r io.Reader) (Record, error) {
	sc := bufio.NewScanner(io.LimitReader(r, maxBytes+1))
	sc.Buffer(make([]byte, 0, 4096), maxLine)
	var rec Record
	var read int
	for line := 0; sc.Scan(); line++ {
		b := bytes.TrimSpace(sc.Bytes())
		if read += len(sc.Bytes()) + 1; read > maxBytes || line > maxSteps {
			return Record{}, fmt.Errorf("%w: more than %d bytes or %d steps", ErrFormat, maxBytes, maxSteps)
		}
		if line == 0 {
			var h header
			if err := json.Unmarshal(b, &h); err != nil || h.Record != "holdfast" || h.Version != version {
				return Record{}, ErrFormat
			}
			if !sane(h.Start) || !follows(machine.Instant{}, machine.Instant{Boot: h.Saved.Boot}) || !writable(h.Saved.At) {
				return Record{}, fmt.Errorf("%w: no such state", ErrFormat)
			}
			rec.Start, rec.Saved = h.Start, h.Saved
			rec.Saved.By = fault.Clean(h.Saved.By)
			continue
		}
		var s Step
		if err := json.Unmarshal(b, &s); err != nil {
			if sc.Scan() {
				return Record{}, fmt.Errorf("%w: line %d", ErrFormat, line+1)
			}
			break
		}
		before := rec.Start.Now
		if n := len(rec.Steps); n > 0 {
			before = rec.Steps[n-1].Now
		}
		if !follows(before, s.Now) || len(s.Event.Paths) > maxList || len(s.Effects) > 4*maxList {
			return Record{}, fmt.Errorf("%w: line %d", ErrFormat, line+1)
		}
		rec.Steps = append(rec.Steps, s)
	}
	if err := sc.Err(); err != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if read == 0 {
		return Record{}, ErrFormat
	}
	return rec, nil
}

// horizon is the latest time in a record: far from where adding a deadline would overflow.
const horizon = 100 * 365 * 24 * time.Hour

// writable reports whether every time of a record that was saved then can be written as RFC 3339.
func writable(t time.Time) bool { return t.IsZero() || t.Year() > 1000 && t.Year() < 9000 }

// follows reports whether both clocks go forward and stay below the horizon.
func follows(before, now machine.Instant) bool {
	return before.Mono <= now.Mono && before.Boot <= now.Boot && now.Mono <= horizon && now.Boot <= horizon
}

// sane reports whether a State has a size and times that the machine can work with.
func sane(s machine.State) bool {
	if len(s.Jobs) > maxList || len(s.Timers) > maxList || len(s.Paths) > maxList || len(s.Looks) > maxList || len(s.Loss.Told) > maxList || !follows(machine.Instant{}, s.Now) {
		return false
	}
	times := []time.Duration{s.Since.Mono, s.Since.Boot, s.Budget, s.NextTime, s.Login.Mono, s.Login.Boot, s.Limits.Session, s.Limits.Disconnected,
		s.ProbeAt, s.RTT, s.PathsAt, s.Loss.At.Mono, s.Loss.At.Boot, s.Loss.Since.Mono, s.Loss.Since.Boot, s.Loss.Delay, s.Loss.Detected}
	for _, j := range s.Jobs {
		times = append(times, j.Start, j.At, j.RTT)
	}
	for _, t := range s.Timers {
		times = append(times, t.At)
	}
	for _, l := range s.Looks {
		times = append(times, l.At)
	}
	for _, t := range times {
		if t < 0 || t > 2*horizon {
			return false
		}
	}
	return true
}
