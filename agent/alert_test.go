package agent

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/gateway"
)

// TestSessionIsNearlyOver: the owner is told as early as the gateway says and once more at the last, and the state says so from then on. Then the session ends.
func TestSessionIsNearlyOver(t *testing.T) {
	for name, tt := range map[string]struct {
		alert time.Duration // of the gateway
		early time.Duration
	}{
		"as the gateway wants it": {alert: 20 * time.Minute, early: 20 * time.Minute},
		"where it does not say":   {early: firstAlert},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorldWith(t, home, func(c *gateway.Config) { c.Settings.TimeoutAlert = tt.alert })
				w.login(t)
				time.Sleep(8*time.Hour - tt.early - time.Minute)
				if s := w.want("connected"); s.Session.Ending || len(w.told(t)) != 0 {
					t.Errorf("a minute before: %+v, %q", s.Session, w.told(t))
				}
				w.uplink.Down()
				time.Sleep(10 * time.Second)
				w.uplink.Up() // a reconnect on the way makes it no earlier and no second one
				time.Sleep(time.Minute)
				s := w.want("connected")
				got := w.told(t)
				if !s.Session.Ending || len(got) != 1 || !strings.HasPrefix(got[0], "the session's time is nearly over: ") {
					t.Errorf("%+v, %q", s.Session, got)
				}
				time.Sleep(tt.early - lastAlert - time.Minute)
				if got := w.told(t); len(got) != 1 {
					t.Errorf("between: %q", got)
				}
				time.Sleep(lastAlert)
				if s, got := w.want("connected"), w.told(t); len(got) != 2 || !strings.HasSuffix(got[1], "5m0s left") || !s.Session.Ending {
					t.Errorf("a minute before the end: %+v, %q", s.Session, got)
				}
				w.until(t, "disconnected", 2*time.Minute)
				if s := w.state(); s.Session != nil {
					t.Errorf("%+v", s.Session)
				}
				w.end(t)
			})
		})
	}
}

// TestAlerts: when a session's owner is told of its end.
func TestAlerts(t *testing.T) {
	for _, tt := range []struct {
		session, alert time.Duration
		want           []time.Duration
	}{
		{8 * time.Hour, 0, []time.Duration{firstAlert, lastAlert}},
		{30 * time.Minute, 0, []time.Duration{firstAlert, lastAlert}},
		{20 * time.Minute, 0, []time.Duration{lastAlert}},
		{9 * time.Minute, 0, nil},
		{0, 0, nil},
		{8 * time.Hour, time.Hour, []time.Duration{time.Hour, lastAlert}},
		{8 * time.Hour, 2 * time.Minute, []time.Duration{2 * time.Minute}},
	} {
		l := &loop{status: status{settings: &protocol.Settings{SessionTimeout: tt.session, TimeoutAlert: tt.alert}}}
		if got := l.alerts(); !slices.Equal(got, tt.want) {
			t.Errorf("%v, %v: %v", tt.session, tt.alert, got)
		}
	}
	if (&loop{}).alerts() != nil {
		t.Error("without a session")
	}
}

// told lists what the owner was told about the session's end.
func (w *world) told(t *testing.T) (list []string) {
	t.Helper()
	records, err := w.Timeline(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if r.Entry.Event == "session-ending" {
			list = append(list, r.Entry.Evidence)
		}
	}
	return list
}

// TestDisconnectedTimeout: who is away for longer than the gateway keeps a session has none any more, and is told so; who is back sooner has it.
func TestDisconnectedTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldWith(t, home, func(c *gateway.Config) { c.Settings.DisconnectedTimeout = 2 * time.Minute })
		if s := w.login(t); s.Session.DisconnectedTimeoutS != 120 {
			t.Errorf("%+v", s.Session)
		}
		w.uplink.Down()
		time.Sleep(100 * time.Second)
		w.uplink.Up()
		w.until(t, "connected", 20*time.Second)
		w.uplink.Down()
		began := time.Now()
		s := w.until(t, "disconnected", 4*time.Minute)
		took := time.Since(began)
		if s.Error == nil || s.Error.Code != string(fault.GwTime) || took < 115*time.Second || took > 200*time.Second { // DPD takes a minute of it
			t.Errorf("after %v: %+v", took, s.Error)
		}
		w.uplink.Up()
		time.Sleep(time.Minute) // the gateway sees it, too
		w.end(t)
	})
}
