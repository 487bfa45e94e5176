package record

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// drive feeds a machine with events that mostly fit and records them. It returns the ring and the machine's last state.
func drive(t *testing.T, steps, limit int) (*Ring, machine.State) {
	t.Helper()
	rng := rand.New(rand.NewPCG(7, 7))
	s, now := machine.New(42), machine.Instant{Mono: time.Minute, Boot: time.Hour}
	ring := NewRing(s, limit)
	path := machine.Path{IfIndex: 2, Name: "eth0", Local: netip.MustParseAddr("192.0.2.10")}
	for range steps {
		d := time.Duration(rng.Int64N(int64(2 * time.Second)))
		now.Mono, now.Boot = now.Mono+d, now.Boot+d
		ev := machine.Event{Kind: machine.EvTick}
		if n := len(s.Jobs); n > 0 && rng.IntN(3) > 0 {
			ev = answer(s.Jobs[rng.IntN(n)], path)
		} else if rng.IntN(2) == 0 {
			ev = []machine.Event{
				{Kind: machine.EvConnectRequested, Policy: machine.Policy{AutoReconnect: true}, Evidence: "asked\x1b[31m for"},
				{Kind: machine.EvNetworkChanged, Paths: []machine.Path{path}}, {Kind: machine.EvCarrierDown, Tunnel: s.Tunnel, Fault: machine.Fault{Code: fault.NetLost, Kind: fault.Retryable}},
				{Kind: machine.EvSilence, Tunnel: s.Tunnel}, {Kind: machine.EvNetworkChanged}, {Kind: machine.EvResumed, Slept: time.Minute},
			}[rng.IntN(6)]
		}
		after, fx := machine.Step(s, ev, now)
		if err := ring.Add(now, ev, after, fx); err != nil {
			t.Fatal(err)
		}
		s = after
	}
	return ring, s
}

// answer is what a job that goes well is answered with.
func answer(j machine.Job, path machine.Path) machine.Event {
	ev := machine.Event{Attempt: j.ID, Tunnel: j.ID, Path: path, Plan: machine.NetPlan{Addr4: netip.MustParsePrefix("10.9.0.2/24"), MTU: 1400}}
	switch j.Kind {
	case machine.FxStartAttempt:
		ev.Kind = machine.EvTunnelOpened
	case machine.FxApplyNetwork:
		ev.Kind = machine.EvNetworkApplied
	case machine.FxStartReach:
		ev.Kind, ev.RTT = machine.EvReached, 20*time.Millisecond
	case machine.FxCommit:
		ev.Kind = machine.EvRebound
	case machine.FxProbe:
		ev.Kind, ev.Tunnel = machine.EvProbeFailed, j.Tunnel
	default:
		ev.Kind, ev.Tunnel = machine.EvTunnelClosed, j.Tunnel
	}
	return ev
}

