package cli

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// aReplay is a session that loses its path, tries for a while, sleeps and comes back.
func aReplay() []ReplayStep {
	step := func(at float64, from, phase, event, reason, evidence string, took float64, what ...string) ReplayStep {
		s := ReplayStep{At: at, From: from, What: what, Entry: ipc.Entry{At: now.Add(time.Duration(at * 1e9)), Phase: phase, Event: event, Reason: reason, Evidence: evidence, TookMS: took}}
		for _, w := range what {
			kind, _, _ := strings.Cut(w, " ")
			s.Entry.Effects = append(s.Entry.Effects, kind)
		}
		return s
	}
	steps := []ReplayStep{
		step(0, "disconnected", "connecting", "connect-requested", "a connection was asked for: log in", "", 0, "start-attempt 1"),
		step(0.084, "connecting", "establishing", "tunnel-opened", "the login made a tunnel: apply what it wants of this machine", "eth0/192.0.2.10", 84.2, "apply-network 2 tunnel 1"),
		step(0.114, "establishing", "connected", "network-applied", "this machine is set up: let packets flow", "", 30, "start-pump tunnel 1"),
		step(30.1, "connected", "reconnecting", "network-changed", "the network that was being used went away: look for another", "no network", 0, "stop-pump"),
	}
	for i := range 8 {
		steps = append(steps, step(31+float64(i)*0.5, "reconnecting", "reconnecting", "tick", "still nothing: ask again on every path", "", 0, "start-reach 9 eth0/192.0.2.10"))
	}
	idle := step(36, "reconnecting", "reconnecting", "tick", "", "", 0)
	idle.Idle = true
	woke := step(3636, "reconnecting", "reconnecting", "resumed", "the machine woke from sleep: the old connection is asked for a sign of life, new ones are tried beside it", "asleep for 1h: a hostile\x1b[2Jtext", 0)
	woke.Slept = 3600
	return append(steps, idle, woke, step(3636.2, "reconnecting", "connected", "rebound", "the session goes on with the same settings: let packets flow", "eth0/192.0.2.10", 20.5, "start-pump tunnel 5", "close-tunnel tunnel 1 without a word"))
}

func replaying(steps []ReplayStep, err error) Deps {
	return Deps{Replay: func(r io.Reader, each func(ReplayStep)) error {
		if _, err := io.ReadAll(r); err != nil {
			return err
		}
		for _, s := range steps {
			each(s)
		}
		return err
	}}
}

func TestReplayForPeople(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lost.holdfast")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	differs := fault.Newf(fault.UseReplay, nil, "step 3").Hint("recorded: connected").Hint("replayed: blocked")
	for name, tt := range map[string]struct {
		d    Deps
		args []string
		exit int
	}{
		"replay":         {replaying(aReplay(), nil), []string{"replay", file}, 0},
		"replay-all":     {replaying(aReplay(), nil), []string{"replay", "--all", file}, 0},
		"replay-json":    {replaying(aReplay(), nil), []string{"replay", "--json", file}, 0},
		"replay-nothing": {replaying(nil, nil), []string{"replay", file}, 0},
		"replay-differs": {replaying(aReplay()[:3], differs), []string{"replay", file}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := playWith(t.Context(), nil, tt.d, nil, "", tt.args...)
			if r.exit != tt.exit {
				t.Errorf("exit %d, want %d", r.exit, tt.exit)
			}
			if strings.ContainsRune(r.out, 0x1b) {
				t.Error("colour, or a hostile text, where there is no terminal")
			}
			golden(t, name, []byte(r.out+r.err))
		})
	}
}

// TestReplayOfWhat: a file that is not there, standard input, and no file at all.
func TestReplayOfWhat(t *testing.T) {
	d := replaying(aReplay(), nil)
	if r := playWith(t.Context(), nil, d, nil, "", "replay", filepath.Join(t.TempDir(), "nothing")); r.exit != 2 || !strings.Contains(r.err, "no such file") {
		t.Errorf("exit %d: %s", r.exit, r.err)
	}
	if r := playWith(t.Context(), nil, d, nil, "a record", "replay", "-"); r.exit != 0 || !strings.Contains(r.out, "● reconnecting") {
		t.Errorf("exit %d: %s", r.exit, r.out)
	}
	if r := playWith(t.Context(), nil, d, nil, "", "replay"); r.exit != 2 {
		t.Errorf("exit %d: %s", r.exit, r.err)
	}
}

// TestReplayJSON: every line is an entry as of timeline --json, without the ticks that found nothing to do.
func TestReplayJSON(t *testing.T) {
	r := playWith(t.Context(), nil, replaying(aReplay(), nil), nil, "a record", "replay", "--json", "-")
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	if len(lines) != len(aReplay())-1 {
		t.Errorf("%d lines", len(lines))
	}
	for _, l := range lines {
		var e ipc.Entry
		dec := json.NewDecoder(strings.NewReader(l))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&e); err != nil || e.Event == "" {
			t.Errorf("%s: %v", l, err)
		}
	}
}
