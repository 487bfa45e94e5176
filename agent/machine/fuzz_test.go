package machine

import (
	"math/bits"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// A script as bytes: two for the seed, then two for each action, how long after the one before and which of choices. Any bytes are a script, and a change of one byte is
// a small change of the script: a fuzzer needs both.

// maxFuzzed bounds what one run costs.
const maxFuzzed = 64

// pause is the time that a byte stands for: a millisecond to nine minutes, in steps of a sixteenth to a half.
func pause(b byte) time.Duration { return time.Duration(int(b&15)+1) << (b >> 4) * time.Millisecond }

// pauseByte is the byte whose pause is nearest to d from below.
func pauseByte(d time.Duration) byte {
	ms := min(max(uint64(d.Milliseconds()), 1), uint64(pause(255).Milliseconds()))
	shift := max(bits.Len64(ms)-4, 0)
	return byte(shift<<4) | byte(ms>>shift-1)&15
}

// scriptOf decodes.
func scriptOf(b []byte) script {
	s := script{actions: []action{{0, "races", ""}, {0, "connect", ""}}}
	if len(b) >= 2 {
		s.seed, b = uint64(b[0])|uint64(b[1])<<8, b[2:]
	}
	at := time.Duration(0)
	for ; len(b) >= 2 && len(s.actions) < maxFuzzed; b = b[2:] {
		at += pause(b[0])
		a := choices[int(b[1])%len(choices)]
		a.at = at
		s.actions = append(s.actions, a)
	}
	return s.calming(at + time.Second)
}

// bytesOf encodes what of a script has a code: what scriptOf puts before and after is left out, and so is a verb that random scripts do not have.
func bytesOf(s script) []byte {
	b := []byte{byte(s.seed), byte(s.seed >> 8)}
	last := time.Duration(0)
	for _, a := range s.actions {
		like := func(c action) bool { return c.verb == a.verb && c.arg == a.arg }
		i := slices.IndexFunc(choices, like)
		if i < 0 {
			i = slices.IndexFunc(choices, func(c action) bool { return c.verb == a.verb })
		}
		if i < 0 || i > 255 {
			continue
		}
		b = append(b, pauseByte(a.at-last), byte(i))
		last = a.at
	}
	return b
}

// TestFuzzedScripts: the code keeps what it can of a random script, and any bytes are a script that ends calm.
func TestFuzzedScripts(t *testing.T) {
	if len(choices) > 256 {
		t.Fatalf("%d choices: a byte holds no more than 256", len(choices))
	}
	for d := time.Millisecond; d < 8*time.Minute; d = d*11/10 + time.Millisecond {
		if got := pause(pauseByte(d)); got > d || got < d*3/4 {
			t.Errorf("%v becomes %v", d, got)
		}
	}
	for seed := uint64(1); seed < 200; seed++ {
		in := randomScript(seed)
		out := scriptOf(bytesOf(in))
		var want, got []string
		for _, a := range in.actions {
			if a.verb != "races" && a.verb != "calm" {
				want = append(want, a.verb+" "+a.arg)
			}
		}
		for _, a := range out.actions[2:] {
			if a.verb != "races" && a.verb != "calm" {
				got = append(got, a.verb+" "+a.arg)
			}
		}
		if !slices.Equal(want, got) || !calmed(out) || out.seed != seed {
			t.Fatalf("seed %d:\nwant %q\ngot  %q", seed, want, got)
		}
	}
	for _, b := range []string{"", "a", "ab", "abc", strings.Repeat("xy", 500)} {
		if s := scriptOf([]byte(b)); !calmed(s) || len(s.actions) > maxFuzzed+1 {
			t.Errorf("%q is %v", b, s)
		}
	}
}

// FuzzWorld plays whatever script the fuzzer thinks of, beginning with the library's. What it finds is printed as a script for testdata/scenarios.
func FuzzWorld(f *testing.F) {
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	if err != nil || len(files) == 0 {
		f.Fatal("no scenarios", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		s, _, err := parseScript(string(text))
		if err != nil {
			f.Fatal(file, err)
		}
		f.Add(bytesOf(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := scriptOf(b)
		if w := simulate(s, Step); len(w.errs) > 0 {
			t.Fatal(tell(s, Step).told)
		}
	})
}

// FuzzStep feeds events that no shell would: nothing panics, and the State stays in order.
func FuzzStep(f *testing.F) {
	f.Add([]byte{byte(EvConnectRequested), 1, 0, byte(EvTunnelOpened), 1, 1, byte(EvNetworkApplied), 2, 1, byte(EvCarrierDown), 1, 9})
	rng := rand.New(rand.NewPCG(1, 1))
	long := make([]byte, 300)
	for i := range long {
		long[i] = byte(rng.Uint32())
	}
	f.Add(long)
	f.Fuzz(func(t *testing.T, script []byte) {
		s, now := New(1), Instant{Mono: time.Minute, Boot: time.Hour}
		codes := fault.Codes()
		for ; len(script) >= 3; script = script[3:] {
			k, n, x := EventKind(script[0]%byte(evEnd)), script[1], script[2]
			id := ID(n)
			if n >= 128 { // a number that is waited for
				id = 0
				if len(s.Jobs) > 0 {
					id = s.Jobs[int(n)%len(s.Jobs)].ID
				}
			}
			now.Mono += time.Duration(x) * time.Duration(x) * time.Millisecond
			now.Boot = max(now.Boot, now.Mono) + time.Duration(x%7)*time.Second
			ev := Event{Kind: k, Attempt: id, Tunnel: id, Prompt: id, RTT: time.Duration(x) * time.Millisecond, Reason: x,
				Policy: Policy{AutoReconnect: x&1 != 0, Backups: int(x % 3), DisconnectOnSuspend: x&2 != 0}, Plan: NetPlan{MTU: int(x % 2)},
				Limits: Limits{Session: time.Duration(x%9) * time.Minute, Disconnected: time.Duration(x%5) * time.Minute}}
			if x%3 == 0 {
				ev.Tunnel = s.Tunnel
			}
			if x%4 != 0 {
				ev.Fault = faultOf(codes[int(x)%len(codes)])
			}
			for i := range int(x % 4) {
				ev.Paths = append(ev.Paths, Path{IfIndex: i + int(x)/64})
			}
			s, _ = Step(s, ev, now)
			if bad := broken(s, now); len(bad) > 0 {
				t.Fatalf("after %v: %s\n%+v", ev, strings.Join(bad, "; "), s)
			}
		}
	})
}

// FuzzScript: whatever a scenario says, it is read or refused.
func FuzzScript(f *testing.F) {
	f.Add("seed 1\n0s connect\n5s end\nexpect connected\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, _, err := parseScript(text)
		if err == nil {
			for _, a := range s.actions {
				if verbs[a.verb] == nil {
					t.Errorf("read a verb that is none: %q", a.verb)
				}
			}
		}
	})
}
