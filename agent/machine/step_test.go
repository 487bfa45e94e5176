package machine

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// TestEveryPairHasARule: every phase says what it does with every kind of event. The golden is the table to read.
func TestEveryPairHasARule(t *testing.T) {
	var b strings.Builder
	for p := range phaseEnd {
		fmt.Fprintf(&b, "%v\n", p)
		for k := EvTick; k < evEnd; k++ {
			r := table[p][k]
			if r.do == nil || r.name == "" {
				t.Errorf("%v has no rule for %v", p, k)
			}
			fmt.Fprintf(&b, "    %-22s %s\n", k, r.name)
		}
	}
	golden(t, "testdata/table.golden", b.String())
}

// TestNames: what is printed has a name.
func TestNames(t *testing.T) {
	for p := range phaseEnd {
		if p.String() == "" || p.String() == "unknown" {
			t.Errorf("phase %d has no name", p)
		}
	}
	for k := EvTick; k < evEnd; k++ {
		if k.String() == "" || k.String() == "unknown" {
			t.Errorf("event %d has no name", k)
		}
	}
	for k := FxStartAttempt; k < fxEnd; k++ {
		if k.String() == "" || k.String() == "unknown" {
			t.Errorf("effect %d has no name", k)
		}
	}
	if Phase(200).String() != "unknown" || EventKind(200).String() != "unknown" || EffectKind(200).String() != "unknown" {
		t.Error("a number out of range has a name")
	}
}

// TestReasons: every reason has a sentence, is used, and stands in docs/reason-codes.md.
func TestReasons(t *testing.T) {
	declared, used := map[string]int{}, map[string]bool{}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), "_test.go") || !strings.HasSuffix(f.Name(), ".go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				if id, ok := n.Type.(*ast.Ident); ok && id.Name == "Reason" {
					declared[n.Names[0].Name], _ = strconv.Atoi(n.Values[0].(*ast.BasicLit).Value)
				}
			case *ast.Ident:
				if f.Name() != "reason.go" {
					used[n.Name] = true
				}
			}
			return true
		})
	}
	if len(declared) != len(Reasons()) {
		t.Errorf("%d reasons are declared, %d have a sentence", len(declared), len(Reasons()))
	}
	for name, code := range declared {
		if Reason(code).String() == "" || Reason(code).Cause() == "" {
			t.Errorf("%s has no sentence", name)
		}
		if !used[name] {
			t.Errorf("%s is never given", name)
		}
	}
	var b strings.Builder
	b.WriteString(`# Reason codes

Every step of the reconnect machine that decides something says why. The code stands in ` + "`holdfast timeline`, and in `last_reconnect` of `holdfast state --json`" + ` where it
names what began the reconnect. Where the AnyConnect client's number for the same thing is known (6, 9, 15, 16) it is the same number. Generated from
agent/machine/reason.go by ` + "`go test ./agent/machine -run TestReasons -update`" + `.

| code | found | done |
|---:|---|---|
`)
	for _, r := range Reasons() {
		cause, done, _ := strings.Cut(r.String(), ": ")
		fmt.Fprintf(&b, "| %d | %s | %s |\n", r, cause, done)
	}
	golden(t, "../../docs/reason-codes.md", b.String())
}

// up is a machine in the middle of a session, with one path.
func up(t *testing.T, p Policy) (State, Instant) {
	t.Helper()
	return upWith(t, p, Limits{})
}

// upWith is up with a gateway that sets limits.
func upWith(t *testing.T, p Policy, limits Limits) (State, Instant) {
	t.Helper()
	now := Instant{Mono: time.Minute, Boot: time.Hour}
	s := New(1)
	for _, ev := range []Event{
		{Kind: EvNetworkChanged, Paths: []Path{eth}},
		{Kind: EvConnectRequested, Policy: p},
		{Kind: EvTunnelOpened, Attempt: 1, Tunnel: 1, Plan: NetPlan{MTU: 1400}, Limits: limits},
		{Kind: EvNetworkApplied, Attempt: 2},
	} {
		s, _ = Step(s, ev, now)
	}
	if s.Phase != Connected {
		t.Fatalf("%v, not connected", s.Phase)
	}
	return s, now
}

