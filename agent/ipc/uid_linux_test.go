package ipc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform/localsock"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// asClient makes the test binary a client of the socket it names, and nothing else.
const asClient = "IPC_TEST_SOCKET"

func TestMain(m *testing.M) {
	if path := os.Getenv(asClient); path != "" {
		tryAll(path)
		return
	}
	os.Exit(m.Run())
}

// tried is what a client of another user got.
type tried struct {
	State  State
	Codes  map[string]fault.Code
	Events []string
}

// tryAll calls everything and prints what came of it.
func tryAll(path string) {
	ctx := context.Background()
	c := NewClient(path)
	out := tried{Codes: map[string]fault.Code{}}
	note := func(verb string, err error) {
		if err != nil {
			out.Codes[verb] = fault.As(err).Code
		}
	}
	var err error
	out.State, err = c.State(ctx)
	note("state", err)
	_, err = c.Hosts(ctx)
	note("hosts", err)
	_, err = c.Connect(ctx, ConnectRequest{Target: "vpn.example.com"})
	note("connect", err)
	note("disconnect", c.Disconnect(ctx))
	note("answer", c.Answer(ctx, "p1", Answer{Cancel: true}))
	_, err = c.Stats(ctx)
	note("stats", err)
	for _, err := range c.Timeline(ctx, false) {
		note("timeline", err)
	}
	s, err := c.Events(ctx)
	note("events", err)
	if err == nil {
		e, err := s.Next()
		note("event", err)
		out.Events = append(out.Events, e.Type)
		_ = s.Close()
	}
	_ = json.NewEncoder(os.Stdout).Encode(out)
}

// as runs tryAll as another user.
func as(t *testing.T, binary, socket string, uid, gid uint32) tried {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary)
	cmd.Env = []string{asClient + "=" + socket}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid}}
	cmd.Stderr = os.Stderr
	b, err := cmd.Output()
	if err != nil {
		t.Fatalf("uid %d: %v", uid, err)
	}
	var got tried
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatalf("uid %d said %q: %v", uid, b, err)
	}
	return got
}

// Real users, real credentials: the kernel's refusal, the look-up behind it, and the reduced view.
func TestRealUsers(t *testing.T) {
	testenv.Require(t, "uid")
	const nobody, daemon = 65534, 1
	group, err := user.LookupGroupId(strconv.Itoa(nobody))
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/tmp", "ipc")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "client") // where go test builds, other users may not look
	copyFile(t, "/proc/self/exe", binary)
	everything := fmt.Sprint(map[string]fault.Code{"state": "", "hosts": "", "connect": "", "disconnect": "", "answer": "", "stats": "", "timeline": "", "events": ""})
	tests := []struct {
		name     string
		group    string
		uid, gid uint32
		every    fault.Code            // what every verb gives
		codes    map[string]fault.Code // or those that are refused
	}{
		{"the group does not exist", "no-such-group-here", nobody, nobody, fault.AgentRefused, nil},
		{"not in the group", "root", nobody, nobody, fault.AgentRefused, nil},
		{"a process that still has the group, of a user who is not in it", group.Name, daemon, nobody, fault.PolGroup, nil},
		{"a member who is not the owner", group.Name, nobody, nobody, "", map[string]fault.Code{
			"disconnect": fault.PolNotOwner, "answer": fault.PolNotOwner, "stats": fault.PolNotOwner, "timeline": fault.PolNotOwner}},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(dir, fmt.Sprintf("s%d", i))
			a := &agent{state: full(), owner: "1000"}
			h := NewHub()
			h.Publish(a.owner, a.state)
			l, err := localsock.Listen(path, localsock.Policy{Group: tt.group})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- NewServer(a, h, discard).Serve(ctx, l) }()
			defer func() { cancel(); <-done }()
			got := as(t, binary, path, tt.uid, tt.gid)
			if tt.every != "" {
				for verb := range got.Codes {
					if got.Codes[verb] == tt.every {
						got.Codes[verb] = ""
					}
				}
				if fmt.Sprint(got.Codes) != everything || a.called() != "" {
					t.Errorf("not %s: %v; the agent heard %q", tt.every, got.Codes, a.called())
				}
				return
			}
			if fmt.Sprint(got.Codes) != fmt.Sprint(tt.codes) || a.called() != "hosts connect:65534" {
				t.Errorf("refused: %v, want %v; the agent heard %q", got.Codes, tt.codes, a.called())
			}
			if want := Reduce(full()); fmt.Sprint(got.State.User, got.State.Addresses, got.State.Prompt == nil) != "[] true" || got.State.State != want.State {
				t.Errorf("sees %+v", got.State)
			}
		})
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(out.Chmod(0o755), out.Close()); err != nil {
		t.Fatal(err)
	}
}
