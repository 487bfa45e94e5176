package model_test

import (
	"encoding/json"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/model"
	"github.com/holdfast-vpn/holdfast/ui/model/modeltest"
)

// secret is what nobody may keep.
const secret = "correct horse battery"

// nasty are texts of strangers.
var nasty = []string{"", " ", "vpn.example.com", "\x1b[31mred\x07", "\u202egnp.exe", strings.Repeat("wide ", 900), "\u3164", "a\nb\r\nc", "\xff\xfe", "https://vpn.example.com/x", "USER", "<b>bold</b>"}

// chance makes messages.
type chance struct{ *rand.Rand }

func (c chance) text() string  { return nasty[c.IntN(len(nasty))] }
func (c chance) yes() bool     { return c.IntN(2) == 0 }
func (c chance) phase() string { return phases[c.IntN(len(phases))] }
func (c chance) code() ipc.Error {
	codes := []fault.Code{fault.NetPortal, fault.AuthRefused, fault.AuthCertNeeded, fault.GwIdle, "NEW-001", "", "\x00"}
	return ipc.Error{Code: string(codes[c.IntN(len(codes))]), Message: c.text(), Hint: c.text()}
}

// moment is a time near now, far away, or none.
func (c chance) moment(now time.Time) time.Time {
	switch c.IntN(6) {
	case 0:
		return time.Time{}
	case 1:
		return now.Add(-1000 * time.Hour)
	}
	return now.Add(time.Duration(c.IntN(3600)-1200) * time.Second)
}

func (c chance) prompt(now time.Time) *ipc.Prompt {
	kinds := []string{"form", "banner", "trust", "browser", "sign", "riddle"}
	p := &ipc.Prompt{ID: fmt.Sprint("p", c.IntN(3)), Kind: kinds[c.IntN(len(kinds))], Title: c.text(), Message: c.text(), Error: c.text(), Until: c.moment(now)}
	for range c.IntN(5) {
		f := ipc.Field{Name: c.text(), Label: c.text(), Type: []string{"text", "password", "select", "colour"}[c.IntN(4)], Value: c.text()}
		for range c.IntN(3) {
			f.Options = append(f.Options, ipc.Option{Value: c.text(), Label: c.text()})
		}
		p.Fields = append(p.Fields, f)
	}
	if c.yes() {
		p.Browser = &ipc.Browser{URL: c.text(), Host: c.text(), Gateway: c.text(), Port: 1}
		p.Trust = &ipc.Trust{Host: c.text(), Problems: []string{"name", c.text()}, Pin: c.text(), Certificate: c.text(), Subject: c.text(), Issuer: c.text(), Names: []string{c.text()}, NotBefore: c.moment(now), NotAfter: c.moment(now)}
		p.Sign = &ipc.Sign{Certificate: "f1", Scheme: "ed25519", Content: []byte{1}}
	}
	return p
}

func (c chance) state(now time.Time) ipc.State {
	s := modeltest.Phase(c.phase(), c.moment(now))
	if c.IntN(4) == 0 {
		return ipc.Reduce(s)
	}
	s.Attempt, s.Transport, s.TransportReason = fmt.Sprint("c", c.IntN(3)), c.text(), c.text()
	s.Step = []string{"", "reach", "login", "tunnel", "apply", "fly"}[c.IntN(6)]
	if c.yes() {
		s.Prompt = c.prompt(now)
	}
	if c.yes() {
		e := c.code()
		s.Error = &e
	}
	if c.yes() {
		a, b := c.moment(now), c.moment(now)
		s.TransportCode, s.TransportSince, s.TransportRetryAt = []string{"udp-blocked", c.text()}[c.IntN(2)], &a, &b
		s.Waiting = &ipc.Waiting{Since: c.moment(now), Until: c.moment(now)}
		s.Session = &ipc.Session{Started: c.moment(now), Expires: &b}
		s.LastReconnect = &ipc.LastReconnect{OutageMS: c.Int64N(1 << 40), At: c.moment(now)}
		s.Addresses, s.Impaired, s.Target = []string{c.text(), c.text()}, []string{c.text()}, c.text()
		s.CaptivePortal = new(bool)
		*s.CaptivePortal = c.yes()
	}
	return s
}