var eth = Path{IfIndex: 2, Name: "eth0", Local: netip.MustParseAddr("192.0.2.10")}

// TestStepLeavesTheOldStateAlone: a State is a value.
func TestStepLeavesTheOldStateAlone(t *testing.T) {
	s, now := up(t, Policy{AutoReconnect: true})
	s, _ = Step(s, Event{Kind: EvSilence, Tunnel: 1}, now)
	jobs, timers, paths := fmt.Sprint(s.Jobs), fmt.Sprint(s.Timers), fmt.Sprint(s.Paths)
	for _, ev := range []Event{{Kind: EvHeard, Tunnel: 1}, {Kind: EvReached, Attempt: s.LastID}, {Kind: EvNetworkChanged}, {Kind: EvShutdown}, {Kind: EvCarrierDown, Tunnel: 1}} {
		Step(s, ev, now)
		if fmt.Sprint(s.Jobs) != jobs || fmt.Sprint(s.Timers) != timers || fmt.Sprint(s.Paths) != paths {
			t.Errorf("%v changed the old state", ev)
		}
	}
}

// TestPace: retries come at once, every half second for a minute, then ever slower up to half a minute.
func TestPace(t *testing.T) {
	s, now := up(t, Policy{AutoReconnect: true})
	s, fx := Step(s, Event{Kind: EvCarrierDown, Tunnel: 1}, now)
	if !has(fx, FxStartReach) {
		t.Fatal("not at once")
	}
	begun, last, gaps := now.Mono, now.Mono, []time.Duration(nil)
	for len(gaps) < 140 {
		for _, f := range fx {
			if f.Kind == FxStartReach { // refused at once
				s, _ = Step(s, Event{Kind: EvReachFailed, Attempt: f.Attempt, Fault: faultOf(fault.NetRefused)}, now)
			}
		}
		wait, ok := s.Wait(now)
		if !ok || s.Phase != Reconnecting {
			t.Fatalf("no more tries after %v: %v", now.Mono-begun, s.Phase)
		}
		now.Mono, now.Boot = now.Mono+wait, now.Boot+wait
		s, fx = Step(s, Event{Kind: EvTick}, now)
		if has(fx, FxStartReach) {
			gaps, last = append(gaps, now.Mono-last), now.Mono
			gap := gaps[len(gaps)-1]
			switch {
			case last-begun <= time.Minute && (gap < 400*time.Millisecond || gap > 600*time.Millisecond):
				t.Fatalf("after %v: a pause of %v", last-begun, gap)
			case last-begun > 3*time.Minute && (gap < 24*time.Second || gap > 36*time.Second):
				t.Fatalf("after %v: a pause of %v", last-begun, gap)
			}
		}
	}
}

// TestNoCodeEndsTheSessionFromAReach: what answers a reach is the path, not the gateway.
func TestNoCodeEndsTheSessionFromAReach(t *testing.T) {
	for _, c := range fault.Codes() {
		s, now := up(t, Policy{AutoReconnect: true})
		s, _ = Step(s, Event{Kind: EvCarrierDown, Tunnel: 1}, now)
		s, _ = Step(s, Event{Kind: EvReachFailed, Attempt: s.LastID, Path: eth, Fault: faultOf(c)}, now)
		if s.Phase != Reconnecting || !s.Session {
			t.Errorf("%s: %v", c, s.Phase)
		}
	}
}