func save(t *testing.T, r Record) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := r.Save(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestRoundTrip: what was saved is read back, and replays to the same decisions.
func TestRoundTrip(t *testing.T) {
	ring, _ := drive(t, 500, DefaultLimit)
	b := save(t, ring.Record())
	rec, err := Load(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if again := save(t, rec); !bytes.Equal(b, again) {
		t.Error("saved again it is different")
	}
	var lines []string
	if err := Replay(rec, func(before machine.State, got Step, after machine.State) {
		lines = append(lines, machine.Explain(before.Phase, got.Event, after, got.Effects))
	}); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(lines, "\n")
	for _, want := range []string{"establishing > connected", "commit", "rebound", "carrier-down"} {
		if !strings.Contains(text, want) {
			t.Errorf("the record does not exercise %q", want)
		}
	}
	if strings.ContainsRune(text, 0x1b) || strings.ContainsRune(string(b), 0x1b) {
		t.Error("evidence was not cleaned")
	}
}

// TestRingIsBounded: what falls out is in the first state, so that the rest still replays, and ends where the machine is.
func TestRingIsBounded(t *testing.T) {
	for _, limit := range []int{0, 300, 5000, 20000} {
		ring, last := drive(t, 800, limit)
		if ring.Size() > limit {
			t.Errorf("%d bytes, %d allowed", ring.Size(), limit)
		}
		rec := ring.Record()
		size := 0
		for _, line := range bytes.SplitAfter(save(t, rec), []byte("\n"))[1:] {
			size += len(line)
		}
		if size != ring.Size() {
			t.Errorf("saved %d bytes, counted %d", size, ring.Size())
		}
		if limit >= 5000 && len(rec.Steps) == 0 {
			t.Error("nothing is left")
		}
		if err := Replay(rec, nil); err != nil {
			t.Error(err)
		}
		s := rec.Start
		for _, st := range rec.Steps {
			s, _ = machine.Step(s, st.Event, st.Now)
		}
		if !reflect.DeepEqual(save(t, Record{Start: s}), save(t, Record{Start: last})) {
			t.Error("the replay ends in another state than the machine")
		}
	}
}

// TestMark: what was before a mark is not told to whom the mark is made for, also when the ring has dropped some of it, and the rest replays.
func TestMark(t *testing.T) {
	for _, limit := range []int{DefaultLimit, 20000, 3000} {
		ring, s := drive(t, 200, limit)
		ring.Mark(s)
		if n := len(ring.Marked().Steps); n != 0 {
			t.Errorf("limit %d: %d steps right after the mark", limit, n)
		}
		now := s.Now
		for i := range 300 {
			now.Mono, now.Boot = now.Mono+time.Second, now.Boot+time.Second
			ev := machine.Event{Kind: machine.EvNetworkChanged, Evidence: "mine"}
			after, fx := machine.Step(s, ev, now)
			if err := ring.Add(now, ev, after, fx); err != nil {
				t.Fatal(err)
			}
			s = after
			own := ring.Marked()
			if limit == DefaultLimit && len(own.Steps) != i+1 || len(own.Steps) > i+1 {
				t.Fatalf("limit %d: %d steps after %d", limit, len(own.Steps), i+1)
			}
			for _, st := range own.Steps {
				if st.Event.Evidence != "mine" {
					t.Fatalf("limit %d: a step of before: %v", limit, st.Event)
				}
			}
			if err := Replay(own, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestWall: the times of a record are those of the wall clock when it was saved, counted back on boot time.
func TestWall(t *testing.T) {
	at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	s := Saved{At: at, Boot: time.Hour}
	if got := s.Wall(time.Hour - time.Minute); !got.Equal(at.Add(-time.Minute)) {
		t.Error(got)
	}
	if got := (Saved{}).Wall(time.Hour); !got.IsZero() {
		t.Error(got)
	}
}

// TestReplayFindsADifference: the step is named.
func TestReplayFindsADifference(t *testing.T) {
	ring, _ := drive(t, 60, DefaultLimit)
	changes := map[string]func(*Step){
		"phase":  func(s *Step) { s.Phase = machine.Blocked },
		"reason": func(s *Step) { s.Reason = machine.ReasonRekey },
		"effect": func(s *Step) { s.Effects = append(s.Effects, machine.Effect{Kind: machine.FxCommit}) },
	}
	for name, change := range changes {
		rec := ring.Record()
		change(&rec.Steps[30])
		var d *Difference
		if err := Replay(rec, nil); !errors.As(err, &d) || d.Step != 31 || d.Want == d.Got {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLoadRefuses what is no record.
func TestLoadRefuses(t *testing.T) {
	ring, _ := drive(t, 5, DefaultLimit)
	good := string(save(t, ring.Record()))
	head, _, _ := strings.Cut(good, "\n")
	cases := map[string]string{
		"nothing":                       "",
		"no JSON":                       "hello\n",
		"another header":                `{"record":"something","version":1}` + "\n",
		"another version":               `{"record":"holdfast","version":2}` + "\n",
		"garbage inside":                head + "\nxx\n" + `{"now":{"Mono":1,"Boot":1},"event":{"kind":1},"phase":0}` + "\n",
		"time runs back":                head + "\n" + `{"now":{"Mono":5,"Boot":5},"event":{"kind":1},"phase":0}` + "\n" + `{"now":{"Mono":4,"Boot":5},"event":{"kind":1},"phase":0}` + "\n",
		"time overflows":                head + "\n" + `{"now":{"Mono":9223372036854775807,"Boot":5},"event":{"kind":1},"phase":0}` + "\n",
		"a line too long":               head + "\n" + strings.Repeat(" ", maxLine+1) + "\n",
		"a state too large":             `{"record":"holdfast","version":1,"start":{"jobs":[` + strings.Repeat(`{"id":1},`, maxList) + `{"id":1}]}}` + "\n",
		"a time that cannot be written": `{"record":"holdfast","version":1,"saved":{"at":"9999-12-31T00:00:00Z"}}` + "\n",
		"a negative pause":              `{"record":"holdfast","version":1,"start":{"loss":{"delay":-1}}}` + "\n",
	}
	for name, text := range cases {
		if _, err := Load(strings.NewReader(text)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	cut, err := Load(strings.NewReader(good[:len(good)-20]))
	if err != nil || len(cut.Steps) != 4 {
		t.Errorf("a last line that was cut off: %d steps, %v", len(cut.Steps), err)
	}
}

// TestNothingSecretFits: the recorded types hold no text but evidence, interface names and codes, and nothing live.
func TestNothingSecretFits(t *testing.T) {
	allowed := map[string]bool{"Evidence": true, "Name": true, "Code": true, "Told": true, "By": true}
	var walk func(name string, v reflect.Type)
	walk = func(name string, v reflect.Type) {
		switch v.Kind() {
		case reflect.Struct:
			if v.PkgPath() == "net/netip" || v.PkgPath() == "time" {
				return
			}
			for i := range v.NumField() {
				walk(v.Field(i).Name, v.Field(i).Type)
			}
		case reflect.Slice:
			if v.Elem().Kind() == reflect.Uint8 {
				t.Errorf("%s holds bytes", name)
			}
			walk(name, v.Elem())
		case reflect.String:
			if !allowed[name] {
				t.Errorf("%s holds a text", name)
			}
		case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Chan, reflect.Func, reflect.UnsafePointer:
			t.Errorf("%s is a %v", name, v.Kind())
		}
	}
	walk("Record", reflect.TypeFor[Record]())
}

// FuzzLoad: a hostile record is refused or replayed, in bounded time.
func FuzzLoad(f *testing.F) {
	ring, _ := drive(&testing.T{}, 60, DefaultLimit)
	var b bytes.Buffer
	if err := ring.Record().Save(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(`{"record":"holdfast","version":1,"start":{"phase":5,"jobs":[{"id":1,"kind":3}]}}` + "\n" + `{"now":{"Mono":1,"Boot":1},"event":{"kind":11},"phase":0}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		rec, err := Load(bytes.NewReader(b))
		if err != nil {
			return
		}
		var d *Difference
		if err := Replay(rec, func(machine.State, Step, machine.State) {}); err != nil && !errors.As(err, &d) {
			t.Fatal(err)
		}
	})
}
