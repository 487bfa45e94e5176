package model_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/model"
	"github.com/holdfast-vpn/holdfast/ui/model/modeltest"
)

// asked are the commands of one type, oldest first.
func asked[C model.Command](s *modeltest.Script) []C {
	var all []C
	for _, c := range s.Commands {
		if c, ok := c.(C); ok {
			all = append(all, c)
		}
	}
	return all
}

// last is the latest of them; false where there is none.
func last[C model.Command](s *modeltest.Script) (c C, ok bool) {
	all := asked[C](s)
	if len(all) == 0 {
		return c, false
	}
	return all[len(all)-1], true
}

// ready is an agent that is down, with a window, or without.
func ready(visible bool, settings ...string) *modeltest.Script {
	s := modeltest.NewScript(locale.English)
	s.Send(model.Desktop{HasTray: true}, model.AgentHere{Version: modeltest.Agent}, model.Listed{Hosts: modeltest.Hosts})
	if visible {
		s.Send(model.Show{})
	}
	return s.State(modeltest.Phase("disconnected", s.Now)).Send(model.Ruled{Policy: modeltest.Policy(settings...)})
}

// TestThreeClicks: opening, connecting, answering. The button cancels at once, the answer goes to its prompt once, and the target is remembered when the session is up.
func TestThreeClicks(t *testing.T) {
	s := ready(true)
	s.Send(model.Connect{})
	if c, ok := last[model.CallConnect](s); !ok || c.Request.Target != "Head office" {
		t.Fatalf("the agent is asked for %+v", c)
	}
	if w := s.Model.Screen(s.Now).Window; w.Button.Msg != (model.Disconnect{}) || len(w.Steps) != 4 || w.Steps[0].State != model.StepNow {
		t.Errorf("after the click the window has %+v", w)
	}
	s.Send(model.Connect{}, model.Connect{}) // a person who clicks twice
	if n := len(asked[model.CallConnect](s)); n != 1 {
		t.Errorf("the agent is asked %d times", n)
	}
	s.Send(model.Done{Command: model.CallConnect{}}).State(modeltest.Phase("connecting", s.Now)).State(modeltest.Asking(modeltest.Login(), s.Now))
	answer := model.Answer{Prompt: "p1", Fields: map[string]redact.Secret{"password": redact.NewString(secret)}}
	s.Send(answer)
	if p := s.Model.Screen(s.Now).Prompt; p == nil || !p.Busy {
		t.Errorf("the prompt that was answered is %+v", p)
	}
	s.Send(answer)
	calls := asked[model.CallAnswer](s)
	if len(calls) != 1 || calls[0].Prompt != "p1" || string(calls[0].Answer.Fields["password"].Reveal()) != secret || calls[0].Answer.Cancel || calls[0].Answer.Accept != nil {
		t.Errorf("the agent gets %d answers", len(calls))
	}
	s.State(modeltest.Phase("establishing", s.Now)).State(modeltest.Phase("connected", s.Now))
	if r, ok := last[model.Remember](s); !ok || !slices.Equal(r.Recent, []string{"Head office"}) {
		t.Errorf("kept is %v", r)
	}
}

// TestAnswers: what is sent for each kind of answer, and that an answer to another prompt goes nowhere.
func TestAnswers(t *testing.T) {
	yes := true
	for name, tt := range map[string]struct {
		msg  model.Answer
		want *ipc.Answer
	}{
		"fields":        {model.Answer{Prompt: "p1", Fields: map[string]redact.Secret{}}, &ipc.Answer{Fields: map[string]redact.Secret{}}},
		"accepted":      {model.Answer{Prompt: "p1", Accept: &yes}, &ipc.Answer{Accept: &yes}},
		"cancelled":     {model.Answer{Prompt: "p1", Cancel: true, Fields: map[string]redact.Secret{}}, &ipc.Answer{Cancel: true}},
		"another's":     {model.Answer{Prompt: "p7", Fields: map[string]redact.Secret{}}, nil},
		"nobody's":      {model.Answer{Fields: map[string]redact.Secret{}}, nil},
		"a certificate": {model.Answer{Prompt: "certificate", Fields: map[string]redact.Secret{}}, nil},
	} {
		s := ready(true).Send(model.Connect{})
		s.State(modeltest.Asking(modeltest.Login(), s.Now)).Send(tt.msg)
		got, ok := last[model.CallAnswer](s)
		if ok != (tt.want != nil) || ok && !reflect.DeepEqual(got.Answer, *tt.want) {
			t.Errorf("%s: sent is %+v", name, got)
		}
	}
}