// TestCommitRefused: what an answer to the token does, by its code.
func TestCommitRefused(t *testing.T) {
	want := map[fault.Code]Phase{
		fault.GwSession: Connecting, fault.GwEnded: Connecting, fault.AuthInput: Connecting, // only a login helps
		fault.GwSettings: Disconnecting, fault.Internal: Disconnecting, fault.PolGroup: Disconnecting,
		fault.GwUnavailable: Reconnecting, fault.NetHTTPRefused: Reconnecting, fault.NetRedirect: Reconnecting, fault.NetPortal: Reconnecting,
		fault.TLSUntrusted: Reconnecting, fault.TLSPin: Reconnecting, fault.TLSChanged: Reconnecting, fault.NetMalformed: Reconnecting,
	}
	for c, phase := range want {
		s, now := up(t, Policy{AutoReconnect: true})
		s, _ = Step(s, Event{Kind: EvCarrierDown, Tunnel: 1}, now)
		s, fx := Step(s, Event{Kind: EvReached, Attempt: s.LastID, Path: eth}, now)
		if !has(fx, FxCommit) {
			t.Fatal("no commit")
		}
		s, fx = Step(s, Event{Kind: EvRebindFailed, Attempt: s.LastID, Fault: faultOf(c)}, now)
		if s.Phase != phase {
			t.Errorf("%s: %v, not %v", c, s.Phase, phase)
		}
		if (phase == Connecting) != has(fx, FxStartAttempt) {
			t.Errorf("%s: %v", c, fx)
		}
	}
}

// TestSlownessIsNotDeath: a new connection that answers gives the old one three round trips.
func TestSlownessIsNotDeath(t *testing.T) {
	s, now := up(t, Policy{AutoReconnect: true})
	s, _ = Step(s, Event{Kind: EvSilence, Tunnel: 1}, now)
	now.Mono += courtesy
	s, _ = Step(s, Event{Kind: EvTick}, now)
	probe, reach := s.Jobs[0].ID, s.Jobs[1].ID
	now.Mono += 200*time.Millisecond - courtesy
	s, fx := Step(s, Event{Kind: EvReached, Attempt: reach, Path: eth, RTT: 200 * time.Millisecond}, now)
	now.Mono += 399 * time.Millisecond
	s, fx2 := Step(s, Event{Kind: EvTick}, now)
	if has(fx, FxCommit) || has(fx2, FxCommit) {
		t.Fatal("committed before three round trips")
	}
	if alive, fx := Step(s, Event{Kind: EvProbed, Attempt: probe, Tunnel: 1}, now); alive.Probing || !has(fx, FxCancelAttempt) {
		t.Error("the answer was not taken")
	}
	now.Mono += time.Millisecond
	if _, fx := Step(s, Event{Kind: EvTick}, now); !has(fx, FxCommit) {
		t.Error("not committed after three round trips")
	}
}

// TestSilenceAsksFirst: the gateway is not bothered with new connections before a question had its time, which is longer where the round trip is; the time for which the
// tunnel has asked already counts.
func TestSilenceAsksFirst(t *testing.T) {
	for _, tt := range []struct {
		name              string
		trip, asked, wait time.Duration
	}{
		{"nothing is known", 0, 0, 50 * time.Millisecond},
		{"far away", 100 * time.Millisecond, 0, 150 * time.Millisecond},
		{"farther", time.Second, 0, 250 * time.Millisecond},
		{"asked already", 0, 100 * time.Millisecond, 0},
		{"asked a moment ago", 0, 30 * time.Millisecond, 20 * time.Millisecond},
	} {
		s, now := up(t, Policy{AutoReconnect: true})
		s.RTT = tt.trip
		s, fx := Step(s, Event{Kind: EvSilence, Tunnel: 1, Asked: tt.asked}, now)
		if !has(fx, FxProbe) || has(fx, FxStartReach) != (tt.wait == 0) {
			t.Errorf("%s: %v", tt.name, fx)
		}
		if answered, fx := Step(s, Event{Kind: EvProbed, Attempt: s.Jobs[0].ID, Tunnel: 1, RTT: time.Millisecond}, now); answered.Probing || answered.timer(TimerRetry) >= 0 || has(fx, FxStartReach) {
			t.Errorf("%s: answered: %v, timers %v", tt.name, fx, answered.Timers)
		}
		if tt.wait == 0 {
			if _, fx := Step(s, Event{Kind: EvReached, Attempt: s.Jobs[1].ID, Path: eth, RTT: time.Millisecond}, now); !has(fx, FxCommit) {
				t.Errorf("%s: asked for long enough and not committed", tt.name)
			}
			continue
		}
		now.Mono += tt.wait - 1
		s, fx = Step(s, Event{Kind: EvTick}, now)
		now.Mono++
		if _, due := Step(s, Event{Kind: EvTick}, now); has(fx, FxStartReach) || !has(due, FxStartReach) {
			t.Errorf("%s: %v, then %v", tt.name, fx, due)
		}
	}
}

