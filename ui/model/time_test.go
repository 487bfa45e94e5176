package model_test

import (
	"slices"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/model"
	"github.com/holdfast-vpn/holdfast/ui/model/modeltest"
)

// shown are the ids of the notifications that are on the screen.
func shown(s *modeltest.Script) []string {
	ids := []string{}
	for _, c := range s.Commands {
		switch c := c.(type) {
		case model.Notify:
			if !slices.Contains(ids, c.ID) {
				ids = append(ids, c.ID)
			}
		case model.Withdraw:
			ids = slices.DeleteFunc(ids, func(id string) bool { return id == c.ID })
		}
	}
	return ids
}

// up is a session with the window closed.
func up() *modeltest.Script {
	s := ready(false).Send(model.Connect{})
	return s.State(modeltest.Phase("connecting", s.Now)).State(modeltest.Phase("connected", s.Now))
}

// TestNoWake: while no window is open and nothing is pending, nothing ever wakes the application, whatever the state.
func TestNoWake(t *testing.T) {
	for _, phase := range phases {
		for _, foreign := range []bool{false, true} {
			s := situation(locale.English, phase, foreign, true, "here")
			s.Send(model.ShowDetails{Tab: model.TabStatistics}).Later(time.Hour).Send(model.HideDetails{}, model.Hide{})
			if !s.Wake.IsZero() {
				t.Errorf("%s, foreign %t: it wants to be woken at %v", phase, foreign, s.Wake)
			}
			if before := len(asked[model.Fetch](s)); len(asked[model.Fetch](s.Later(time.Hour))) != before {
				t.Errorf("%s, foreign %t: it asks the agent while nobody looks", phase, foreign)
			}
		}
	}
	for presence := range presences {
		s := situation(locale.English, "disconnected", false, false, presence).Later(time.Minute)
		if !s.Wake.IsZero() {
			t.Errorf("%s: it wants to be woken at %v", presence, s.Wake)
		}
	}
}

// TestWakes: what waits for time asks for one wake, and the next only when something will be seen or said.
func TestWakes(t *testing.T) {
	for name, tt := range map[string]struct {
		play func() *modeltest.Script
		want time.Duration // from now; 0 is none
	}{
		"a session, a window": {func() *modeltest.Script { return up().Send(model.Show{}) }, time.Second},
		"down, a window":      {func() *modeltest.Script { return ready(true) }, 0},
		"connecting": {func() *modeltest.Script {
			return ready(true).Send(model.Connect{}).State(modeltest.Phase("connecting", modeltest.Start))
		}, 0},
		"reconnecting":      {func() *modeltest.Script { return up().State(modeltest.Phase("reconnecting", modeltest.Start)) }, 5 * time.Second},
		"the agent went":    {func() *modeltest.Script { return up().Send(model.AgentGone{}) }, 5 * time.Second},
		"the session's end": {func() *modeltest.Script { s := up(); return s.State(ending(s.Now.Add(8 * time.Hour))) }, 7*time.Hour + 45*time.Minute},
		"a question, hidden": {func() *modeltest.Script {
			return ready(false).State(modeltest.Asking(modeltest.Login(), modeltest.Start))
		}, 2 * time.Second},
		"a question": {func() *modeltest.Script {
			return ready(true).State(modeltest.Asking(modeltest.Login(), modeltest.Start))
		}, 4 * time.Minute},
	} {
		s := tt.play()
		got := time.Duration(0)
		if !s.Wake.IsZero() {
			got = s.Wake.Sub(s.Now)
		}
		if got != tt.want {
			t.Errorf("%s: woken after %v, want %v", name, got, tt.want)
		}
	}
}

// ending is a session that ends at a time, of eight hours.
func ending(at time.Time) ipc.State {
	st := modeltest.Phase("connected", at.Add(-8*time.Hour))
	st.Session.Expires = &at
	return st
}

