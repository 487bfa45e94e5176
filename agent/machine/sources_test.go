package machine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// This file holds, row by row, what Cisco's support notes say of an ASA's tunnels and the client's reconnects, as far as the machine decides it. docs/compatibility.md lists
// all rows with their tests.

// tale plays a script that must break no invariant and says what happened, a decision to a line.
func tale(t *testing.T, text string) (*world, string) {
	t.Helper()
	s, _, err := parseScript(text)
	if err != nil {
		t.Fatal(err)
	}
	w := play(s, Step, true)
	for _, e := range w.errs {
		t.Error(e)
	}
	return w, strings.Join(w.log, "\n")
}

// count is how often the machine had something done.
func count(log string, k EffectKind) (n int) {
	for _, line := range strings.Split(log, "\n") {
		fields := strings.Split(line, " | ")
		for _, fx := range strings.Split(fields[len(fields)-1], ", ") {
			if fx == k.String() || strings.HasPrefix(fx, k.String()+" ") {
				n++
			}
		}
	}
	return n
}

// TestSourceC_EachTunnelIsMadeWithoutTheOnesBelow: a session is its token, a TLS tunnel and a DTLS tunnel. DTLS that goes takes nothing with it, TLS that goes leaves the
// token, and neither costs a login.
func TestSourceC_EachTunnelIsMadeWithoutTheOnesBelow(t *testing.T) {
	s, now := up(t, Policy{AutoReconnect: true})
	after, fx := Step(s, Event{Kind: EvCarrierChanged, Tunnel: 1}, now)
	if after.Phase != Connected || !after.Pump || len(fx) != 1 || fx[0].Kind != FxPublish {
		t.Errorf("DTLS gone: %v, %v", after.Phase, fx)
	}
	w, log := tale(t, "seed 1\n0s udp open\n0s connect\n10s kill-worker\n20s udp blocked\n40s udp open\n90s end\n")
	if w.s.Phase != Connected || w.logins != 1 || count(log, FxDropSession) != 0 || !strings.Contains(log, "carrier-changed") {
		t.Errorf("%v after %d logins:\n%s", w.s.Phase, w.logins, log)
	}
}

// TestSourceC_IdleTimeIsTheDisconnectedTimeOnceTLSIsGone: a session is inactive only then, and from then on the idle time counts, even while the machine sleeps.
func TestSourceC_IdleTimeIsTheDisconnectedTimeOnceTLSIsGone(t *testing.T) {
	s, now := up(t, Policy{AutoReconnect: true})
	s.Limits = Limits{Idle: 5 * time.Minute}
	if _, ok := s.Expires(); ok || s.NextDeadline().Boot != Never {
		t.Error("a tunnel that is up counts against the session")
	}
	s, _ = Step(s, Event{Kind: EvCarrierDown, Tunnel: 1}, now)
	if left := s.NextDeadline().Boot - now.Boot; left != 5*time.Minute {
		t.Errorf("the session has %v left", left)
	}
}

// TestSourceC_DPDNeverEndsASession: it ends the tunnel, and the token makes another one.
func TestSourceC_DPDNeverEndsASession(t *testing.T) {
	s, now := up(t, Policy{AutoReconnect: true})
	for range 40 { // again and again: every new tunnel is declared dead too
		var fx []Effect
		s, fx = Step(s, Event{Kind: EvPeerDead, Tunnel: s.Tunnel}, now)
		if s.Phase != Reconnecting || !s.Session || has(fx, FxDropSession) || has(fx, FxStartAttempt) {
			t.Fatalf("%v, %v", s.Phase, fx)
		}
		path := s.Paths[0]
		i := slices.IndexFunc(s.Jobs, func(j Job) bool { return j.Kind == FxStartReach && j.Path == path })
		s, _ = Step(s, Event{Kind: EvReached, Attempt: s.Jobs[i].ID, Path: path, RTT: time.Millisecond}, now)
		s, _ = Step(s, Event{Kind: EvRebound, Attempt: s.LastID, Tunnel: s.LastID, Path: path, Plan: s.Plan}, now)
		if s.Phase != Connected {
			t.Fatal(s.Phase)
		}
		now.Mono, now.Boot = now.Mono+time.Minute, now.Boot+time.Minute
	}
	if s.Sessions+s.Tunnels != 40 {
		t.Errorf("%d and %d reconnects", s.Tunnels, s.Sessions)
	}
}

// TestSourceC_BackupServersWhileConnecting: a gateway that cannot be reached while a session is made costs its backup servers a try each, in their order.
func TestSourceC_BackupServersWhileConnecting(t *testing.T) {
	w, log := tale(t, "seed 1\n0s backup-only\n0s connect backups\n20s end\n")
	if w.s.Phase != Connected || w.s.Server != 1 || !strings.Contains(log+"\n", " server 1\n") {
		t.Errorf("%v at server %d:\n%s", w.s.Phase, w.s.Server, log)
	}
	w, log = tale(t, "seed 1\n0s gateway-down\n0s connect backups\n50s end\n")
	if w.s.Phase != Disconnected || w.s.Err.Code != fault.NetAllBackups || count(log, FxStartAttempt) != 3 {
		t.Errorf("%v, %s:\n%s", w.s.Phase, w.s.Err.Code, log)
	}
}