// TestAnswerRefused: what went wrong with an answer is shown and the person can answer again; a prompt that is over says nothing.
func TestAnswerRefused(t *testing.T) {
	s := ready(true).Send(model.Connect{})
	s.State(modeltest.Asking(modeltest.Login(), s.Now)).Send(model.Answer{Prompt: "p1"}, model.Done{Command: model.CallAnswer{Prompt: "p1"}, Err: fault.New(fault.AgentSilent, nil)})
	if p := s.Model.Screen(s.Now).Prompt; p.Busy || p.Error == "" {
		t.Errorf("after an answer that did not arrive: %+v", p)
	}
	s.Send(model.Answer{Prompt: "p1"}, model.Done{Command: model.CallAnswer{Prompt: "p1"}, Err: fault.New(fault.AuthPromptGone, nil)})
	if p := s.Model.Screen(s.Now).Prompt; p.Error != "" {
		t.Errorf("of a prompt that is over it says %q", p.Error)
	}
	s.State(modeltest.Asking(modeltest.Challenge(), s.Now))
	if p := s.Model.Screen(s.Now).Prompt; p.Error == "" || p.Busy {
		t.Errorf("the next question is %+v", p)
	}
}

// TestRefused: a connect that the agent refuses says why; a target that is none is not even sent.
func TestRefused(t *testing.T) {
	s := ready(true).Send(model.Connect{}, model.Done{Command: model.CallConnect{}, Err: fault.New(fault.PolNotOwner, nil)})
	if w := s.Model.Screen(s.Now).Window; w.Code != string(fault.PolNotOwner) || w.Button.Msg != (model.Connect{}) {
		t.Errorf("after a refusal the window has %+v", w)
	}
	s = ready(true).Send(model.Choose{Index: -1, Typed: "ftp://vpn.example.com"}, model.Connect{})
	if w := s.Model.Screen(s.Now).Window; w.Code != string(fault.UseTarget) || len(asked[model.CallConnect](s)) > 0 {
		t.Errorf("of a target that is none the window says %q", w.Line)
	}
	s.Send(model.Choose{Index: -1, Typed: " vpn.example.com/staff "}, model.Connect{})
	if c, ok := last[model.CallConnect](s); !ok || c.Request.Target != "vpn.example.com/staff" {
		t.Errorf("the agent is asked for %+v", c)
	}
	s = ready(true, "AllowManualHostInput", "false").Send(model.Choose{Index: -1, Typed: "vpn.example.com"})
	if w := s.Model.Screen(s.Now).Window; w.Manual || w.Selected != 0 {
		t.Errorf("where no host may be typed the window has %+v", w)
	}
}

// TestStart: AutoConnectOnStart connects once, and only where nothing is up.
func TestStart(t *testing.T) {
	s := ready(false, "AutoConnectOnStart", "true")
	if c, ok := last[model.CallConnect](s); !ok || c.Request.Target != "Head office" {
		t.Errorf("at the start the agent is asked for %+v", c)
	}
	s.Send(model.Done{Command: model.CallConnect{}}).State(modeltest.Phase("connecting", s.Now)).State(modeltest.Failed(fault.NetSilent, s.Now))
	s.Send(model.Ruled{Policy: modeltest.Policy("AutoConnectOnStart", "true")}, model.AgentGone{}, model.AgentHere{Version: modeltest.Agent}).State(modeltest.Phase("disconnected", s.Now))
	if n := len(asked[model.CallConnect](s)); n != 1 {
		t.Errorf("it connects %d times", n)
	}
	s = modeltest.NewScript(locale.English)
	s.Send(model.AgentHere{Version: modeltest.Agent}).State(modeltest.Phase("connected", s.Now)).Send(model.Ruled{Policy: modeltest.Policy("AutoConnectOnStart", "true")}).State(modeltest.Phase("disconnected", s.Now))
	if _, ok := last[model.CallConnect](s); ok {
		t.Error("it connects after a session that was there at the start")
	}
	if _, ok := last[model.CallConnect](ready(false)); ok {
		t.Error("it connects although nobody wants it")
	}
}