// TestMeasuring: the counters are asked for once a second while the window of a session is open, never twice at once, and the graph has one value a second.
func TestMeasuring(t *testing.T) {
	s := up()
	before := len(asked[model.Fetch](s))
	s.Send(model.Show{}).Later(10 * time.Second)
	if n := len(asked[model.Fetch](s)) - before; n != 1 {
		t.Errorf("of an agent that does not answer it asks %d times", n)
	}
	s = modeltest.NewScript(locale.English)
	s.Send(model.AgentHere{Version: modeltest.Agent}, model.Show{}).State(modeltest.Phase("connected", s.Now))
	for i := range 100 {
		s.Send(model.Measured{Stats: ipc.Stats{State: ipc.State{Counters: &ipc.Counters{RxBytes: uint64(i) * 5000, TxBytes: uint64(i) * 100}}}}).Later(time.Second)
	}
	g := s.Model.Screen(s.Now).Window.Graph
	if len(g.Down) != model.GraphSamples || g.Down[59] != 5000 || g.Up[0] != 100 || g.Top != 10_000 {
		t.Errorf("the graph is %+v", g)
	}
	fetched := slices.DeleteFunc(asked[model.Fetch](s), func(f model.Fetch) bool { return f.What != model.FetchStats })
	if n := len(fetched); n < 95 || n > 101 {
		t.Errorf("in 100 seconds it asked %d times", n)
	}
	s.Later(time.Minute).Send(model.Measured{Stats: ipc.Stats{State: ipc.State{Counters: &ipc.Counters{RxBytes: 1e9}}}})
	if g := s.Model.Screen(s.Now).Window.Graph; len(g.Down) != 0 {
		t.Errorf("after a minute without measurements the graph has %d values", len(g.Down))
	}
}

// TestBroken: a reconnect is told after five seconds, taken back when it is over, and not told again for each of many.
func TestBroken(t *testing.T) {
	s := up()
	for range 3 {
		s.State(modeltest.Phase("reconnecting", s.Now)).Later(4 * time.Second).State(modeltest.Phase("connected", s.Now)).Later(time.Minute)
	}
	if n := asked[model.Notify](s); len(n) > 0 {
		t.Fatalf("reconnects of four seconds are told: %v", n)
	}
	for range 10 {
		s.State(modeltest.Phase("reconnecting", s.Now)).Later(7 * time.Second).State(modeltest.Phase("connected", s.Now)).Later(3 * time.Second)
	}
	if n := len(asked[model.Notify](s)); n != 1 || len(shown(s)) > 0 {
		t.Errorf("ten reconnects in a row are told %d times, %v stay", n, shown(s))
	}
	s.State(modeltest.Phase("reconnecting", s.Now)).Later(10 * time.Minute)
	if got := shown(s); !slices.Equal(got, []string{"reconnecting"}) {
		t.Errorf("of a long one is shown %v", got)
	}
}

// TestPortalTold: a network that wants a sign-in needs the person.
func TestPortalTold(t *testing.T) {
	s := up()
	st, yes := modeltest.Phase("reconnecting", s.Now), true
	st.CaptivePortal = &yes
	s.State(st).Later(6 * time.Second)
	if n, _ := last[model.Notify](s); n.ID != "reconnecting" || !n.Urgent {
		t.Errorf("told is %+v", n)
	}
	if shape := s.Model.Screen(s.Now).Tray.Shape; shape != model.ShapeAttention {
		t.Errorf("the icon is %v", shape)
	}
}

// TestMissed: an agent that went with a session is told after a restart's time; one that was never there, or comes back, is not.
func TestMissed(t *testing.T) {
	s := up().Send(model.AgentGone{}).Later(4 * time.Second).Send(model.AgentHere{Version: modeltest.Agent})
	s.State(modeltest.Phase("connected", s.Now)).Later(time.Minute)
	if n := asked[model.Notify](s); len(n) > 0 {
		t.Errorf("a restart of the agent is told: %v", n)
	}
	s.Send(model.AgentGone{}).Later(6 * time.Second)
	if got := shown(s); !slices.Equal(got, []string{"agent"}) {
		t.Errorf("an agent that stays away: %v", got)
	}
	s.Send(model.AgentGone{Err: fault.New(fault.AgentSilent, nil)}, model.AgentGone{})
	if n := len(asked[model.Notify](s)); n != 1 {
		t.Errorf("an agent that is missed in two ways is told %d times", n)
	}
	s.Send(model.AgentHere{Version: modeltest.Agent}).State(modeltest.Phase("connected", s.Now))
	if got := shown(s); len(got) > 0 {
		t.Errorf("back again: %v", got)
	}
	s = modeltest.NewScript(locale.English).Send(model.AgentGone{}).Later(time.Hour)
	if n := asked[model.Notify](s); len(n) > 0 {
		t.Errorf("no agent from the start: %v", n)
	}
}

