package agent

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol/gateway"
)

// newImpairable is a world whose gateway has DTLS too, where dtls.
func newImpairable(t *testing.T, dtls bool) *world {
	t.Helper()
	w := newWorldWith(t, home, func(c *gateway.Config) { c.DTLS.MTU = 1400 })
	if dtls {
		u, err := w.site.ListenPacket(443)
		if err != nil {
			t.Fatal(err)
		}
		w.serves.Go(func() { _ = w.gw.ServeDatagrams(u) })
	}
	w.login(t)
	if dtls {
		w.travels(t, "dtls", 10*time.Second)
	}
	return w
}

// travels keeps traffic up until packets go by the transport.
func (w *world) travels(t *testing.T, by string, limit time.Duration) {
	t.Helper()
	seq := uint16(1000)
	for end := time.Now().Add(limit); w.state().Transport != by; seq++ {
		if time.Now().After(end) {
			t.Fatalf("packets go by %+v, not %s; events %v", w.state().Transport, by, w.events())
		}
		w.ping(t, seq, 100*time.Millisecond)
	}
}

// flows keeps traffic up for a time and returns the longest time without an answer.
func (w *world) flows(t *testing.T, long time.Duration) (worst time.Duration) {
	t.Helper()
	last := time.Now()
	for seq, end := uint16(2000), last.Add(long); time.Now().Before(end); seq++ {
		if w.ping(t, seq, 100*time.Millisecond) {
			worst, last = max(worst, time.Since(last)), time.Now()
		}
		time.Sleep(20 * time.Millisecond)
	}
	return max(worst, time.Since(last))
}

// reasons are the timeline's, since the impairment.
func (w *world) reasons(t *testing.T) []string {
	t.Helper()
	list, err := w.Timeline(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range list {
		if r.Entry.Reason == "impaired by root" {
			out = nil
		}
		out = append(out, r.Entry.Reason)
	}
	return out
}

// TestImpair: each impairment shows the recovery that it is for, and its reason, and ends by itself; the session and its address stay, and nobody is asked.
func TestImpair(t *testing.T) {
	for _, c := range []struct {
		spec    string
		dtls    bool
		reason  machine.Reason // that the timeline must have; 0: no reconnect and no reason
		longest time.Duration  // without traffic
		code    machine.Reason // of last_reconnect; 0 none
	}{
		{"dtls=drop,10s", true, machine.ReasonCarrier, 2 * time.Second, machine.ReasonRenew}, // the gateway's TLS is to be a new one then
		{"tls=stall,10s", false, machine.ReasonSilence, 2 * time.Second, machine.ReasonSilence},
		{"tls=close", false, machine.ReasonDisrupted, time.Second, machine.ReasonDisrupted},
		{"link=down,3s", false, machine.ReasonPathGone, 4 * time.Second, 0}, // on the same path TCP comes back by itself
		{"mtu=1280,10s", true, 0, time.Second, 0},                           // small packets pass
		{"sleep=10s", false, machine.ReasonResume, time.Second, 0},
		{"latency=50ms,10s", true, 0, time.Second, 0},
		{"latency=50ms,10s", false, 0, time.Second, 0},
		{"loss=10%,10s", true, 0, time.Second, 0},
	} {
		name := c.spec
		if c.dtls {
			name += " with DTLS"
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newImpairable(t, c.dtls)
				before := w.want("connected")
				if _, err := w.Impair(t.Context(), root, ipc.ImpairRequest{Spec: c.spec}); err != nil {
					t.Fatal(err)
				}
				if now := w.state().Impaired; (len(now) == 1) != strings.Contains(c.spec, ",") {
					t.Errorf("the state says impaired %v", now)
				}
				worst := w.flows(t, 15*time.Second)
				after := w.want("connected")
				if after.Impaired != nil || after.Addresses[0] != before.Addresses[0] || worst > c.longest {
					t.Errorf("no traffic for %v; impaired %v, address %v", worst, after.Impaired, after.Addresses)
				}
				reasons := w.reasons(t)
				if c.reason != 0 && !slices.Contains(reasons, c.reason.String()) {
					t.Errorf("the timeline has no %q: %q", c.reason, reasons)
				}
				if c.spec != "sleep=10s" && c.spec != "tls=close" && !slices.Contains(reasons, "the impairment ended") {
					t.Errorf("no end in %q", reasons)
				}
				switch last := after.LastReconnect; {
				case c.code == 0 && last != nil:
					t.Errorf("a reconnect: %+v, %q", last, reasons)
				case c.code != 0 && (last == nil || last.Code != int(c.code)):
					t.Errorf("last reconnect %+v, want %d", last, c.code)
				}
				if c.dtls {
					w.travels(t, "dtls", 30*time.Second)
				}
				w.end(t)
			})
		})
	}
}