// TestMinimize: MinimizeOnConnect closes the window of who connected here, where an icon stays.
func TestMinimize(t *testing.T) {
	for name, tt := range map[string]struct {
		setting   string
		tray, own bool
		want      bool
	}{
		"wanted": {"true", true, true, true}, "not wanted": {"false", true, true, false}, "no icon": {"true", false, true, false}, "another program's": {"true", true, false, false},
	} {
		s := ready(true, "MinimizeOnConnect", tt.setting).Send(model.Desktop{HasTray: tt.tray})
		if tt.own {
			s.Send(model.Connect{})
		}
		s.State(modeltest.Phase("connecting", s.Now)).State(modeltest.Phase("connected", s.Now))
		if _, closed := last[model.Close](s); closed != tt.want {
			t.Errorf("%s: the window is closed: %t", name, closed)
		}
	}
}

// TestForward: a question of an attempt that was begun here brings the window, and opens the sign-in page once; one of a session that lives for hours does not.
func TestForward(t *testing.T) {
	s := ready(false).Send(model.Connect{Target: "Laboratory"})
	s.State(modeltest.Asking(modeltest.Browser(), s.Now)).State(modeltest.Asking(modeltest.Browser(), s.Now))
	if len(asked[model.Open](s)) != 1 || len(asked[model.Browse](s)) != 1 || len(asked[model.Notify](s)) > 0 {
		t.Errorf("a person who waits gets %v", s.Commands)
	}
	s.Send(model.OpenPage{})
	if b := asked[model.Browse](s); len(b) != 2 || b[1].Page.Port != 29786 || b[1].Finished == "" {
		t.Errorf("the page is opened %d times", len(b))
	}
	refused := modeltest.Browser()
	refused.ID, refused.Error = "p9", "This user is not known here."
	if s.State(modeltest.Asking(refused, s.Now)); len(asked[model.Browse](s)) != 2 {
		t.Error("the page is opened again by itself after a refusal")
	}
	if s.Send(model.OpenPage{}); len(asked[model.Browse](s)) != 3 {
		t.Error("the page is not opened again for a person who wants it")
	}
	s = ready(false).State(modeltest.Asking(modeltest.Browser(), modeltest.Start))
	if n := len(asked[model.Notify](s)); n > 0 {
		t.Errorf("a question that another program may answer is told %d times at once", n)
	}
	s.Later(2 * time.Second)
	if n, ok := last[model.Notify](s); !ok || n.ID != "prompt" || !n.Urgent || len(asked[model.Open](s))+len(asked[model.Browse](s)) > 0 {
		t.Errorf("a person who does not wait gets %v", s.Commands)
	}
}

// TestCertificate: the file and the passphrase go into one command, the certificate into the connect, its signatures to whoever has the key, and the key away with the session.
func TestCertificate(t *testing.T) {
	s := ready(true).Send(model.Connect{}).State(modeltest.Failed(fault.AuthCertNeeded, modeltest.Start))
	notes := s.Model.Screen(s.Now).Window.Notes
	if len(notes) != 1 || notes[0].Action == nil || notes[0].Action.Msg != (model.UseCertificate{Target: "Head office"}) {
		t.Fatalf("after AUTH-009 the notes are %+v", notes)
	}
	s.Send(notes[0].Action.Msg)
	p := s.Model.Screen(s.Now).Prompt
	if p == nil || p.Kind != model.PromptCertificate || len(p.Fields) != 2 {
		t.Fatalf("the question is %+v", p)
	}
	fields := map[string]redact.Secret{model.CertificateFile: redact.NewString("/home/alice/alice.p12"), model.CertificatePassphrase: redact.NewString(secret)}
	s.Send(model.Answer{Prompt: p.ID, Fields: fields})
	u, ok := last[model.Unlock](s)
	if !ok || u.File != "/home/alice/alice.p12" || string(u.Passphrase.Reveal()) != secret {
		t.Fatalf("unlocked is %+v", u)
	}
	s.Send(model.Done{Command: u, Err: fault.New(fault.AuthPassphrase, nil)})
	if p := s.Model.Screen(s.Now).Prompt; p.Error == "" || p.Busy || p.Fields[0].Value != "/home/alice/alice.p12" || !p.Fields[1].Focus {
		t.Errorf("after a wrong passphrase: %+v", p)
	}
	s.Send(model.Answer{Prompt: p.ID, Fields: fields}, model.Unlocked{Target: "Head office", PEM: "PEM", Fingerprint: "f1"})
	if c, _ := last[model.CallConnect](s); c.Request.CertPEM != "PEM" || c.Request.Target != "Head office" || s.Model.Screen(s.Now).Prompt != nil {
		t.Errorf("the agent is asked for %+v", c)
	}
	st := modeltest.Phase("connecting", s.Now)
	st.Attempt = "c2"
	st.Prompt = &ipc.Prompt{ID: "p9", Kind: "sign", Sign: &ipc.Sign{Certificate: "f1", Scheme: "ed25519"}}
	s.State(st).State(st)
	if all := asked[model.Sign](s); len(all) != 1 || all[0].Prompt != "p9" || s.Model.Screen(s.Now).Prompt != nil {
		t.Errorf("signed is %+v", all)
	}
	st.Prompt = &ipc.Prompt{ID: "p10", Kind: "sign", Sign: &ipc.Sign{Certificate: "f2"}}
	s.State(st)
	if all := asked[model.Sign](s); len(all) != 1 {
		t.Error("it signs for another certificate")
	}
	for _, phase := range []string{"connected", "disconnected"} {
		st = modeltest.Phase(phase, s.Now)
		st.Attempt = "c2"
		s.State(st)
	}
	if len(asked[model.Lock](s)) != 1 {
		t.Error("the key stays unlocked after the session")
	}
	if r, _ := last[model.Remember](s); r.Certificates["Head office"] == "" {
		t.Errorf("kept is %+v", r)
	}
	s.Send(model.Connect{})
	if p := s.Model.Screen(s.Now).Prompt; p == nil || p.Kind != model.PromptCertificate {
		t.Error("the next connect does not ask for the certificate's passphrase")
	}
	s.Send(model.Answer{Prompt: "certificate", Cancel: true}, model.DropCertificate{Target: "Head office"}, model.Connect{})
	if c, _ := last[model.CallConnect](s); c.Request.CertPEM != "" {
		t.Error("a certificate that was dropped is used")
	}
}

