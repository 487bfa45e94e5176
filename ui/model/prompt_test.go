package model_test

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/model"
	"github.com/holdfast-vpn/holdfast/ui/model/modeltest"
)

// asks is what the model makes of a form.
func asks(fields ...ipc.Field) []model.Field {
	s := ready(true).Send(model.Connect{})
	s.State(modeltest.Asking(ipc.Prompt{ID: "p1", Kind: "form", Fields: fields}, s.Now))
	return s.Model.Screen(s.Now).Prompt.Fields
}

// TestFields: what a gateway may ask becomes fields that can be read, with what the person gave the last time in them, and the keyboard at the first that is empty.
func TestFields(t *testing.T) {
	groups := []ipc.Option{{Value: "staff", Label: "Staff"}, {Value: "guests"}, {}}
	for name, tt := range map[string]struct {
		asked ipc.Field
		want  model.Field
	}{
		"a name":               {ipc.Field{Name: "username", Label: "Username:", Type: "text"}, model.Field{Label: "Username"}},
		"one of before":        {ipc.Field{Name: "username", Label: "用户名：", Type: "text", Value: "guest", Last: "alice"}, model.Field{Label: "用户名", Value: "alice"}},
		"a password":           {ipc.Field{Name: "password", Type: "password", Value: "preset"}, model.Field{Label: "Password", Type: model.FieldPassword}},
		"without a label":      {ipc.Field{Name: "answer", Label: "\u202e", Type: "text"}, model.Field{Label: "Answer"}},
		"of a new type":        {ipc.Field{Name: "colour", Label: "Colour", Type: "rainbow", Value: "red"}, model.Field{Label: "Colour", Value: "red"}},
		"a choice":             {ipc.Field{Name: "group_list", Label: "GROUP:", Type: "select", Options: groups}, model.Field{Label: "GROUP", Type: model.FieldSelect, Value: "staff"}},
		"the gateway's choice": {ipc.Field{Name: "group_list", Label: "GROUP:", Type: "select", Options: groups, Value: "guests"}, model.Field{Label: "GROUP", Type: model.FieldSelect, Value: "guests"}},
		"the last choice":      {ipc.Field{Name: "group_list", Label: "GROUP:", Type: "select", Options: groups, Value: "guests", Last: "staff"}, model.Field{Label: "GROUP", Type: model.FieldSelect, Value: "staff"}},
		"one that is gone":     {ipc.Field{Name: "group_list", Label: "GROUP:", Type: "select", Options: groups, Value: "guests", Last: "board"}, model.Field{Label: "GROUP", Type: model.FieldSelect, Value: "guests"}},
		"nothing to choose":    {ipc.Field{Name: "group_list", Label: "GROUP:", Type: "select", Options: []ipc.Option{{}}, Value: "staff"}, model.Field{Label: "GROUP", Value: "staff"}},
	} {
		got := asks(tt.asked)
		if len(got) != 1 || got[0].Label != tt.want.Label || got[0].Type != tt.want.Type || got[0].Value != tt.want.Value || !got[0].Focus || got[0].Name != tt.asked.Name {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
	many := make([]ipc.Field, 500)
	for i := range many {
		many[i] = ipc.Field{Name: strings.Repeat("x", i), Label: strings.Repeat("wide ", 1000), Type: "text", Value: "y"}
	}
	got := asks(many...)
	if len(got) != 64 || !got[0].Focus || len([]rune(got[0].Label)) > 200 {
		t.Errorf("of 500 fields %d are shown", len(got))
	}
	got = asks(ipc.Field{Name: "username", Type: "text", Value: "alice"}, ipc.Field{Name: "password", Type: "password"}, ipc.Field{Name: "password", Type: "text"}, ipc.Field{Type: "text"})
	if len(got) != 2 || !got[1].Focus {
		t.Errorf("a form with a field twice and one without a name is %+v", got)
	}
}

// TestTransport: the transport's truth, from what an agent says by code, and from an older one's words.
func TestTransport(t *testing.T) {
	at := func(m int) *time.Time { when := modeltest.Start.Add(time.Duration(m) * time.Minute); return &when }
	for name, tt := range map[string]struct {
		transport, code, reason string
		since, retry            *time.Time
		want                    string
	}{
		"by DTLS":       {"dtls", "", "", at(0), nil, "DTLS"},
		"UDP blocked":   {"tls", ipc.TransportUDPBlocked, "nothing comes back", at(-5), at(4), "TLS: this network blocks UDP since 10:25, next try in 4 min"},
		"trying":        {"tls", ipc.TransportUDPBlocked, "nothing comes back", at(-5), at(-1), "TLS: this network blocks UDP since 10:25, trying again now"},
		"for good":      {"tls", ipc.TransportUDPBlocked, "nothing comes back", at(-5), nil, "TLS: this network blocks UDP since 10:25"},
		"an older one":  {"tls", "", "the gateway offers no DTLS", nil, nil, "TLS: the gateway offers no DTLS"},
		"a newer one":   {"tls", "moon", "the moon is full", at(-5), nil, "TLS: the moon is full since 10:25"},
		"without words": {"tls", "", "", at(-5), nil, "TLS"},
	} {
		s := ready(true)
		st := modeltest.Phase("connected", s.Now)
		st.Transport, st.TransportCode, st.TransportReason, st.TransportSince, st.TransportRetryAt = tt.transport, tt.code, tt.reason, tt.since, tt.retry
		got := s.State(st).Model.Screen(s.Now).Window.Facts[0].Value
		if got = strings.ReplaceAll(got, "\u00a0", " "); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// TestKeeps: modeltest finds a secret where it is, so that not finding one means something.
func TestKeeps(t *testing.T) {
	held := model.CallAnswer{Answer: ipc.Answer{Fields: map[string]redact.Secret{"password": redact.NewString(secret)}}}
	if !modeltest.Holds(held, secret) || modeltest.Holds(held, secret+"x") || modeltest.Holds(modeltest.Named("connected", locale.English).Model, secret) {
		t.Error("a secret in a command is not found, or one is found that is not there")
	}
	screen := model.Screen{Window: model.Window{Title: "T", Headline: "window.title", Selected: 3}}
	if wrong := modeltest.Check(screen); len(wrong) < 4 {
		t.Errorf("of an empty screen is said only %v", wrong)
	}
}

// TestWhoAsks: the title is ours and says who asks, so that a gateway cannot pass its question off as one of this computer's; what the gateway calls its question stands with its own words.
func TestWhoAsks(t *testing.T) {
	const theirs = "Your certificate"
	page := &ipc.Browser{URL: "https://login.example.org/", Host: "login.example.org", Gateway: "vpn.example.com", Port: 29786}
	for name, tt := range map[string]struct {
		asked          ipc.Prompt
		title, message string
	}{
		"a form":            {ipc.Prompt{Kind: "form", Title: theirs, Message: "Type the passphrase."}, "Sign in at Head office", theirs + "\n\nType the passphrase."},
		"a title alone":     {ipc.Prompt{Kind: "form", Title: theirs}, "Sign in at Head office", theirs},
		"what it says anew": {ipc.Prompt{Kind: "form", Title: "PASSCODE", Message: "Passcode"}, "Sign in at Head office", "Passcode"},
		"an ASA's":          {ipc.Prompt{Kind: "form", Title: "Login", Message: "Who?"}, "Sign in at Head office", "Who?"},
		"a banner":          {ipc.Prompt{Kind: "banner", Title: theirs, Message: "Rules.\nMore rules."}, "Notice from Head office", theirs + "\n\nRules.\nMore rules."},
		"a page":            {ipc.Prompt{Kind: "browser", Title: theirs, Message: "Go on.", Browser: page}, "Sign in with your browser", "Sign in at login.example.org in your browser. This goes on by itself then."},
		"a key":             {ipc.Prompt{Kind: "trust", Title: theirs}, "This VPN gateway is not trusted", ""},
	} {
		s := ready(true).Send(model.Connect{})
		tt.asked.ID = "p1"
		s.State(modeltest.Asking(tt.asked, s.Now))
		p := s.Model.Screen(s.Now).Prompt
		if p.Title != tt.title || tt.message != "" && p.Message != tt.message {
			t.Errorf("%s: %q, %q", name, p.Title, p.Message)
		}
	}
}

// TestTrustInHaste: the second click of a double click on Connect, or the one that was meant for the question before, trusts nobody: the answer counts once there was time to see the question. To refuse is
// never too early.
func TestTrustInHaste(t *testing.T) {
	yes, no := true, false
	for name, tt := range map[string]struct {
		after  time.Duration
		accept *bool
		sent   int
	}{
		"at once":     {100 * time.Millisecond, &yes, 0},
		"seen":        {time.Second, &yes, 1},
		"refused":     {100 * time.Millisecond, &no, 1},
		"much later":  {time.Minute, &yes, 1},
		"just before": {999 * time.Millisecond, &yes, 0},
	} {
		s := ready(true).Send(model.Connect{})
		s.State(modeltest.Asking(modeltest.Trust(), s.Now)).Later(tt.after).Send(model.Answer{Prompt: "p5", Accept: tt.accept})
		if p := s.Model.Screen(s.Now).Prompt; tt.accept == &yes && p.Early == (tt.sent > 0) || p.Early && s.Wake.IsZero() {
			t.Errorf("%s: the button is too early: %v, which ends at %v", name, p.Early, s.Wake)
		}
		if got := asked[model.CallAnswer](s); len(got) != tt.sent {
			t.Errorf("%s: %d answers", name, len(got))
		}
		if p := s.Model.Screen(s.Now).Prompt; p == nil || p.Busy != (tt.sent > 0) {
			t.Errorf("%s: the question is %+v", name, p)
		}
	}
}
