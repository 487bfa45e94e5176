package model_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/model"
	"github.com/holdfast-vpn/holdfast/ui/model/modeltest"
)

var phases = []string{"disconnected", "connecting", "authenticating", "establishing", "connected", "reconnecting", "paused", "blocked", "disconnecting", "dreaming"}

// presences are what an agent can be to us.
var presences = map[string]func(*modeltest.Script){
	"here":  func(*modeltest.Script) {},
	"older": func(s *modeltest.Script) { s.Send(model.AgentHere{Version: modeltest.Older}) },
	"newer": func(s *modeltest.Script) { s.Send(model.AgentHere{Version: modeltest.Newer}) },
	"stale": func(s *modeltest.Script) { s.Send(model.AgentGone{Err: fault.New(fault.AgentUnreachable, nil)}) },
	"gone":  func(s *modeltest.Script) { s.Send(model.AgentGone{}).Later(time.Minute) },
	"hung": func(s *modeltest.Script) {
		s.Send(model.AgentGone{Err: fault.New(fault.AgentSilent, nil)}).Later(time.Minute)
	},
	"refused": func(s *modeltest.Script) { s.Send(model.AgentGone{Err: fault.New(fault.AgentRefused, nil)}) },
}

// situation is an agent of ours in a phase.
func situation(l locale.Language, phase string, foreign, visible bool, presence string) *modeltest.Script {
	s := modeltest.NewScript(l)
	s.Send(model.Desktop{HasTray: true}, model.AgentHere{Version: modeltest.Agent}, model.Listed{Hosts: modeltest.Hosts}, model.Ruled{Policy: modeltest.Policy()})
	if visible {
		s.Send(model.Show{})
	}
	st := modeltest.Phase(phase, s.Now)
	if foreign {
		st = ipc.Reduce(st)
	}
	s.State(st).Later(time.Second)
	presences[presence](s)
	return s
}

// TestEverySituation: every phase with every presence, of a session of ours and of somebody else's, has words, a shape, and only what can be done.
func TestEverySituation(t *testing.T) {
	for _, phase := range phases {
		for presence := range presences {
			for _, foreign := range []bool{false, true} {
				for _, visible := range []bool{false, true} {
					name := fmt.Sprintf("%s/%s/foreign=%t/visible=%t", phase, presence, foreign, visible)
					s := situation(locale.English, phase, foreign, visible, presence)
					screen := s.Model.Screen(s.Now)
					for _, wrong := range modeltest.Check(screen) {
						t.Errorf("%s: %s", name, wrong)
					}
					reached := presence == "here" || presence == "older" || presence == "newer"
					judge(t, name, screen, phase, reached, foreign && phase != "disconnected")
				}
			}
		}
	}
}

// judge holds what a situation promises.
func judge(t *testing.T, name string, s model.Screen, phase string, reached, foreign bool) {
	w := s.Window
	if !reached && w.Button.Msg != nil {
		t.Errorf("%s: the button can be pressed without an agent", name)
	}
	if foreign && (len(w.Facts) > 0 || w.Graph != nil || s.Prompt != nil || w.Button.Msg != nil || len(w.Steps) > 0) {
		t.Errorf("%s: somebody else's session is shown, or can be ended", name)
	}
	if foreign && reached && w.Hint == "" {
		t.Errorf("%s: nothing says when one can connect", name)
	}
	if !reached && (w.Line == "" || w.Hint == "") {
		t.Errorf("%s: no sentence says what to do: %q, %q", name, w.Line, w.Hint)
	}
	if w.Line == "" {
		t.Errorf("%s: there is no line", name)
	}
	if !reached || foreign {
		return
	}
	want := map[string]model.Shape{"disconnected": model.ShapeDisconnected, "disconnecting": model.ShapeDisconnected, "connecting": model.ShapeConnecting, "authenticating": model.ShapeConnecting,
		"establishing": model.ShapeConnecting, "connected": model.ShapeConnected, "reconnecting": model.ShapeReconnecting, "paused": model.ShapePaused, "blocked": model.ShapeBlocked, "dreaming": model.ShapeAttention}[phase]
	if s.Tray.Shape != want || w.Shape != want {
		t.Errorf("%s: the shapes are %v and %v, want %v", name, s.Tray.Shape, w.Shape, want)
	}
	var does model.Msg = model.Disconnect{}
	switch phase {
	case "disconnected", "blocked":
		does = model.Connect{}
	case "disconnecting":
		does = nil
	}
	if w.Button.Msg != does {
		t.Errorf("%s: the button does %T, want %T", name, w.Button.Msg, does)
	}
}

// TestCasesInEveryLanguage: what is drawn and shown to people has words in each language.
func TestCasesInEveryLanguage(t *testing.T) {
	for _, l := range locale.Languages() {
		for _, c := range modeltest.Cases(l) {
			for _, wrong := range modeltest.Check(c.Model.Screen(c.Now)) {
				t.Errorf("%s in %s: %s", c.Name, l, wrong)
			}
		}
	}
}

// TestAbsence: each way of having no agent names its own remedy, and who may not is given the command for an administrator with his name in it.
func TestAbsence(t *testing.T) {
	hints := map[string]bool{}
	for _, name := range []string{"agent-absent", "agent-refused", "agent-strange", "agent-hung"} {
		c := modeltest.Named(name, locale.English)
		w := c.Model.Screen(c.Now).Window
		if hints[w.Hint] || w.Hint == "" {
			t.Errorf("%s: the hint %q is empty, or another's", name, w.Hint)
		}
		hints[w.Hint] = true
	}
	c := modeltest.Named("agent-refused", locale.English)
	if hint := c.Model.Screen(c.Now).Window.Hint; !strings.Contains(hint, "usermod -aG holdfast alice") {
		t.Errorf("the hint %q has no command for alice", hint)
	}
	for name, part := range map[string]string{"agent-older": "older", "agent-newer": "newer"} {
		c := modeltest.Named(name, locale.English)
		s := c.Model.Screen(c.Now)
		if len(s.Window.Notes) != 1 || !strings.Contains(s.Window.Notes[0].Text, part) {
			t.Errorf("%s: the notes are %v", name, s.Window.Notes)
		}
		if s.Window.Button.Msg == nil {
			t.Errorf("%s: one cannot connect, although both work together", name)
		}
	}
}

// TestStale: what was is kept on the screen for a few seconds while an agent restarts, and goes on as if nothing had been when the next one knows the session.
func TestStale(t *testing.T) {
	s := situation(locale.English, "connected", false, true, "here")
	s.Send(model.AgentGone{})
	w := s.Model.Screen(s.Now).Window
	if len(w.Facts) == 0 || w.Tone != model.ToneWarn || w.Button.Msg != nil || s.Model.Screen(s.Now).Tray.Shape != model.ShapeReconnecting {
		t.Errorf("a moment after the agent went the window has %+v", w)
	}
	s.Later(2 * time.Second).Send(model.AgentHere{Version: modeltest.Agent}).State(modeltest.Phase("reconnecting", s.Now))
	s.State(modeltest.Phase("connected", s.Now))
	if w := s.Model.Screen(s.Now).Window; w.Button.Msg != (model.Disconnect{}) || w.Tone != model.ToneGood {
		t.Errorf("after the restart the window has %+v", w)
	}
	s.Send(model.AgentGone{}).Later(6 * time.Second)
	if w := s.Model.Screen(s.Now).Window; len(w.Facts) > 0 || w.Code != string(fault.AgentUnreachable) {
		t.Errorf("long after the agent went the window has %+v", w)
	}
}
