package offline

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/agent/machine/record"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// aRecord is a session that is made, loses its connection, comes back, and sleeps for an hour.
func aRecord(tb testing.TB) record.Record {
	tb.Helper()
	path := machine.Path{IfIndex: 2, Name: "eth0", Local: netip.MustParseAddr("192.0.2.10")}
	plan := machine.NetPlan{Addr4: netip.MustParsePrefix("10.9.0.2/24"), MTU: 1400}
	s, now := machine.New(1), machine.Instant{Mono: time.Minute, Boot: time.Hour}
	ring := record.NewRing(s, record.DefaultLimit)
	feed := func(after time.Duration, ev machine.Event) {
		tb.Helper()
		now.Mono, now.Boot = now.Mono+after, now.Boot+after
		next, fx := machine.Step(s, ev, now)
		if err := ring.Add(now, ev, next, fx); err != nil {
			tb.Fatal(err)
		}
		s = next
	}
	job := func(k machine.EffectKind) machine.ID {
		tb.Helper()
		for _, j := range s.Jobs {
			if j.Kind == k {
				return j.ID
			}
		}
		tb.Fatalf("no %v under way in %v", k, s.Phase)
		return 0
	}
	feed(0, machine.Event{Kind: machine.EvNetworkChanged, Paths: []machine.Path{path}})
	feed(0, machine.Event{Kind: machine.EvConnectRequested, Policy: machine.Policy{AutoReconnect: true}})
	login := job(machine.FxStartAttempt)
	feed(84*time.Millisecond, machine.Event{Kind: machine.EvTunnelOpened, Attempt: login, Tunnel: login, Path: path, Plan: plan})
	feed(30*time.Millisecond, machine.Event{Kind: machine.EvNetworkApplied, Attempt: job(machine.FxApplyNetwork)})
	feed(30*time.Second, machine.Event{Kind: machine.EvCarrierDown, Tunnel: login, Fault: machine.Fault{Code: fault.NetLost, Kind: fault.Retryable}})
	feed(60*time.Millisecond, machine.Event{Kind: machine.EvReached, Attempt: job(machine.FxStartReach), Path: path, RTT: 20 * time.Millisecond})
	commit := job(machine.FxCommit)
	feed(20*time.Millisecond, machine.Event{Kind: machine.EvRebound, Attempt: commit, Tunnel: commit, Path: path, Plan: plan})
	feed(time.Second, machine.Event{Kind: machine.EvTick})
	feed(0, machine.Event{Kind: machine.EvSuspending})
	now.Boot += time.Hour
	feed(0, machine.Event{Kind: machine.EvResumed, Slept: time.Hour})
	rec := ring.Record()
	rec.Saved = record.Saved{At: time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC), Boot: now.Boot, By: "1.2.3"}
	return rec
}

func saved(tb testing.TB, rec record.Record) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := rec.Save(&b); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func TestReplay(t *testing.T) {
	var steps []Replayed
	if err := Replay(bytes.NewReader(saved(t, aRecord(t))), func(r Replayed) { steps = append(steps, r) }); err != nil {
		t.Fatal(err)
	}
	if len(steps) != 10 {
		t.Fatalf("%d steps", len(steps))
	}
	down, commit, back, tick, woke := steps[4], steps[5], steps[6], steps[7], steps[9]
	switch {
	case down.From != "connected" || down.Entry.Phase != "reconnecting" || !strings.Contains(down.Entry.Evidence, "NET-005 the connection to the gateway was lost"):
		t.Errorf("the loss: %+v", down)
	case !strings.Contains(strings.Join(commit.What, ", "), "commit 4 on 3 eth0/192.0.2.10"):
		t.Errorf("the commit: %+v", commit)
	case back.Entry.TookMS != 20 || back.Entry.Phase != "connected" || !strings.Contains(back.Entry.Evidence, "tunnel level, 80 ms without packets, noticed at once"):
		t.Errorf("what it cost: %+v", back.Entry)
	case !tick.Idle || back.Idle:
		t.Errorf("which tick is idle: %+v", tick)
	case woke.Slept != 3600 || !strings.Contains(woke.Entry.Evidence, "asleep for 1h"):
		t.Errorf("sleep: %+v", woke)
	case !woke.Entry.At.Equal(time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)) || woke.Entry.At.Sub(steps[8].Entry.At) != time.Hour:
		t.Errorf("the wall's time: %v, %v", steps[8].Entry.At, woke.Entry.At)
	case woke.Entry.Seq != 9:
		t.Errorf("numbered %d", woke.Entry.Seq)
	}
}

// TestReplayDiffers: where a record and the machine part, the step is named and both decisions are told.
func TestReplayDiffers(t *testing.T) {
	rec := aRecord(t)
	rec.Steps[5].Effects = nil
	n := 0
	err := Replay(bytes.NewReader(saved(t, rec)), func(Replayed) { n++ })
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.UseReplay || !strings.Contains(f.Sentence(), "step 6") || n != 6 {
		t.Fatalf("%v after %d steps", err, n)
	}
	if len(f.Hints) != 2 || strings.Contains(f.Hints[0], "commit 4") || !strings.Contains(f.Hints[1], "commit 4 on 3") {
		t.Errorf("hints %q", f.Hints)
	}
}

// TestReplayRefuses what is no record, and shows nothing of it.
func TestReplayRefuses(t *testing.T) {
	for name, text := range map[string]string{"nothing": "", "a page": "<html>", "another version": `{"record":"holdfast","version":9}`, "a timeline": `{"at":"2026-05-04T11:59:00Z","seq":1}`} {
		err := Replay(strings.NewReader(text), func(Replayed) { t.Error(name, "has a step") })
		if f := fault.As(err); f.Code != fault.UseRecord {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzReplay: whatever a record holds, nothing that could move a terminal's cursor comes out.
func FuzzReplay(f *testing.F) {
	f.Add(saved(f, aRecord(f)))
	f.Add([]byte(`{"record":"holdfast","version":1,"start":{"phase":4}}` + "\n" + `{"now":{"Mono":1,"Boot":1},"event":{"kind":31,"evidence":"\u001b[2J","path":{"name":"\u001b]0;x"}},"phase":4}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = Replay(bytes.NewReader(b), func(r Replayed) {
			for _, text := range append([]string{r.From, r.Entry.Phase, r.Entry.Event, r.Entry.Reason, r.Entry.Evidence}, r.What...) {
				if strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f || c == 0x202e }) {
					t.Fatalf("%q", text)
				}
			}
			if _, err := r.Entry.At.MarshalJSON(); err != nil {
				t.Fatal(err)
			}
		})
	})
}