// TestUnknownPath: a tunnel over an uplink that the monitor has not seen yet is not lost for that, and has the way once it is seen.
func TestUnknownPath(t *testing.T) {
	now := Instant{Mono: time.Minute, Boot: time.Hour}
	s, _ := Step(New(1), Event{Kind: EvNetworkChanged}, now)
	s, _ = Step(s, Event{Kind: EvConnectRequested, Policy: Policy{AutoReconnect: true}}, now)
	s, _ = Step(s, Event{Kind: EvTunnelOpened, Attempt: 1, Tunnel: 1, Plan: NetPlan{MTU: 1400}}, now)
	s, _ = Step(s, Event{Kind: EvNetworkApplied, Attempt: 2}, now)
	if s.Phase != Connected {
		t.Fatalf("%v", s.Phase)
	}
	s, fx := Step(s, Event{Kind: EvNetworkChanged, Paths: []Path{eth}, Path: eth}, now)
	if s.Phase != Connected || s.Path != eth || has(fx, FxStartReach) {
		t.Errorf("%v, %v, %v", s.Phase, s.Path, fx)
	}
}

// TestSilenceExplained: a link that goes down is often noticed by its silence first. The reconnect is of the network that went away.
func TestSilenceExplained(t *testing.T) {
	s, now := up(t, Policy{AutoReconnect: true})
	s, _ = Step(s, Event{Kind: EvSilence, Tunnel: 1}, now)
	s, _ = Step(s, Event{Kind: EvNetworkChanged}, now)
	if s.Phase != Reconnecting || s.Loss.Cause != ReasonPathGone {
		t.Errorf("%v because of %v", s.Phase, s.Loss.Cause)
	}
}

// TestCarrierChanged: another transport of the session's tunnel is news for people and changes nothing; of another tunnel it is no news.
func TestCarrierChanged(t *testing.T) {
	before, now := up(t, Policy{AutoReconnect: true})
	s, fx := Step(before, Event{Kind: EvCarrierChanged, Tunnel: 1, Evidence: "dtls"}, now)
	if s.Phase != Connected || s.Reason != ReasonCarrier || len(fx) != 1 || fx[0].Kind != FxPublish || s.Tunnels != before.Tunnels || s.LastReconnect != before.LastReconnect {
		t.Errorf("%v, %v, %+v", s.Phase, s.Reason, fx)
	}
	if s, fx := Step(before, Event{Kind: EvCarrierChanged, Tunnel: 99}, now); s.Reason != ReasonNone || len(fx) != 0 {
		t.Errorf("of another tunnel: %v, %+v", s.Reason, fx)
	}
}

// TestWithoutAutoReconnect: a loss ends the session, silence does not.
func TestWithoutAutoReconnect(t *testing.T) {
	s, now := up(t, Policy{})
	if s, _ := Step(s, Event{Kind: EvSilence, Tunnel: 1}, now); s.Phase != Connected || s.has(FxStartReach) {
		t.Errorf("silence: %v", s.Phase)
	}
	s, fx := Step(s, Event{Kind: EvCarrierDown, Tunnel: 1, Fault: faultOf(fault.NetLost)}, now)
	if s.Phase != Disconnecting || s.Err.Code != fault.NetLost || !has(fx, FxRevertNetwork) {
		t.Errorf("%v %v", s.Phase, s.Err)
	}
}

