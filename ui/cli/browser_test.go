package cli

import (
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// brought is what a browser brings: in the shape of a sealed message.
var brought = base64.StdEncoding.EncodeToString([]byte{0, 1, 0, 3, 0, 1, 'x'})

// freePort finds a port that was free a moment ago.
func freePort() uint16 {
	for {
		port := 10000 + rand.IntN(20000) // below those that systems give to connections
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			l.Close()
			return uint16(port)
		}
	}
}

// page is a prompt of kind browser.
func page(failure string) step {
	return step{ask: &ipc.Prompt{
		Kind: "browser", Title: "Login", Message: "Please sign in.", Error: failure, Fields: []ipc.Field{{Name: ipc.ResponseField, Type: "text"}},
		Browser: &ipc.Browser{URL: "https://idp.example.com/sso?x=1", Host: "idp.example.com", Gateway: "vpn.example.com", Port: freePort()},
	}}
}

// opens is a browser in which a person signs in at once.
func opens(t *testing.T, steps []step) func(context.Context, string) error {
	n := 0
	return func(ctx context.Context, address string) error {
		b := steps[n].ask.Browser
		n++
		if address != b.URL {
			t.Errorf("opened %s", address)
		}
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://localhost:%d/api/sso/%s?return=", b.Port, url.QueryEscape(brought)), nil)
		if err != nil {
			return err
		}
		r, err := http.DefaultClient.Do(q)
		if err != nil {
			return err
		}
		return r.Body.Close()
	}
}

// fails is a machine without a browser.
func fails(context.Context, string) error { return fault.New(fault.AuthBrowser, nil) }

func TestSignInInABrowser(t *testing.T) {
	for _, tc := range []struct {
		name    string
		args    string
		who     *person
		errors  []string // one prompt for each
		browse  func(context.Context, string) error
		exit    int
		answers string
		stderr  []string
	}{
		{name: "signed in", who: &person{}, errors: []string{""}, answers: "response=" + brought,
			stderr: []string{"Please sign in.\n", "Sign in at idp.example.com in your browser.", "\n  https://idp.example.com/sso?x=1\n", "Waiting for your browser: "}},
		{name: "without a terminal", errors: []string{""}, answers: "response=" + brought, stderr: []string{"https://idp.example.com/sso?x=1"}},
		{name: "refused once", who: &person{replies: []string{""}}, errors: []string{"", "Nobody knows you."}, answers: "response=" + brought + " | response=" + brought,
			stderr: []string{"Nobody knows you.\n"}},
		{name: "refused, and the terminal ends", who: &person{replies: []string{"EOF"}}, errors: []string{"Nobody knows you."}, exit: 10},
		{name: "refused, and no terminal", errors: []string{"Nobody knows you."}, exit: 4, stderr: []string{"Nobody knows you. (AUTH-001)"}},
		{name: "nobody may be asked", args: "--no-input", who: &person{}, errors: []string{""}, exit: 10, stderr: []string{"a sign-in in a browser (AUTH-002)", "--no-input"}},
		{name: "neither browser nor terminal", errors: []string{""}, browse: fails, exit: 10, stderr: []string{"note: no browser could be opened", "a sign-in in a browser (AUTH-002)"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := &backend{}
			for _, failure := range tc.errors {
				b.steps = append(b.steps, page(failure))
			}
			browse := tc.browse
			if browse == nil {
				browse = opens(t, b.steps)
			}
			b.steps = append(b.steps, connected)
			r := playWith(t.Context(), serve(t, b), Deps{Browse: browse}, tc.who, "", append([]string{"connect", "vpn.example.com"}, strings.Fields(tc.args)...)...)
			if r.exit != tc.exit {
				t.Errorf("exit %d, want %d\n%s", r.exit, tc.exit, r.err)
			}
			if got := strings.Join(b.answers, " | "); got != tc.answers {
				t.Errorf("answers %q, want %q", got, tc.answers)
			}
			for _, want := range tc.stderr {
				if !strings.Contains(r.err, want) {
					t.Errorf("stderr %q lacks %q", r.err, want)
				}
			}
			if strings.Contains(r.err, brought) || strings.Contains(r.out, brought) {
				t.Error("the response is shown")
			}
			if tc.exit != 0 && b.st.State != "disconnected" {
				t.Errorf("state %s: want no attempt left", b.st.State)
			}
		})
	}
}

// TestAddressAlone: where no browser can be opened a person takes the address elsewhere, and is told how it comes back from another machine.
func TestAddressAlone(t *testing.T) {
	ask := page("")
	b := &backend{steps: []step{ask, connected}}
	there := opens(t, []step{ask})
	r := playWith(t.Context(), serve(t, b), Deps{Browse: func(ctx context.Context, address string) error {
		time.AfterFunc(100*time.Millisecond, func() {
			if err := there(context.Background(), address); err != nil {
				t.Error(err)
			}
		})
		return fails(ctx, address)
	}}, &person{}, "", "connect", "vpn.example.com")
	if want := fmt.Sprintf("ssh -L %d:localhost:%[1]d", ask.ask.Browser.Port); r.exit != 0 || !strings.Contains(r.err, want) || !strings.Contains(r.err, "AUTH-016") {
		t.Errorf("exit %d\n%s", r.exit, r.err)
	}
}

// TestSignInWithdrawn: a page whose prompt is answered elsewhere, or whose attempt is over, is waited for no longer.
func TestSignInWithdrawn(t *testing.T) {
	b := &backend{steps: []step{page(""), connected}}
	r := playWith(t.Context(), serve(t, b), Deps{Browse: func(context.Context, string) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.hub.Withdrawn("p1")
		b.st.Prompt = nil
		b.next()
		return nil
	}}, &person{}, "", "connect", "vpn.example.com")
	if r.exit != 0 || len(b.answers) != 0 {
		t.Errorf("exit %d, answers %v\n%s", r.exit, b.answers, r.err)
	}
}

// TestSignInPortTaken: another program has the port, and the person is told.
func TestSignInPortTaken(t *testing.T) {
	ask := page("")
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", ask.ask.Browser.Port))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := playWith(t.Context(), serve(t, &backend{steps: []step{ask}}), Deps{Browse: func(context.Context, string) error { t.Error("a page was opened"); return nil }}, &person{}, "", "connect", "vpn.example.com")
	if r.exit != 1 || !strings.Contains(r.err, "AUTH-017") {
		t.Errorf("exit %d\n%s", r.exit, r.err)
	}
}