// TestEnding: the session's end is told a quarter of an hour and five minutes before, and taken back when it is over.
func TestEnding(t *testing.T) {
	s := up()
	s.State(ending(s.Now.Add(8 * time.Hour))).Later(7*time.Hour + 44*time.Minute)
	if n := asked[model.Notify](s); len(n) > 0 {
		t.Fatalf("told too early: %v", n)
	}
	s.Later(9 * time.Minute)
	if n := asked[model.Notify](s); len(n) != 1 || n[0].ID != "ends" || n[0].Urgent {
		t.Errorf("told a quarter of an hour before: %v", n)
	}
	s.Later(5 * time.Minute)
	if n := asked[model.Notify](s); len(n) != 2 || n[1].ID != "ends" || !n[1].Urgent {
		t.Errorf("told five minutes before: %v", n)
	}
	s.State(modeltest.Failed(fault.GwTime, s.Now))
	if got := shown(s); !slices.Equal(got, []string{"ended"}) {
		t.Errorf("after its end is shown %v", got)
	}
	if shape := s.Model.Screen(s.Now).Tray.Shape; shape != model.ShapeAttention {
		t.Errorf("the icon is %v", shape)
	}
	s.Send(model.Show{})
	if got := shown(s); len(got) > 0 {
		t.Errorf("after the person looked is shown %v", got)
	}
}

// TestEndedTold: what the person did, saw, or did not wait for is not told.
func TestEndedTold(t *testing.T) {
	for name, tt := range map[string]struct {
		play func(*modeltest.Script)
		want bool
	}{
		"by the gateway": {func(s *modeltest.Script) { s.State(modeltest.Failed(fault.GwIdle, s.Now)) }, true},
		"by the gateway, slowly": {func(s *modeltest.Script) {
			st := modeltest.Phase("disconnecting", s.Now)
			e := modeltest.Fault(fault.GwIdle)
			st.Error = &e
			s.State(st).State(modeltest.Failed(fault.GwIdle, s.Now))
		}, true},
		"by the person": {func(s *modeltest.Script) {
			s.Send(model.Disconnect{}).State(modeltest.Phase("disconnecting", s.Now)).State(modeltest.Phase("disconnected", s.Now))
		}, false},
		"by another program": {func(s *modeltest.Script) {
			s.State(modeltest.Phase("disconnecting", s.Now)).State(modeltest.Phase("disconnected", s.Now))
		}, true},
		"before the person": {func(s *modeltest.Script) {
			s.Send(model.Show{}).State(modeltest.Failed(fault.GwIdle, s.Now)).Send(model.Hide{})
		}, false},
		"with the agent": {func(s *modeltest.Script) {
			s.Send(model.AgentGone{}, model.AgentHere{Version: modeltest.Agent}).State(modeltest.Phase("disconnected", s.Now))
		}, true},
		"and another one came": {func(s *modeltest.Script) {
			s.State(modeltest.Failed(fault.GwIdle, s.Now)).State(modeltest.Phase("connecting", s.Now))
		}, false},
		"a connect refused": {func(s *modeltest.Script) {
			s.State(modeltest.Phase("disconnected", s.Now)).Send(model.Connect{Target: "Laboratory"}, model.Done{Command: model.CallConnect{}, Err: fault.New(fault.PolNotOwner, nil)})
		}, true},
		"a login cancelled": {func(s *modeltest.Script) {
			s.State(modeltest.Phase("connecting", s.Now)).State(modeltest.Failed(fault.AuthCancelled, s.Now))
		}, false},
		"a login failed": {func(s *modeltest.Script) {
			s.State(modeltest.Phase("connecting", s.Now)).State(modeltest.Failed(fault.NetSilent, s.Now))
		}, true},
	} {
		s := up()
		tt.play(s)
		if got := slices.Contains(shown(s), "ended"); got != tt.want {
			t.Errorf("%s: told %t, want %t", name, got, tt.want)
		}
	}
}

// TestQuickFailure: an attempt that failed before its first state was heard of is over, not under way for ever.
func TestQuickFailure(t *testing.T) {
	s := ready(true).Send(model.Connect{}, model.Done{Command: model.CallConnect{}})
	s.State(modeltest.Failed(fault.NetNoRoute, s.Now))
	if w := s.Model.Screen(s.Now).Window; w.Button.Msg != (model.Connect{}) || w.Code != string(fault.NetNoRoute) {
		t.Errorf("the window has %+v", w)
	}
}

// TestPush: an approval elsewhere is asked for after three seconds, counted down, and can be cancelled.
func TestPush(t *testing.T) {
	s := ready(true).Send(model.Connect{})
	st := modeltest.Phase("connecting", s.Now)
	st.Step, st.Waiting = ipc.StepLogin, &ipc.Waiting{Since: s.Now, Until: s.Now.Add(5 * time.Minute)}
	if p := s.State(st).Model.Screen(s.Now).Prompt; p != nil {
		t.Errorf("at once it asks %+v", p)
	}
	p := s.Later(3 * time.Second).Model.Screen(s.Now).Prompt
	if p == nil || p.Kind != model.PromptWait || p.Left == "" || p.Submit.Label != "" {
		t.Fatalf("after three seconds it asks %+v", p)
	}
	if s.Wake.Sub(s.Now) > time.Second {
		t.Error("nothing counts down")
	}
	s.Send(p.Cancel.Msg)
	if len(asked[model.CallDisconnect](s)) != 1 {
		t.Error("it cannot be cancelled")
	}
}