// TestBudget: our own time is bounded, a person's has its own bound, and the sentence says whether the gateway was there.
func TestBudget(t *testing.T) {
	now := Instant{Mono: time.Minute, Boot: time.Hour}
	begin := func() State {
		s, _ := Step(New(1), Event{Kind: EvConnectRequested, Deadline: 20 * time.Second}, now)
		return s
	}
	at := func(s State, d time.Duration, ev Event) State {
		s, _ = Step(s, ev, Instant{now.Mono + d, now.Boot + d})
		return s
	}
	tick := Event{Kind: EvTick}
	ask, answer := Event{Kind: EvPromptNeeded, Attempt: 1, Prompt: 1}, Event{Kind: EvPromptAnswered, Attempt: 1, Prompt: 1}
	spoke, wait, waited := Event{Kind: EvAnswered, Attempt: 1}, Event{Kind: EvWaitBegan, Attempt: 1}, Event{Kind: EvWaitEnded, Attempt: 1}
	waits := func() State { return at(at(begin(), time.Second, spoke), 2*time.Second, wait) }
	cases := []struct {
		name string
		s    State
		code fault.Code
	}{
		{"silent", at(begin(), 20*time.Second, tick), fault.NetTimeout},
		{"in time", at(begin(), 19*time.Second, tick), ""},
		{"answered once", at(at(begin(), time.Second, Event{Kind: EvAnswered, Attempt: 1}), 20*time.Second, tick), fault.GwTimeout},
		{"a slow person", at(at(begin(), time.Second, ask), 4*time.Minute, tick), ""},
		{"nobody", at(at(begin(), time.Second, ask), 5*time.Minute+time.Second, tick), fault.AuthNobody},
		{"time left after an answer", at(at(at(begin(), time.Second, ask), 4*time.Minute, answer), 4*time.Minute+18*time.Second, tick), ""},
		{"a push answered late", at(waits(), 4*time.Minute, tick), ""},
		{"a push nobody answers", at(waits(), 5*time.Minute+2*time.Second, tick), fault.GwTimeout},
		{"time left after a push", at(at(waits(), 4*time.Minute, waited), 4*time.Minute+17*time.Second, tick), ""},
		{"none left after a push", at(at(waits(), 4*time.Minute, waited), 4*time.Minute+18*time.Second, tick), fault.GwTimeout},
		{"told twice", at(at(at(waits(), 3*time.Minute, wait), 4*time.Minute, waited), 4*time.Minute+18*time.Second, tick), fault.GwTimeout},
		{"a question after a push", at(at(at(waits(), time.Minute, ask), 4*time.Minute, answer), 4*time.Minute+17*time.Second, tick), ""},
		{"none left after both", at(at(at(waits(), time.Minute, ask), 4*time.Minute, answer), 4*time.Minute+18*time.Second, tick), fault.GwTimeout},
		{"another login's push", at(at(begin(), time.Second, Event{Kind: EvWaitBegan, Attempt: 9}), 20*time.Second, tick), fault.NetTimeout},
		{"none left after an answer", at(at(at(begin(), time.Second, ask), 4*time.Minute, answer), 4*time.Minute+19*time.Second, tick), fault.GwTimeout},
	}
	for _, c := range cases {
		if c.s.Err.Code != c.code || (c.code == "") == (c.s.Phase == Disconnected) {
			t.Errorf("%s: %v %v", c.name, c.s.Phase, c.s.Err)
		}
	}
}

// TestDeviceGone: whatever the phase, a session with a device ends with it, at the gateway too; what is late or of no session is not heard.
func TestDeviceGone(t *testing.T) {
	gone := Event{Kind: EvDeviceGone}
	s, now := up(t, Policy{AutoReconnect: true})
	down, _ := Step(s, Event{Kind: EvCarrierDown, Tunnel: 1}, now)
	again, _ := Step(s, Event{Kind: EvServerClosed, Tunnel: 1, Reason: byeUser}, now)
	asked, _ := Step(again, Event{Kind: EvPromptNeeded, Attempt: again.LastID, Prompt: 1}, now)
	for _, s := range []State{s, down, again, asked} {
		end, fx := Step(s, gone, now)
		if end.Phase != Disconnecting || end.Err.Code != fault.TunGone || !has(fx, FxRevertNetwork) || !has(fx, FxRaiseNotice) {
			t.Errorf("%v: %v %v %v", s.Phase, end.Phase, end.Err, fx)
		}
		if open := s.Tunnel != 0; open && !strings.Contains(fmt.Sprint(fx), "close-tunnel tunnel 1 for good") {
			t.Errorf("%v: %v", s.Phase, fx)
		}
		if twice, fx := Step(end, gone, now); twice.Phase != Disconnecting || len(fx) != 0 {
			t.Errorf("told twice: %v %v", twice.Phase, fx)
		}
	}
	first, _ := Step(New(1), Event{Kind: EvConnectRequested}, now)
	if s, fx := Step(first, gone, now); s.Phase != Connecting || len(fx) != 0 {
		t.Errorf("before there was one: %v %v", s.Phase, fx)
	}
}