func (c chance) secrets() map[string]redact.Secret {
	return map[string]redact.Secret{"password": redact.NewString(secret), model.CertificatePassphrase: redact.NewString(secret), model.CertificateFile: redact.NewString("/home/alice/alice.p12"), c.text(): redact.NewString(secret)}
}

func (c chance) err() *fault.Error {
	if c.yes() {
		return nil
	}
	return c.code().Fault()
}

func (c chance) stats() ipc.Stats {
	return ipc.Stats{State: ipc.State{State: "connected", Counters: &ipc.Counters{RxBytes: c.Uint64(), TxBytes: c.Uint64N(1e6)}}}
}

// answer is a person's.
func (c chance) answer() model.Answer {
	a := model.Answer{Prompt: []string{"p0", "p1", "p2", "certificate", "wait"}[c.IntN(5)], Fields: c.secrets(), Cancel: c.IntN(4) == 0}
	if c.IntN(4) == 0 {
		a.Accept = new(bool)
	}
	return a
}

// msg is any message.
func (c chance) msg(now time.Time) model.Msg {
	hosts := []ipc.HostEntry{{Name: c.text(), Address: c.text()}, {Name: c.text(), Group: c.text()}}
	all := []model.Msg{
		model.AgentHere{Version: []ipc.Version{modeltest.Agent, modeltest.Older, modeltest.Newer}[c.IntN(3)]}, model.AgentHere{Version: modeltest.Agent}, model.AgentGone{Err: c.err()},
		model.Listed{Hosts: hosts}, model.Listed{Hosts: modeltest.Hosts}, model.Ruled{Policy: modeltest.Policy("AllowManualHostInput", fmt.Sprint(c.yes()), "AutoConnectOnStart", fmt.Sprint(c.yes()))},
		model.Measured{Stats: c.stats()}, model.Desktop{HasTray: c.yes()}, model.Tick{}, model.Remembered{Recent: nasty, Certificates: map[string]string{c.text(): c.text(), "Laboratory": "/x/lab.p12"}},
		model.Unlocked{Target: c.text(), PEM: "PEM", Fingerprint: "f1"}, model.Unlocked{Target: "Laboratory", PEM: "PEM", Fingerprint: "f1"}, model.Connect{}, model.Connect{Target: c.text()}, model.Connect{Target: "Laboratory"},
		model.Disconnect{}, model.Retry{}, model.UseCertificate{Target: c.text()}, model.DropCertificate{Target: c.text()}, model.Choose{Index: c.IntN(6) - 2, Typed: c.text()},
		c.answer(), c.answer(), model.OpenPage{}, model.Show{}, model.Hide{}, model.ShowDetails{Tab: model.Tab(c.IntN(8))}, model.HideDetails{}, model.Quit{},
		model.Done{Command: model.CallConnect{}, Err: c.err()}, model.Done{Command: model.CallDisconnect{}, Err: c.err()}, model.Done{Command: model.Fetch{What: model.FetchStats}, Err: c.err()},
		model.Done{Command: model.CallAnswer{Prompt: "p1", Answer: ipc.Answer{Fields: c.secrets()}}, Err: c.err()},
		model.Done{Command: model.Unlock{Target: "Laboratory", Passphrase: redact.NewString(secret)}, Err: c.err()},
	}
	if c.IntN(3) == 0 {
		st := c.state(now)
		return model.Happened{Event: ipc.Event{Type: "state", At: now, State: &st}}
	}
	return all[c.IntN(len(all))]
}

// hashing is one for the whole process, so that digests can be compared.
var hashing = maphash.MakeSeed()

