package agent

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/protocol/gateway"
)

// night takes the machine through one of length d with its link down: announced, slept, woken.
func (w *world) night(t *testing.T, d time.Duration) {
	t.Helper()
	if !over(w.m.Suspend()) {
		t.Error("the machine is kept awake")
	}
	w.m.Night(func() {
		w.uplink.Down()
		time.Sleep(d)
		w.uplink.Up()
	})
	w.m.Wake()
}

// count counts the entries of the timeline that hold an effect.
func (w *world) count(t *testing.T, effect string) (n int) {
	t.Helper()
	list, err := w.Timeline(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if slices.Contains(e.Entry.Effects, effect) {
			n++
		}
	}
	return n
}

// TestNights: what is left of a session in the morning, by the length of the night, with the real tunnel and a gateway that lets go of tunnels after a minute and of sessions after half an hour.
func TestNights(t *testing.T) {
	for _, c := range []struct {
		name    string
		d       time.Duration
		lasts   time.Duration // the session
		session uint64        // reconnects of session level
		asked   bool
	}{
		{"10 s", 10 * time.Second, 8 * time.Hour, 0, false},
		{"10 min", 10 * time.Minute, 8 * time.Hour, 1, false},
		{"longer than the gateway keeps it", 2 * time.Hour, 8 * time.Hour, 0, true},
		{"longer than the session lasts", 2 * time.Hour, time.Hour, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorldWith(t, home, func(cfg *gateway.Config) { cfg.Settings.SessionTimeout = c.lasts })
				was := w.login(t)
				asked, logins := w.count(t, machine.FxAskUser.String()), w.count(t, machine.FxStartAttempt.String())
				w.night(t, c.d)
				if c.asked {
					w.until(t, "authenticating", 3*time.Second)
					reaches := w.count(t, machine.FxStartReach.String())
					time.Sleep(time.Minute)
					if n := w.count(t, machine.FxStartReach.String()) - reaches; n > 0 || w.state().Prompt == nil {
						t.Errorf("while the question waits the gateway is tried %d times", n)
					}
					if n := w.count(t, machine.FxStartAttempt.String()) - logins; n != 1 {
						t.Errorf("%d logins", n)
					}
					w.answer(t)
				}
				is := w.until(t, "connected", 2*time.Second)
				for seq := uint16(1); !w.ping(t, seq, time.Second); seq++ { // what is sent before the new tunnel stands goes with the old
					if seq == 3 {
						t.Error("nothing comes through")
						break
					}
				}
				is = w.state()
				if n := w.count(t, machine.FxAskUser.String()) - asked; (n > 0) != c.asked || n > 1 {
					t.Errorf("%d questions", n)
				}
				if !c.asked && (!slices.Equal(is.Addresses, was.Addresses) || is.Reconnects.Session != c.session) {
					t.Errorf("addresses %v, then %v; %+v", was.Addresses, is.Addresses, is.Reconnects)
				}
				if l := is.LastReconnect; c.session > 0 && (l == nil || l.Level != "session" || l.Code != int(machine.ReasonResume)) {
					t.Errorf("the last reconnect is %+v", l)
				}
				w.end(t)
			})
		})
	}
}

// TestDarkWakes: a machine that wakes for five seconds in every minute, for an hour. The tunnel lives at the gateway, so it is kept: a question or two on each waking, and no more. By TLS alone that
// holds where the gateway had nothing to send in the night: else its TCP waits longer than a waking lasts before it tries again, and a new connection is the only one that answers.
func TestDarkWakes(t *testing.T) {
	for name, begin := range map[string]func(t *testing.T) *world{
		"DTLS": func(t *testing.T) *world { return newImpairable(t, true) },
		"TLS, and the gateway is quiet": func(t *testing.T) *world {
			w := newWorldWith(t, home, func(cfg *gateway.Config) { cfg.Settings.DPD, cfg.Settings.Keepalive = 5*time.Minute, 5*time.Minute })
			w.login(t)
			return w
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { darkWakes(t, begin(t)) })
		})
	}
}

// darkWakes is one of them.
func darkWakes(t *testing.T, w *world) {
	logins, reaches := w.count(t, machine.FxStartAttempt.String()), w.count(t, machine.FxStartReach.String())
	for range 60 {
		w.night(t, 55*time.Second)
		time.Sleep(5 * time.Second)
		if s := w.want("connected"); s.Prompt != nil {
			t.Fatalf("asks %+v", s.Prompt)
		}
	}
	s := w.state()
	if s.Reconnects.Session+s.Reconnects.Tunnel > 0 || w.count(t, machine.FxStartAttempt.String()) != logins {
		t.Errorf("%+v, the last %+v", s.Reconnects, s.LastReconnect)
	}
	if n := w.count(t, machine.FxStartReach.String()) - reaches; n > 2*60 {
		t.Errorf("%d tries in an hour", n)
	}
	if !w.ping(t, 1, time.Second) {
		t.Error("nothing comes through")
	}
	w.end(t)
}

// TestWallClockJumps: the wall clock is for display. A step of it, or another time zone, is nothing to a session.
func TestWallClockJumps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var step time.Duration
		w := newWorldWith(t, home, nil)
		if err := w.stop(); err != nil {
			t.Fatal(err)
		}
		w.config.Wall = func() time.Time { return time.Now().Add(step) }
		w.begin()
		w.login(t)
		entries := len(w.events())
		for _, step = range []time.Duration{72 * time.Hour, -240 * time.Hour, time.Hour, 0} {
			time.Sleep(10 * time.Minute)
			w.want("connected")
		}
		if more := w.events()[entries:]; strings.Contains(strings.Join(more, " "), machine.EvResumed.String()) || w.state().Reconnects.Session > 0 {
			t.Errorf("%v", more)
		}
		var s ipc.State
		if s = w.state(); s.Reconnects.Tunnel > 0 {
			t.Errorf("%+v", s.LastReconnect)
		}
		w.end(t)
	})
}