// TestLocked: where policy holds the session up the user is told so.
func TestLocked(t *testing.T) {
	s, now := up(t, Policy{AutoReconnect: true, LockUp: true})
	s, fx := Step(s, Event{Kind: EvDisconnectRequested}, now)
	if s.Phase != Connected || !has(fx, FxRaiseNotice) {
		t.Errorf("%v %v", s.Phase, fx)
	}
	if s, _ = Step(s, Event{Kind: EvShutdown}, now); s.Phase != Disconnecting {
		t.Errorf("shutdown: %v", s.Phase)
	}
}

// TestConnectDuringDisconnect: it waits, and is forgotten when the user changes his mind.
func TestConnectDuringDisconnect(t *testing.T) {
	s, now := up(t, Policy{AutoReconnect: true})
	s, _ = Step(s, Event{Kind: EvDisconnectRequested}, now)
	s, _ = Step(s, Event{Kind: EvConnectRequested, Policy: Policy{Backups: 1}}, now)
	now.Mono += closingTime
	if again, fx := Step(s, Event{Kind: EvTick}, now); again.Phase != Connecting || again.Policy.Backups != 1 || !has(fx, FxStartAttempt) {
		t.Errorf("%v %v", again.Phase, fx)
	}
	s, _ = Step(s, Event{Kind: EvDisconnectRequested}, now)
	if s, _ = Step(s, Event{Kind: EvTick}, now); s.Phase != Disconnected {
		t.Errorf("after a second thought: %v", s.Phase)
	}
}

// TestSessionEnds: on the clock that counts sleep, whatever event comes first. One whose end came in time is over; one that ended while the machine slept is asked for anew, once.
func TestSessionEnds(t *testing.T) {
	for _, c := range []struct {
		name  string
		late  time.Duration
		p     Policy
		phase Phase
	}{
		{"awake", 0, Policy{AutoReconnect: true}, Disconnecting},
		{"awake and busy", overslept, Policy{AutoReconnect: true}, Disconnecting},
		{"asleep", time.Hour, Policy{AutoReconnect: true}, Connecting},
		{"asleep, and it may not come back", time.Hour, Policy{}, Disconnecting},
		{"asleep, where that ends it", time.Hour, Policy{AutoReconnect: true, DisconnectOnSuspend: true}, Disconnecting},
	} {
		for _, lost := range []bool{false, true} {
			s, now := upWith(t, c.p, Limits{Session: time.Hour, Disconnected: time.Hour})
			if lost && c.p.AutoReconnect {
				s, _ = Step(s, Event{Kind: EvCarrierDown, Tunnel: 1}, now)
			}
			now.Boot = s.NextDeadline().Boot + c.late
			s, fx := Step(s, Event{Kind: EvResumed}, now)
			if s.Phase != c.phase || s.Err.Code != fault.GwTime || has(fx, FxStartReach) || has(fx, FxStartAttempt) != (c.phase == Connecting) || s.Session {
				t.Errorf("%s, lost before %v: %v %v %v", c.name, lost, s.Phase, s.Err, fx)
			}
			if c.phase != Connecting {
				continue
			}
			now.Boot += time.Minute
			if _, fx = Step(s, Event{Kind: EvResumed}, now); has(fx, FxStartAttempt) {
				t.Errorf("%s: logs in twice", c.name)
			}
		}
	}
}