// TestQuit: the session is the agent's, and who quits is told so.
func TestQuit(t *testing.T) {
	s := ready(true).Send(model.Quit{})
	if len(asked[model.Notify](s)) > 0 || len(asked[model.Exit](s)) != 1 {
		t.Errorf("without a session: %v", s.Commands)
	}
	s = ready(true).State(modeltest.Phase("connected", modeltest.Start)).Send(model.Quit{})
	if len(asked[model.Notify](s)) != 1 || len(asked[model.Exit](s)) != 1 || len(asked[model.CallDisconnect](s)) > 0 {
		t.Errorf("with a session: %v", s.Commands)
	}
}

// TestForeignHands: another user's session is nobody else's to end or to answer.
func TestForeignHands(t *testing.T) {
	s := ready(true).State(ipc.Reduce(modeltest.Phase("connected", modeltest.Start)))
	before := len(s.Commands)
	s.Send(model.Disconnect{}, model.Connect{}, model.Connect{Target: "Laboratory"}, model.Answer{Prompt: "p1", Cancel: true}, model.OpenPage{}).Later(time.Hour)
	if got := s.Commands[before:]; len(got) > 0 {
		t.Errorf("it does %v", got)
	}
	s.State(ipc.Reduce(modeltest.Phase("reconnecting", s.Now))).Later(time.Minute).State(ipc.Reduce(modeltest.Failed(fault.GwIdle, s.Now)))
	if n := asked[model.Notify](s); len(n) > 0 {
		t.Errorf("it tells of somebody else's session: %v", n)
	}
	if w := s.Model.Screen(s.Now).Window; w.Button.Msg != (model.Connect{}) || w.Code != "" {
		t.Errorf("after that one cannot connect, or is shown %s", w.Code)
	}
	s.State(ipc.Reduce(modeltest.Failed(fault.HostUndo, s.Now)))
	if w := s.Model.Screen(s.Now).Window; w.Code != string(fault.HostUndo) {
		t.Error("what is wrong with this machine is not shown to all")
	}
}

// TestLocked: where policy lets nobody disconnect the agent says so in a notice; the button can be pressed again, and the reason stands beside it until the session ends.
func TestLocked(t *testing.T) {
	s := ready(true).State(modeltest.Phase("connected", modeltest.Start)).Send(model.Disconnect{}, model.Done{Command: model.CallDisconnect{}})
	e := modeltest.Fault(fault.PolAlways)
	if w := s.Model.Screen(s.Now).Window; w.Button.Msg != nil {
		t.Error("the button can be pressed twice")
	}
	s.Send(model.Happened{Event: ipc.Event{Type: "notice", Notice: &e}})
	if w := s.Model.Screen(s.Now).Window; w.Button.Msg != (model.Disconnect{}) || len(w.Notes) != 1 || w.Notes[0].Tone != model.ToneBad {
		t.Errorf("after the notice the window has %+v", w)
	}
	s.State(modeltest.Failed(fault.GwIdle, s.Now))
	if w := s.Model.Screen(s.Now).Window; w.Code != string(fault.GwIdle) {
		t.Errorf("after the end the window says %s", w.Code)
	}
}