// TestEndedTitles: what had come up is disconnected, what had not could not connect, and the step that failed is named although its state was never heard of.
func TestEndedTitles(t *testing.T) {
	s := up().State(modeltest.Phase("disconnecting", modeltest.Start)).State(modeltest.Failed(fault.GwIdle, modeltest.Start))
	if n, _ := last[model.Notify](s); n.Title != "Disconnected from Head office" {
		t.Errorf("of a session it says %q", n.Title)
	}
	s.Send(model.Connect{}).State(modeltest.Phase("connecting", s.Now)).State(modeltest.Failed(fault.AuthRefused, s.Now))
	if n, _ := last[model.Notify](s); n.Title != "Could not connect to Head office" {
		t.Errorf("of an attempt it says %q", n.Title)
	}
	if steps := s.Model.Screen(s.Now).Window.Steps; len(steps) != 4 || steps[0].State != model.StepDone || steps[1].State != model.StepFailed {
		t.Errorf("the steps are %v", steps)
	}
	s.Send(model.Connect{}, model.Disconnect{}).State(modeltest.Phase("connecting", s.Now)).State(modeltest.Failed(fault.AuthCancelled, s.Now))
	if w := s.Model.Screen(s.Now).Window; w.Code != "" || len(w.Steps) > 0 {
		t.Errorf("what a person cancelled looks like a failure: %+v", w)
	}
}

// TestSeen: who closes the window of a question need not be told of it, and is told of the next.
func TestSeen(t *testing.T) {
	s := ready(true).Send(model.Connect{})
	s.State(modeltest.Asking(modeltest.Login(), s.Now)).Send(model.Hide{}).Later(time.Minute)
	if got := shown(s); len(got) > 0 {
		t.Errorf("of what was seen is shown %v", got)
	}
	if shape := s.Model.Screen(s.Now).Tray.Shape; shape != model.ShapeAttention {
		t.Errorf("the icon is %v", shape)
	}
	s = up().Send(model.UseCertificate{Target: "Laboratory"}, model.Hide{}).Later(time.Minute)
	if got := shown(s); len(got) > 0 || s.Model.Screen(s.Now).Prompt != nil {
		t.Errorf("a question for a certificate outlives its window: %v", got)
	}
}

// TestChoicesAgain: after a login and after a session the hosts and what is in force are asked anew.
func TestChoicesAgain(t *testing.T) {
	s := up()
	count := func(what model.Fetched) (n int) {
		for _, f := range asked[model.Fetch](s) {
			if f.What == what {
				n++
			}
		}
		return n
	}
	if count(model.FetchHosts) != 2 || count(model.FetchPolicy) != 2 {
		t.Errorf("after a login hosts were asked for %d times, the policy %d times", count(model.FetchHosts), count(model.FetchPolicy))
	}
	s.State(modeltest.Phase("disconnected", s.Now))
	if count(model.FetchHosts) != 3 || count(model.FetchPolicy) != 3 {
		t.Errorf("after a session hosts were asked for %d times, the policy %d times", count(model.FetchHosts), count(model.FetchPolicy))
	}
}

// TestHomeless: a program that was started as an icon shows its window where no panel comes, and does not where one comes late, or went later, or the person has closed the window.
func TestHomeless(t *testing.T) {
	for name, tt := range map[string]struct {
		msgs []model.Msg
		want bool
	}{
		"no panel":            {[]model.Msg{model.Desktop{}}, true},
		"a panel":             {[]model.Msg{model.Desktop{HasTray: true}}, false},
		"one that went later": {[]model.Msg{model.Desktop{HasTray: true}, model.Desktop{}}, false},
		"a window closed":     {[]model.Msg{model.Desktop{}, model.Show{}, model.Hide{}}, false},
	} {
		s := modeltest.NewScript(locale.English).Send(tt.msgs...)
		before := len(asked[model.Open](s))
		if got := len(asked[model.Open](s.Later(time.Minute))) > before; got != tt.want || !s.Wake.IsZero() {
			t.Errorf("%s: the window opens: %t; the next wake is at %v", name, got, s.Wake)
		}
	}
	s := modeltest.NewScript(locale.English).Send(model.Desktop{}).Later(5 * time.Second).Send(model.Desktop{HasTray: true}).Later(time.Minute)
	if n := len(asked[model.Open](s)); n > 0 {
		t.Error("the window opens although a panel came")
	}
}