// A gateway that refuses, when the connection to it has just been reset: tried until it takes us again, and the session is as it was.
func TestImpairRefuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newImpairable(t, false)
		for _, spec := range []string{"gateway=refuse,5s", "tls=close"} {
			if _, err := w.Impair(t.Context(), root, ipc.ImpairRequest{Spec: spec}); err != nil {
				t.Fatal(err)
			}
		}
		w.until(t, "reconnecting", time.Second)
		began := time.Now()
		s := w.until(t, "connected", 10*time.Second)
		if took := time.Since(began); took < 4*time.Second || took > 6*time.Second || s.LastReconnect == nil || s.LastReconnect.Code != int(machine.ReasonDisrupted) {
			t.Errorf("back after %v: %+v", took, s.LastReconnect)
		}
		w.end(t)
	})
}

// Only with a session, and only root; off and the session's end mend everything.
func TestImpairIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		impair := func(who, spec string, want fault.Code) {
			t.Helper()
			p := root
			if who != "root" {
				p = alice
			}
			_, err := w.Impair(t.Context(), p, ipc.ImpairRequest{Spec: spec})
			if (err == nil) != (want == "") || err != nil && fault.As(err).Code != want {
				t.Errorf("%s by %s: %v, want %q", spec, who, err, want)
			}
		}
		impair("root", "dtls=drop,30s", fault.UseNotConnected)
		w.login(t)
		impair("alice", "dtls=drop,30s", fault.PolRoot)
		impair("root", "dtls=drop", fault.UseBad)
		impair("root", "gateway=refuse,10m", "")
		impair("root", "loss=1%,10m", "")
		if now := w.state().Impaired; len(now) != 2 {
			t.Errorf("impaired %v", now)
		}
		impair("root", "off", "")
		if now := w.state().Impaired; now != nil {
			t.Errorf("after off: %v", now)
		}
		impair("root", "gateway=refuse,10m", "")
		if err := w.Disconnect(t.Context(), alice); err != nil {
			t.Fatal(err)
		}
		w.until(t, "disconnected", 5*time.Second)
		if now := w.state().Impaired; now != nil {
			t.Errorf("after the session: %v", now)
		}
		w.login(t)
		w.end(t)
		if log := w.log.String(); !strings.Contains(log, `msg="impaired by root" spec="gateway=refuse,10m0s"`) {
			t.Errorf("the log:\n%s", log)
		}
	})
}

// A pretended sleep dies with the agent that pretends: what is kept for the next one counts by the real clock, and has no more time left than this one.
func TestImpairedSleepIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newImpairable(t, false)
		if _, err := w.Impair(t.Context(), root, ipc.ImpairRequest{Spec: "sleep=10m"}); err != nil {
			t.Fatal(err)
		}
		w.flows(t, time.Second)
		w.want("connected")
		var left time.Duration
		if err := w.call(t.Context(), func(l *loop) {
			end, limited := l.state.Expires()
			kept, ok := l.session()
			mono, boot := l.cfg.Host.Clock.Now()
			if err := Adoptable(kept, machine.Instant{Mono: mono, Boot: boot}); !ok || !limited || err != nil {
				t.Errorf("kept %v, limited %v, %v", ok, limited, err)
			}
			left = end - l.now().Boot
			if got := kept.Kept.Expires - boot; got != left {
				t.Errorf("%v are left here, the next agent has %v", left, got)
			}
		}); err != nil {
			t.Fatal(err)
		}
		if left > 8*time.Hour-10*time.Minute {
			t.Errorf("%v are left after 10 min of 8 h", left)
		}
		w.end(t)
	})
}