// TestSourceC_LevelsOfAReconnect: the TLS tunnel alone, within half a minute, touches nothing on the host; what takes longer, or another way, is of session level, where
// the token is presented just the same and the adapter changes only where the gateway's answer does.
func TestSourceC_LevelsOfAReconnect(t *testing.T) {
	for _, tt := range []struct {
		name, script      string
		tunnels, sessions uint64
		applies           int
	}{
		{"the tunnel alone", "10s kill-worker", 1, 0, 1},
		{"after more than half a minute", "10s dark eth0\n60s light eth0", 0, 1, 1},
		{"by another network", "5s plug wlan0\n10s unplug eth0", 0, 1, 1},
		{"another inside address", "5s new-address\n10s kill-worker", 0, 1, 2},
	} {
		w, log := tale(t, "seed 1\n0s connect\n"+tt.script+"\n150s end\n")
		if w.s.Tunnels != tt.tunnels || w.s.Sessions != tt.sessions || count(log, FxApplyNetwork) != tt.applies || count(log, FxRevertNetwork) != 0 || w.logins != 1 {
			t.Errorf("%s: %d of the tunnel, %d of the session, %d times applied, %d logins:\n%s", tt.name, w.s.Tunnels, w.s.Sessions, count(log, FxApplyNetwork), w.logins, log)
		}
	}
}

// TestSourceC_UntilTheSessionsEnd: tries go on until the session's time or the time without a tunnel is over, whichever is sooner; half an hour where nobody says.
func TestSourceC_UntilTheSessionsEnd(t *testing.T) {
	for _, tt := range []struct {
		limits Limits
		want   time.Duration
	}{
		{Limits{Session: time.Hour, Disconnected: 10 * time.Minute}, 10 * time.Minute},
		{Limits{Session: 5 * time.Minute, Disconnected: 10 * time.Minute}, 5 * time.Minute},
		{Limits{Session: time.Hour}, 30 * time.Minute},
		{Limits{Disconnected: 2 * time.Hour, Idle: time.Minute}, 2 * time.Hour},
		{Limits{Idle: 10 * time.Minute}, 10 * time.Minute},
		{Limits{}, 30 * time.Minute},
	} {
		s, now := upWith(t, Policy{AutoReconnect: true}, tt.limits)
		begun := now
		s, _ = Step(s, Event{Kind: EvCarrierDown, Tunnel: s.Tunnel}, now)
		rounds := 0
		for s.Phase == Reconnecting {
			wait, ok := s.Wait(now)
			if rounds++; !ok || rounds > 5000 {
				t.Fatalf("%+v: no end after %v", tt.limits, now.Boot-begun.Boot)
			}
			now.Mono, now.Boot = now.Mono+wait, now.Boot+wait
			s, _ = Step(s, Event{Kind: EvTick}, now)
		}
		if got := now.Boot - begun.Boot; got != tt.want || s.Err.Code != fault.GwTime {
			t.Errorf("%+v: given up after %v with %s, want %v", tt.limits, got, s.Err.Code, tt.want)
		}
	}
}

// TestSourceC_AnyChangeOfInterfaceIsSurvived: the inside address stays, the adapter is set up once and stays, and nobody logs in again.
func TestSourceC_AnyChangeOfInterfaceIsSurvived(t *testing.T) {
	for _, change := range []string{"unplug eth0", "renumber eth0", "dark eth0", "portal eth0\n31s strand", "strand", "plug wlan0\n31s prefer wlan0", "sleep 20s\n30s unplug eth0", "more-links\n31s unplug eth0", "more-links\n31s ipv6 off\n32s dark eth0"} {
		w, log := tale(t, "seed 3\n0s connect\n0s plug wlan0\n30s "+change+"\n4m end\n")
		if w.s.Phase != Connected || w.logins != 1 || count(log, FxApplyNetwork) != 1 || count(log, FxRevertNetwork) != 0 {
			t.Errorf("%s: %v after %d logins, %d times applied:\n%s", change, w.s.Phase, w.logins, count(log, FxApplyNetwork), log)
		}
	}
}

// TestSourceC_SleepIsByPolicy: DisconnectOnSuspend ends the session at the gateway before the machine sleeps; otherwise nothing is said, and it is resumed with reason 9.
func TestSourceC_SleepIsByPolicy(t *testing.T) {
	w, log := tale(t, "seed 1\n0s connect suspend-ends\n10s sleep 8m\n30s end\n")
	if w.s.Phase != Disconnected || !strings.Contains(log, "suspending") || !strings.Contains(log, "for good") || w.gw.token {
		t.Errorf("%v, the gateway keeps the session: %v\n%s", w.s.Phase, w.gw.token, log)
	}
	w, log = tale(t, "seed 1\n0s connect\n10s sleep 8m\n60s end\n")
	if w.s.Phase != Connected || w.logins != 1 || w.s.LastReconnect.Code != int(ReasonResume) || int(ReasonResume) != 9 || w.s.LastReconnect.Level != LevelSession {
		t.Errorf("%v, %+v\n%s", w.s.Phase, w.s.LastReconnect, log)
	}
}

// TestSourceD_NewMTUIsReason16: when DTLS is given up the adapter gets the MTU for TLS. To the user that is a reconnect with reason 16; nothing is negotiated, and packets flow.
func TestSourceD_NewMTUIsReason16(t *testing.T) {
	s, now := up(t, Policy{AutoReconnect: true})
	plan := s.Plan
	plan.MTU = 1280
	s, fx := Step(s, Event{Kind: EvMTUChanged, Tunnel: 1, Plan: plan}, now)
	if s.Phase != Connected || !s.Pump || has(fx, FxStopPump) || has(fx, FxStartReach) || has(fx, FxCommit) || !has(fx, FxApplyNetwork) {
		t.Fatalf("%v, %v", s.Phase, fx)
	}
	s, _ = Step(s, Event{Kind: EvNetworkApplied, Attempt: s.LastID}, now)
	if want := fmt.Sprint(LevelTunnel, 16); fmt.Sprint(s.LastReconnect.Level, s.LastReconnect.Code) != want || s.Tunnels != 1 || s.Applied.MTU != 1280 {
		t.Errorf("%+v", s.LastReconnect)
	}
}