// TestGoesOn: who cancelled one question and is asked another can cancel again.
func TestGoesOn(t *testing.T) {
	s := ready(true).Send(model.Connect{})
	s.State(modeltest.Asking(modeltest.Login(), s.Now)).Send(model.Answer{Prompt: "p1", Cancel: true})
	if w := s.Model.Screen(s.Now).Window; w.Button.Msg != nil {
		t.Error("the button can be pressed twice")
	}
	s.State(modeltest.Asking(modeltest.Challenge(), s.Now))
	if w := s.Model.Screen(s.Now).Window; w.Button.Msg != (model.Disconnect{}) {
		t.Error("the second question cannot be cancelled by the button")
	}
}

// TestCertificateOvertaken: a question for a certificate ends with what it was for, and can be left while the file is read.
func TestCertificateOvertaken(t *testing.T) {
	fields := map[string]redact.Secret{model.CertificateFile: redact.NewString("/x/alice.p12")}
	begin := func() *modeltest.Script {
		return ready(true).Send(model.UseCertificate{Target: "Laboratory"}, model.Answer{Prompt: "certificate", Fields: fields})
	}
	for name, play := range map[string]func(*modeltest.Script){
		"cancelled":        func(s *modeltest.Script) { s.Send(model.Answer{Prompt: "certificate", Cancel: true}) },
		"another program":  func(s *modeltest.Script) { s.State(modeltest.Phase("connecting", s.Now)) },
		"the agent's end":  func(s *modeltest.Script) { s.Send(model.AgentGone{}) },
		"another's window": func(s *modeltest.Script) { s.State(ipc.Reduce(modeltest.Phase("connected", s.Now))) },
	} {
		s := begin()
		play(s)
		s.Send(model.Unlocked{Target: "Laboratory", PEM: "PEM", Fingerprint: "f1"})
		if p := s.Model.Screen(s.Now).Prompt; p != nil || len(asked[model.CallConnect](s)) > 0 || len(asked[model.Lock](s)) != 1 {
			t.Errorf("%s: asked is %+v, the key was locked %d times", name, p, len(asked[model.Lock](s)))
		}
	}
}

// TestKeyOfAnotherAttempt: the key signs for the attempt that the person unlocked it for. Another program of theirs that ends that one and begins its own, so fast that no state between is heard of, has no
// signature; nor has it while the agent has not said which attempt is ours.
func TestKeyOfAnotherAttempt(t *testing.T) {
	signing := func(s *modeltest.Script, attempt, prompt string) {
		st := modeltest.Phase("authenticating", s.Now)
		st.Attempt, st.Target = attempt, "evil.example"
		st.Prompt = &ipc.Prompt{ID: prompt, Kind: "sign", Sign: &ipc.Sign{Certificate: "f1", Scheme: "ed25519"}}
		s.State(st)
	}
	unlocked := func() *modeltest.Script {
		fields := map[string]redact.Secret{model.CertificateFile: redact.NewString("/home/alice/alice.p12")}
		return ready(true).Send(model.UseCertificate{Target: "Laboratory"}, model.Answer{Prompt: "certificate", Fields: fields}, model.Unlocked{Target: "Laboratory", PEM: "PEM", Fingerprint: "f1"})
	}
	s := unlocked()
	signing(s, "ours", "p1")
	signing(s, "theirs", "p2")
	signing(s, "ours", "p3")
	if all := asked[model.Sign](s); len(all) != 1 || all[0].Prompt != "p1" || len(asked[model.Lock](s)) != 1 {
		t.Errorf("signed is %+v, locked %d times", all, len(asked[model.Lock](s)))
	}
	s = unlocked().Send(model.AgentGone{}, model.AgentHere{})
	signing(s, "theirs", "p1")
	if all := asked[model.Sign](s); len(all) != 0 || len(asked[model.Lock](s)) != 1 {
		t.Errorf("after the agent began anew, signed is %+v, locked %d times", all, len(asked[model.Lock](s)))
	}
}
