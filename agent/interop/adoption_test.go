package interop

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// connectedAgain waits for the session of before.
func (w *world) connectedAgain(was ipc.State) ipc.State {
	w.t.Helper()
	s := w.waitState(10*time.Second, "back", func(s ipc.State) bool { return s.State == "connected" || s.State == "disconnected" || s.Prompt != nil })
	if s.State != "connected" || !slices.Equal(s.Addresses, was.Addresses) {
		w.t.Fatalf("the session was %+v\nand is %+v", was, s)
	}
	w.keptSince(s.Since)
	return s
}

// keptSince waits until the session was kept again after a moment, which the clock of files knows to a tick of the kernel.
func (w *world) keptSince(at time.Time) {
	w.t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if info, err := os.Stat(filepath.Join(w.stateDir(), "session")); err == nil && info.ModTime().After(at.Add(-10*time.Millisecond)) {
			return
		}
	}
	w.t.Fatal("the session is not kept")
}

// connectKept connects and waits until the session is kept, which is a moment later.
func (w *world) connectKept() {
	w.t.Helper()
	w.connect("vpn4.lab.example")
	w.keptSince(w.state().Since)
}

// clean is a start that has found nothing to go on with: down, no question, and the host as it was.
func (w *world) clean(when string) {
	w.t.Helper()
	if s := w.state(); s.State != "disconnected" || s.Prompt != nil || s.Error != nil {
		w.t.Errorf("%s: %+v", when, s)
	}
	w.unchanged(when)
	if files, _ := filepath.Glob(w.dir + "/*/session*"); len(files) != 0 {
		w.t.Errorf("%s there is still %v", when, files)
	}
}

// TestKilledWhileAdopting: agents that take a session up are killed after ever longer times, so at every step of it. The next one always has the session, with no login, and the download that
// began before all of them is whole. When several in a row never get as far as a tunnel, the session is given up and the host is clean.
func TestKilledWhileAdopting(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	g := w.startOcserv(t, ocserv{lines: []string{"route = default"}})
	a := w.startAgent()
	w.connectKept()
	was, host := w.state(), w.standing()
	wait := w.download("http://10.99.0.2/slow?n=1000000&ms=50")
	for after := time.Duration(0); after <= 60*time.Millisecond; after += 6 * time.Millisecond {
		a.kill()
		doomed := w.launchAgent()
		time.Sleep(after)
		doomed.kill()
		a = w.startAgent()
		w.connectedAgain(was)
	}
	wait()
	if d := testenv.Diff(host, w.standing()); d != "" {
		t.Errorf("the host differs:\n%s", d)
	}
	if n := g.logins(t); n != 1 {
		t.Errorf("%d logins", n)
	}
	w.reachesInside()

	w.router.Run(t, "ip", "link", "set", "net0", "down")
	for range 3 {
		a.kill()
		a = w.startAgent()
		if s := w.state(); s.State != "reconnecting" {
			t.Errorf("with the gateway out of reach: %+v", s)
		}
	}
	a.kill()
	a = w.startAgent()
	w.clean("after three agents that never got a tunnel")
	a.stop()
}

// TestVaultSpoiled: whatever happened to what was kept, the next agent starts clean and says nothing of it to the user.
func TestVaultSpoiled(t *testing.T) {
	testenv.Require(t, "uid")
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	w.startOcserv(t, ocserv{lines: splitRoutes})
	sealed, key := filepath.Join(w.stateDir(), "session"), filepath.Join(w.runtimeDir(), "session.key")
	change := func(path string, f func([]byte) []byte) error {
		b, err := os.ReadFile(path)
		return errors.Join(err, os.WriteFile(path, f(b), 0o600))
	}
	for name, spoil := range map[string]func() error{
		"tampered with":         func() error { return change(sealed, func(b []byte) []byte { b[len(b)-20] ^= 1; return b }) },
		"truncated":             func() error { return os.Truncate(sealed, 100) },
		"of another boot":       func() error { return os.Remove(key) },
		"sealed by another key": func() error { return change(key, func(b []byte) []byte { b[0] ^= 1; return b }) },
		"another user's":        func() error { return os.Chown(sealed, 65534, 65534) },
		"a symlink": func() error {
			return errors.Join(os.Rename(sealed, w.dir+"/elsewhere"), os.Symlink(w.dir+"/elsewhere", sealed))
		},
	} {
		a := w.startAgent()
		w.connectKept()
		a.kill()
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		a = w.startAgent()
		w.clean(name)
		a.stop()
		_ = os.Remove(w.dir + "/elsewhere")
	}
}

// TestGivenUp: what ends a session that was kept, without an agent to take it up: rescue, and a start that is told not to. A signal to the agent ends it, too.
func TestGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	w.startOcserv(t, ocserv{lines: []string{"route = default"}})
	a := w.startAgent()
	w.connectKept()
	if r := w.cli("", "rescue", "--state-dir", w.stateDir(), "--runtime-dir", w.runtimeDir()); r.exit != 1 || !strings.Contains(r.stderr, "(HOST-005)") {
		t.Errorf("rescue beside an agent: %+v", r)
	}
	a.kill()
	if r := w.cli("", "state"); r.exit != 3 || !strings.Contains(r.stderr, "sudo holdfast rescue") {
		t.Errorf("state without an agent: %+v", r)
	}
	if r := w.cli("", "rescue", "--state-dir", w.stateDir(), "--runtime-dir", w.runtimeDir()); r.exit != 0 || !strings.Contains(r.out, "undone: the session that was kept\n") {
		t.Errorf("rescue: %+v", r)
	}
	w.unchanged("after rescue")
	a = w.startAgent()
	w.clean("after rescue and a start")

	w.connectKept()
	a.kill()
	a = w.startAgent("--no-resume")
	w.clean("after a start with --no-resume")

	w.connectKept()
	a.stop()
	a = w.startAgent()
	w.clean("after a signal and a start")
	a.stop()
}

// TestLostMeanwhile: the gateway has forgotten the session by the time the next agent asks for it. Its user is asked once, and nothing goes outside until then.
func TestLostMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	g := w.startOcserv(t, ocserv{lines: []string{"route = default"}})
	a := w.startAgent()
	w.connectKept()
	host := w.standing()
	a.kill()
	g.stop(t)
	g.start(t)
	a = w.startAgent()
	s := w.waitState(10*time.Second, "asked", func(s ipc.State) bool { return s.Prompt != nil })
	if d := testenv.Diff(host, w.standing()); d != "" {
		t.Errorf("while the user is asked the host differs:\n%s", d)
	}
	out, err := w.client.Command("curl", "-sS", "-m", "1", "http://198.51.100.2/").CombinedOutput()
	if err == nil || strings.Contains(string(out), "refused") {
		t.Errorf("while the user is asked something went outside: %s", out)
	}
	if again := w.state(); again.Prompt == nil || again.Prompt.ID != s.Prompt.ID {
		t.Errorf("asked %+v, then %+v", s.Prompt, again.Prompt)
	}
	if files, _ := filepath.Glob(w.dir + "/*/session*"); len(files) != 0 {
		t.Errorf("a session that is lost is still kept: %v", files)
	}
	if r := w.cli(password+"\n", "connect", "--user", account, "--group", "staff", "--password-stdin", "--no-input"); r.exit != 0 {
		t.Fatalf("answering: %+v", r)
	}
	w.reachesInside()
	a.stop()
}