// digest is a number for everything that a value holds; words do not change and are left out.
func digest(v any) uint64 {
	var h maphash.Hash
	h.SetSeed(hashing)
	digestInto(&h, reflect.ValueOf(v))
	return h.Sum64()
}

func digestInto(h *maphash.Hash, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() && v.Type() != reflect.TypeFor[*locale.Words]() && v.Type() != reflect.TypeFor[*time.Location]() {
			digestInto(h, v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			digestInto(h, v.Field(i))
		}
	case reflect.Slice, reflect.Array:
		maphash.WriteComparable(h, v.Len())
		for i := range v.Len() {
			digestInto(h, v.Index(i))
		}
	case reflect.Map:
		var sum uint64 // in any order
		for it := v.MapRange(); it.Next(); {
			var one maphash.Hash
			one.SetSeed(hashing)
			digestInto(&one, it.Key())
			digestInto(&one, it.Value())
			sum += one.Sum64()
		}
		maphash.WriteComparable(h, sum)
	case reflect.String:
		h.WriteString(v.String())
	case reflect.Bool:
		maphash.WriteComparable(h, v.Bool())
	case reflect.Float32, reflect.Float64:
		maphash.WriteComparable(h, v.Float())
	case reflect.Func:
	default:
		if v.CanInt() {
			maphash.WriteComparable(h, v.Int())
		} else {
			maphash.WriteComparable(h, v.Uint())
		}
	}
}

// TestRandom: whatever comes in whatever order, nothing panics, no label is empty, no secret stays, and a Model that was is never changed.
func TestRandom(t *testing.T) {
	for seed := range uint64(10) {
		c := chance{rand.New(rand.NewPCG(seed, 5))}
		s := modeltest.NewScript(locale.Languages()[c.IntN(7)])
		for step := range 150 {
			msg := c.msg(s.Now)
			before, sum := s.Model, digest(s.Model)
			s.Send(msg)
			if digest(before) != sum {
				t.Fatalf("seed %d, step %d: %T changed the model that it was sent to", seed, step, msg)
			}
			if modeltest.Holds(s.Model, secret) {
				t.Fatalf("seed %d, step %d: %T left its secret in the model", seed, step, msg)
			}
			now, sum := s.Model, digest(s.Model)
			for _, wrong := range modeltest.Check(s.Model.Screen(s.Now)) {
				t.Fatalf("seed %d, step %d: after %T %s", seed, step, msg, wrong)
			}
			if digest(now) != sum {
				t.Fatalf("seed %d, step %d: the Screen changed the model", seed, step)
			}
			s.Now = s.Now.Add(time.Duration(c.IntN(4000)) * time.Millisecond)
		}
	}
}

// FuzzState feeds the model an agent's event as bytes: an agent that was taken over, or a gateway behind it, may say anything.
func FuzzState(f *testing.F) {
	for _, phase := range phases {
		st := modeltest.Phase(phase, modeltest.Start)
		for _, p := range []ipc.Prompt{modeltest.Login(), modeltest.Banner(), modeltest.Browser(), modeltest.Trust()} {
			st.Prompt = &p
			raw, err := json.Marshal(ipc.Event{Type: "state", State: &st})
			if err != nil {
				f.Fatal(err)
			}
			f.Add(raw)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var e ipc.Event
		if json.Unmarshal(raw, &e) != nil {
			return
		}
		s := modeltest.NewScript(locale.English)
		s.Send(model.AgentHere{Version: modeltest.Agent}, model.Show{}, model.Happened{Event: e}).Later(4 * time.Second)
		s.Send(model.OpenPage{}, model.ShowDetails{Tab: model.TabRoutes}, model.Disconnect{})
		for _, wrong := range modeltest.Check(s.Model.Screen(s.Now)) {
			t.Error(wrong)
		}
		for _, c := range s.Commands {
			if b, ok := c.(model.Browse); ok && !strings.HasPrefix(b.Page.URL, "https://") {
				t.Errorf("the browser is sent to %q", b.Page.URL)
			}
		}
	})
}