// TestSessionLimitSentAgain: a gateway repeats the whole limit or what is left of it when the session comes back. Neither may lengthen it.
func TestSessionLimitSentAgain(t *testing.T) {
	for _, c := range []struct {
		name             string
		first, then, end time.Duration
	}{
		{"the whole limit again", 8 * time.Hour, 8 * time.Hour, 8 * time.Hour},
		{"what is left", 8 * time.Hour, 7 * time.Hour, 8 * time.Hour},
		{"less", 8 * time.Hour, time.Hour, 2 * time.Hour},
		{"one that was not there", 0, 3 * time.Hour, 4 * time.Hour},
		{"none any more", 8 * time.Hour, 0, 8 * time.Hour},
		{"more than time can count", 1<<63 - 1, 1<<63 - 1, 10 * 365 * 24 * time.Hour},
	} {
		now := Instant{Mono: time.Minute, Boot: time.Hour}
		login := now.Boot
		s, _ := Step(New(1), Event{Kind: EvConnectRequested, Policy: Policy{AutoReconnect: true}}, now)
		s, _ = Step(s, Event{Kind: EvTunnelOpened, Attempt: 1, Tunnel: 1, Limits: Limits{Session: c.first}}, now)
		s, _ = Step(s, Event{Kind: EvNetworkApplied, Attempt: 2}, now)
		now.Mono, now.Boot = now.Mono+time.Hour, now.Boot+time.Hour
		s, _ = Step(s, Event{Kind: EvCarrierDown, Tunnel: 1}, now)
		s, _ = Step(s, Event{Kind: EvReached, Attempt: s.LastID}, now)
		s, _ = Step(s, Event{Kind: EvRebound, Attempt: s.LastID, Tunnel: s.LastID, Limits: Limits{Session: c.then}}, now)
		if end, ok := s.Expires(); !ok || s.Phase != Connected || end-login != c.end {
			t.Errorf("%s: %v, ends after %v, not %v", c.name, s.Phase, end-login, c.end)
		}
	}
}

// TestLevels: what counts as a reconnect of the tunnel and what as one of the session.
func TestLevels(t *testing.T) {
	wifi := Path{IfIndex: 3, Name: "wlan0", Local: netip.MustParseAddr("198.51.100.7")}
	for _, c := range []struct {
		name  string
		first Event
		path  Path
		plan  NetPlan
		after time.Duration
		level Level
	}{
		{"the same path", Event{Kind: EvCarrierDown, Tunnel: 1}, eth, NetPlan{MTU: 1400}, 2 * time.Second, LevelTunnel},
		{"another path", Event{Kind: EvCarrierDown, Tunnel: 1}, wifi, NetPlan{MTU: 1400}, 2 * time.Second, LevelSession},
		{"other settings", Event{Kind: EvCarrierDown, Tunnel: 1}, eth, NetPlan{MTU: 1300}, 2 * time.Second, LevelSession},
		{"later than thirty seconds", Event{Kind: EvCarrierDown, Tunnel: 1}, eth, NetPlan{MTU: 1400}, 31 * time.Second, LevelSession},
		{"after sleep", Event{Kind: EvResumed}, eth, NetPlan{MTU: 1400}, 2 * time.Second, LevelSession},
	} {
		s, now := up(t, Policy{AutoReconnect: true})
		s, _ = Step(s, Event{Kind: EvNetworkChanged, Paths: []Path{eth, wifi}}, now)
		s, _ = Step(s, c.first, now)
		now.Mono, now.Boot = now.Mono+c.after, now.Boot+c.after
		if c.after > reachTime {
			s, _ = Step(s, Event{Kind: EvTick}, now)
			s, _ = Step(s, Event{Kind: EvTick}, Instant{now.Mono + time.Second, now.Boot + time.Second})
		}
		for _, j := range s.Jobs {
			if j.Kind == FxStartReach && j.Path == c.path {
				s, _ = Step(s, Event{Kind: EvReached, Attempt: j.ID, RTT: time.Millisecond}, now)
			}
		}
		s, _ = Step(s, Event{Kind: EvRebound, Attempt: s.LastID, Tunnel: s.LastID, Plan: c.plan}, now)
		if s.Phase == Establishing {
			s, _ = Step(s, Event{Kind: EvNetworkApplied, Attempt: s.LastID - 1}, now)
		}
		if s.Phase != Connected || s.LastReconnect.Level != c.level {
			t.Errorf("%s: %v, level %v, not %v", c.name, s.Phase, s.LastReconnect.Level, c.level)
		}
	}
}

func has(fx []Effect, k EffectKind) bool {
	for _, f := range fx {
		if f.Kind == k {
			return true
		}
	}
	return false
}
