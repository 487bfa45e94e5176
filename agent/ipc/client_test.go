package ipc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/platform/localsock"
)

func TestClientAndServer(t *testing.T) {
	a := &agent{state: full(), owner: alice.ID()}
	m, _ := serve(t, a)
	c := m.client(alice)
	ctx := t.Context()
	if s, err := c.State(ctx); err != nil || s.Target != "vpn.example.com" {
		t.Errorf("State: %+v, %v", s, err)
	}
	if v, err := c.Version(ctx); err != nil || v.Version != "1.0" {
		t.Errorf("Version: %+v, %v", v, err)
	}
	if s, err := c.Stats(ctx); err != nil || s.DurationS != 7 || s.State.User != "alice" {
		t.Errorf("Stats: %+v, %v", s, err)
	}
	if h, err := c.Hosts(ctx); err != nil || len(h) != 2 || h[0].Name != "head office" || h[1].Name != "branch" {
		t.Errorf("Hosts: %+v, %v", h, err)
	}
	req := ConnectRequest{Target: "vpn.example.com/staff", Group: "g", User: "u", Protocol: "ssl", CAPEM: "-----BEGIN\n", Pins: []string{"sha256:00"}, TimeoutMS: 5}
	if got, err := c.Connect(ctx, req); err != nil || got.ID != "a1" || fmt.Sprint(a.asked) != fmt.Sprint(req) {
		t.Errorf("Connect: %+v, %v, the agent was asked %+v", got, err, a.asked)
	}
	if err := c.Disconnect(ctx); err != nil {
		t.Errorf("Disconnect: %v", err)
	}
	secret := "p\"ä\\\n\u2028\x7f</x>"
	if err := c.Answer(ctx, "p-1", Answer{Fields: map[string]redact.Secret{"password": redact.NewString(secret), "user\"": redact.NewString("")}}); err != nil {
		t.Errorf("Answer: %v", err)
	}
	if got := a.answer.Fields["password"]; string(got.Reveal()) != secret || len(a.answer.Fields) != 2 {
		t.Errorf("the secret came as %q", got.Reveal())
	}
	if want := "stats hosts connect:1000 disconnect:1000 answer:1000:p-1"; a.called() != want {
		t.Errorf("the agent heard %s, want %s", a.called(), want)
	}
}

func TestAnswersOnTheWire(t *testing.T) {
	yes, no := true, false
	tests := []struct {
		a    Answer
		want string
		code fault.Code
	}{
		{Answer{Accept: &yes}, `{"accept":true}`, ""},
		{Answer{Accept: &no}, `{"accept":false}`, ""},
		{Answer{Cancel: true}, `{"cancel":true}`, ""},
		{Answer{Fields: map[string]redact.Secret{}}, `{"fields":{}}`, ""},
		{Answer{Fields: map[string]redact.Secret{"b": redact.NewString("\x01"), "a": redact.NewString("x")}}, `{"fields":{"a":"x","b":"\u0001"}}`, ""},
		{Answer{Fields: map[string]redact.Secret{"a": redact.NewString("\xff")}}, "", fault.UseRequest},
	}
	for _, tt := range tests {
		got, err := tt.a.reveal()
		if string(got) != tt.want || (tt.code == "") != (err == nil) || err != nil && fault.As(err).Code != tt.code {
			t.Errorf("%s, %v; want %s %q", got, err, tt.want, tt.code)
		}
	}
	if err := NewClient("/nowhere").Answer(t.Context(), "../x", Answer{Cancel: true}); fault.As(err).Code != fault.AuthPromptGone {
		t.Errorf("a path for an id: %v", err)
	}
}

