package interop

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// kill ends the agent as the kernel does when memory runs out: without a word.
func (a *agentProcess) kill() {
	a.w.t.Helper()
	_ = a.cmd.Process.Signal(syscall.SIGKILL)
	_ = a.cmd.Wait()
}

// logins counts how often somebody has logged in at ocserv by password.
func (g *gatewayProcess) logins(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile(g.log)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(b), " authentication to authenticate user ")
}

// standing is the host, whether or not there is an agent.
func (w *world) standing() string {
	w.t.Helper()
	return testenv.Standing(testenv.Dump(w.t, w.client))
}

// TestAgentKilled: the agent is killed with -9 under a download and started again. The session goes on with no login, the same address and the same download; in
// between nothing leaves the machine that belongs inside.
func TestAgentKilled(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, transport string
		lines           []string
	}{
		{"split tls", "tls", splitRoutes}, {"all dtls", "dtls", []string{"route = default"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if w == nil {
				return
			}
			g := w.startOcserv(t, ocserv{psk: c.transport == "dtls", lines: c.lines})
			a := w.startAgent()
			w.connect("vpn4.lab.example")
			was := w.travels(c.transport, 5*time.Second)
			if n := g.logins(t); n != 1 {
				t.Fatalf("%d logins at the gateway after the first", n)
			}
			host := w.standing()
			wait := w.download("http://10.99.0.2/slow?n=3000000&ms=20")
			time.Sleep(time.Second)
			a.kill()
			if d := testenv.Diff(host, w.standing()); d != "" {
				t.Errorf("with the agent dead the host differs:\n%s", d)
			}
			if out, err := w.client.Command("curl", "-sS", "-m", "1", "http://10.99.0.2/").CombinedOutput(); err == nil {
				t.Errorf("with the agent dead a page came: %s", out)
			}
			began := time.Now()
			b := w.startAgent()
			s := w.waitState(5*time.Second, "back", func(s ipc.State) bool { return s.State == "connected" })
			t.Logf("%d ms from the start of the agent until it was connected; outage %d ms by its own account", time.Since(began).Milliseconds(), s.LastReconnect.OutageMS)
			wait()
			if strings.Join(s.Addresses, " ") != strings.Join(was.Addresses, " ") || s.Prompt != nil || s.Target != was.Target || s.User != was.User {
				t.Errorf("before %+v\nafter %+v", was, s)
			}
			if d := was.Session.Started.Sub(s.Session.Started).Abs(); d > time.Second {
				t.Errorf("the session began at %v, then at %v", was.Session.Started, s.Session.Started)
			}
			if s.LastReconnect == nil || s.LastReconnect.Code != 126 || s.LastReconnect.OutageMS > 1000 {
				t.Errorf("last reconnect: %+v", s.LastReconnect)
			}
			if n := g.logins(t); n != 1 {
				t.Errorf("%d logins", n)
			}
			if d := testenv.Diff(host, w.standing()); d != "" {
				t.Errorf("the host differs:\n%s", d)
			}
			if r := w.cli("", "timeline"); !strings.Contains(r.out, "the agent was restarted") || !strings.Contains(r.out, "connect-requested") {
				t.Errorf("the timeline does not tell of it:\n%s", r.out)
			}
			record := filepath.Join(w.dir, "record")
			if r := w.cli("", "timeline", "--save", record); r.exit != 0 {
				t.Errorf("timeline --save: %+v", r)
			}
			if r := w.cli("", "replay", record); r.exit != 0 || !strings.Contains(r.out, "adopted") {
				t.Errorf("replay: %+v", r)
			}
			w.travels(c.transport, 20*time.Second)
			w.reachesInside()
			w.replays()
			if r := w.cli("", "disconnect"); r.exit != 0 {
				t.Errorf("disconnect: %+v", r)
			}
			w.waitState(5*time.Second, "down", func(s ipc.State) bool { return s.State == "disconnected" })
			if files, _ := filepath.Glob(w.dir + "/*/session*"); len(files) != 0 {
				t.Errorf("left after the disconnect: %v", files)
			}
			w.unchanged("after the disconnect")
			b.stop()
		})
	}
}