// What the agent refuses arrives as the fault it was: code, kind, sentence and hints.
func TestFaultsCrossTheSocket(t *testing.T) {
	tests := []struct {
		err    error
		status int
	}{
		{fault.New(fault.PolNotOwner, nil), 403},
		{fault.New(fault.PolConnected, nil).Hint("one", "two"), 403},
		{fault.Newf(fault.UseTarget, nil, "%s", "ftp://x"), 400},
		{fault.New(fault.UseNotConnected, nil), 409},
		{fault.New(fault.AuthPromptGone, nil), 409},
		{fault.Newf(fault.HostDNS, errors.New("secret cause"), "detail"), 500},
		{errors.New("secret cause"), 500},
	}
	for _, tt := range tests {
		a := &agent{state: full(), owner: alice.ID(), err: tt.err}
		m, _ := serve(t, a)
		want := fault.As(tt.err)
		err := m.client(alice).Disconnect(t.Context())
		got := fault.As(err)
		if err == nil || got.Code != want.Code || got.Kind != want.Kind || got.Sentence() != want.Sentence() || !slices.Equal(got.AllHints(), want.AllHints()) {
			t.Errorf("%v arrived as %v with hints %q, want %q", tt.err, err, got.AllHints(), want.AllHints())
		}
		st, body := m.raw(t, alice, "POST", "/v1/disconnect", "")
		if st != tt.status || strings.Contains(string(body), "secret cause") {
			t.Errorf("%v: %d %s", tt.err, st, body)
		}
	}
}

func TestNewerAgentsWords(t *testing.T) {
	f := Error{Code: "NET-999", Message: "the moon is in the way\x1b[2J", Hint: "wait\n\nlook up"}.Fault()
	if f.Code != "NET-999" || !strings.HasSuffix(f.Sentence(), "the moon is in the way [2J") || fmt.Sprint(f.Hints) != "[wait look up]" {
		t.Errorf("%q %q", f.Sentence(), f.Hints)
	}
}

func TestNoAgent(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		err  error
		code fault.Code
		exit int
	}{
		{"nothing there", fs.ErrNotExist, fault.AgentUnreachable, 3},
		{"nobody listens", syscall.ECONNREFUSED, fault.AgentUnreachable, 3},
		{"its queue is full", syscall.EAGAIN, fault.AgentSilent, 3},
		{"part of the path is a file", syscall.ENOTDIR, fault.AgentUnreachable, 3},
		{"not allowed", syscall.EACCES, fault.AgentRefused, 7},
	}
	for _, tt := range tests {
		c := NewClientOver(func(context.Context) (net.Conn, error) { return nil, &net.OpError{Op: "dial", Err: tt.err} })
		_, err := c.State(t.Context())
		if f := fault.As(err); f.Code != tt.code || f.Exit() != tt.exit {
			t.Errorf("%s: %v", tt.name, err)
		}
		if _, err := c.Events(t.Context()); fault.As(err).Code != tt.code {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	for _, path := range []string{filepath.Join(dir, "none"), filepath.Join(file, "below"), file} {
		if _, err := NewClient(path).State(t.Context()); fault.As(err).Code != fault.AgentUnreachable {
			t.Errorf("%s: %v", path, err)
		}
	}
	if hints := fault.New(fault.AgentRefused, nil).AllHints(); !strings.Contains(strings.Join(hints, " "), "usermod -aG holdfast") {
		t.Errorf("the hint of %s names no command: %q", fault.AgentRefused, hints)
	}
}

// What answers is no agent of ours, or stops in the middle, or says nothing.
func TestOddAnswers(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
	tests := []struct {
		name, answer string
		hang         bool
		code         fault.Code
	}{
		{"no HTTP", "SSH-2.0-OpenSSH_9.2\r\n", false, fault.AgentProtocol},
		{"no JSON", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhaha", false, fault.AgentProtocol},
		{"refused without a code", "HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}", false, fault.AgentProtocol},
		{"refused by HTML", "HTTP/1.1 404 No\r\nContent-Length: 6\r\n\r\n<html>", false, fault.AgentProtocol},
		{"a redirect", "HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n", false, fault.AgentProtocol},
		{"closed at once", "", false, fault.AgentUnreachable},
		{"closed in the middle", head + `{"state":`, false, fault.AgentUnreachable},
		{"silent", "", true, fault.AgentSilent},
		{"silent in the middle", head + `{"state":`, true, fault.AgentSilent},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := NewClientOver(func(context.Context) (net.Conn, error) {
					near, far := net.Pipe()
					go func() {
						defer far.Close()
						_, _ = far.Read(make([]byte, 4096))
						_, _ = far.Write([]byte(tt.answer))
						for tt.hang {
							if _, err := far.Read(make([]byte, 1)); err != nil {
								return
							}
						}
					}()
					return near, nil
				})
				began := time.Now()
				_, err := c.State(t.Context())
				if fault.As(err).Code != tt.code {
					t.Errorf("%v, want %s", err, tt.code)
				}
				if d := time.Since(began); d > callTime || tt.hang && d < callTime {
					t.Errorf("after %v", d)
				}
			})
		})
	}
}

func TestCallersContextEndsACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewClientOver(func(ctx context.Context) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.State(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("State: %v", err)
		}
		if _, err := c.Events(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Events: %v", err)
		}
	})
}

func TestOverARealSocket(t *testing.T) {
	dir, err := os.MkdirTemp("", "ipc") // t.TempDir may be longer than a socket's name can be
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "agent.sock")
	l, err := localsock.Listen(path, localsock.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	a := &agent{state: full(), owner: localsock.Peer{UID: uint32(os.Getuid())}.ID()}
	h := NewHub()
	h.Publish(a.owner, a.state)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- NewServer(a, h, discard).Serve(ctx, l) }()
	c := NewClient(path)
	if s, err := c.State(t.Context()); err != nil || s.User != "alice" {
		t.Errorf("the owner sees %+v, %v", s, err)
	}
	st, err := c.Events(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	next(t, st)
	h.Notice(Error{Code: "NET-005"})
	next(t, st)
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if _, err := st.Next(); fault.As(err).Code != fault.AgentUnreachable {
		t.Errorf("the stream of a stopped agent: %v", err)
	}
	if _, err := c.State(t.Context()); fault.As(err).Code != fault.AgentUnreachable {
		t.Errorf("a stopped agent: %v", err)
	}
}

func FuzzBodies(f *testing.F) {
	a := &agent{state: full(), owner: alice.ID()}
	m, _ := serve(f, a)
	f.Add(true, `{"target":"vpn.example.com","pins":["sha256:00"],"timeout_ms":1}`)
	f.Add(false, `{"fields":{"password":"x"}}`)
	f.Add(false, `{"accept":true}`)
	f.Add(true, "{}{}")
	f.Fuzz(func(t *testing.T, connect bool, body string) {
		path := "/v1/prompts/p1"
		if connect {
			path = "/v1/connect"
		}
		before := len(a.called())
		st, answer := m.raw(t, alice, "POST", path, body)
		switch {
		case st/100 == 2 && connect && a.asked.check() != nil:
			t.Errorf("the agent was asked %+v", a.asked)
		case st/100 == 2 && !connect && a.answer.check() != nil:
			t.Errorf("the agent was answered %+v", a.answer)
		case st/100 != 2 && (len(a.called()) != before || code(st, answer) != fault.UseRequest):
			t.Errorf("%d %s for %q", st, answer, body)
		}
	})
}

func FuzzReveal(f *testing.F) {
	f.Add("password", []byte("p\"\\\n"))
	f.Fuzz(func(t *testing.T, name string, value []byte) {
		in := Answer{Fields: map[string]redact.Secret{name: redact.New(value)}}
		if in.check() != nil {
			return
		}
		b, err := in.reveal()
		if err != nil {
			return
		}
		var out Answer
		if err := json.Unmarshal(b, &out); err != nil || len(out.Fields) != 1 || !out.Fields[name].Equal(in.Fields[name]) {
			t.Errorf("%q came back as %v, %v", b, out.Fields, err)
		}
	})
}
