package interop

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// walk calls f with the content of every regular file below dir.
func walk(dir string, f func([]byte)) error {
	return filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err == nil {
			f(b)
		}
		return err
	})
}

// download starts a paced download through the tunnel and returns what waits for its end.
func (w *world) download(url string) func() {
	w.t.Helper()
	self, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := w.client.Command(self, "role", "fetch", url)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	return func() {
		w.t.Helper()
		if err := cmd.Wait(); err != nil {
			w.t.Fatalf("the download failed: %v\n%s", err, stderr.String())
		}
		f := strings.Fields(out.String())
		if len(f) != 3 || f[1] != f[2] {
			w.t.Errorf("the download is damaged: %s", out.String())
		}
	}
}

// TestReconnect breaks the tunnel under a TCP download, by TLS and by DTLS: the session comes back with no prompt and the same address, and the download finishes.
func TestReconnect(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		within time.Duration
		breaks func(w *world, g *gatewayProcess)
	}{
		{"worker killed", 10 * time.Second, func(w *world, g *gatewayProcess) { g.killWorkers(w.t) }},
		{"link down for 5 s", 20 * time.Second, func(w *world, _ *gatewayProcess) {
			w.router.Run(w.t, "ip", "link", "set", "lan0", "down")
			time.Sleep(5 * time.Second)
			w.router.Run(w.t, "ip", "link", "set", "lan0", "up")
			w.ip(w.router, "addr replace 2001:db8:1::1/64 dev lan0 nodad")
		}},
		{"own link down for 5 s", 20 * time.Second, func(w *world, _ *gatewayProcess) {
			w.client.Run(w.t, "ip", "link", "set", "wan0", "down")
			time.Sleep(5 * time.Second)
			w.client.Run(w.t, "ip", "link", "set", "wan0", "up")
			w.ip(w.client, "addr replace 2001:db8:1::2/64 dev wan0 nodad", "route replace default via 192.0.2.1", "route replace default via 2001:db8:1::1")
		}},
	} {
		for _, transport := range []string{"tls", "dtls"} {
			t.Run(c.name+" "+transport, func(t *testing.T) { breakDownload(t, transport, c.within, c.breaks) })
		}
	}
}

// breakDownload is one of them.
func breakDownload(t *testing.T, transport string, within time.Duration, breaks func(*world, *gatewayProcess)) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	g := w.startOcserv(t, ocserv{psk: transport == "dtls", lines: splitRoutes})
	w.startAgent()
	w.connect("vpn4.lab.example")
	was := w.travels(transport, 5*time.Second)
	wait := w.download("http://10.99.0.2/slow?n=3000000&ms=50")
	time.Sleep(time.Second)
	began := time.Now()
	breaks(w, g)
	mended := time.Now()
	w.waitState(within, "back", func(s ipc.State) bool {
		return s.State == "connected" && s.VerifiedAt != nil && s.VerifiedAt.After(mended)
	})
	back := time.Since(mended)
	wait()
	is := w.state()
	if strings.Join(is.Addresses, " ") != strings.Join(was.Addresses, " ") || is.Prompt != nil {
		t.Errorf("addresses %v, then %v; prompt %v", was.Addresses, is.Addresses, is.Prompt)
	}
	t.Logf("broken for %d ms, back %d ms after that", mended.Sub(began).Milliseconds(), back.Milliseconds())
	if r := w.cli("", "timeline"); !strings.Contains(r.out, "reconnecting") {
		t.Errorf("the timeline does not tell of it:\n%s", r.out)
	}
	w.travels(transport, 20*time.Second)
	w.reachesInside()
	w.replays()
}

// replays saves what the agent has recorded and runs it again without it: every decision is made again as it was.
func (w *world) replays() {
	w.t.Helper()
	file := filepath.Join(w.t.TempDir(), "session.holdfast")
	if r := w.cli("", "timeline", "--save", file); r.exit != 0 {
		w.t.Fatalf("timeline --save: exit %d, %s", r.exit, r.stderr)
	}
	r := w.cli("", "replay", file)
	if r.exit != 0 || !strings.Contains(r.out, "● connected") || !strings.Contains(r.out, "as recorded") || r.stderr != "" {
		w.t.Errorf("replay: exit %d\n%s%s", r.exit, r.out, r.stderr)
	}
	w.t.Log(r.out)
}

// TestGatewayRestartLosesSession: ocserv restarted forgets the token. The user is asked once; nothing is replayed.
func TestGatewayRestartLosesSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	g := w.startOcserv(t, ocserv{lines: splitRoutes})
	w.startAgent()
	w.connect("vpn.lab.example")
	g.stop(t)
	time.Sleep(time.Second)
	g.start(t)
	s := w.waitState(20*time.Second, "asked", func(s ipc.State) bool { return s.Prompt != nil || s.State == "disconnected" })
	if s.Prompt == nil {
		t.Fatalf("no question: %+v", s)
	}
	if r := w.cli(password+"\n", "connect", "--user", account, "--group", "staff", "--password-stdin", "--no-input"); r.exit != 0 {
		t.Fatalf("answering: %+v", r)
	}
	w.reachesInside()
}

// TestKilledAgent: the agent is killed while connected; the next start, or rescue, puts everything back.
func TestKilledAgent(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"next start", "rescue"} {
		for _, routes := range []string{"split", "all"} {
			t.Run(how+" "+routes, func(t *testing.T) {
				w := newWorld(t)
				if w == nil {
					return
				}
				lines := splitRoutes
				if routes == "all" {
					lines = []string{"route = default"}
				}
				w.startOcserv(t, ocserv{lines: lines})
				a := w.startAgent()
				w.connect("vpn.lab.example")
				if testenv.Diff(w.before, testenv.Dump(t, w.client)) == "" {
					t.Fatal("connected, and nothing changed on the host")
				}
				_ = a.cmd.Process.Signal(syscall.SIGKILL)
				_ = a.cmd.Wait()
				switch how {
				case "rescue":
					if r := w.cli("", "rescue", "--state-dir", w.stateDir(), "--runtime-dir", w.runtimeDir()); r.exit != 0 {
						t.Fatalf("rescue: %+v", r)
					}
					w.unchanged("after rescue")
					if r := w.cli("", "rescue", "--state-dir", w.stateDir(), "--runtime-dir", w.runtimeDir()); r.exit != 0 {
						t.Errorf("a second rescue: %+v", r)
					}
				default:
					b := w.startAgent("--no-resume")
					w.unchanged("after the next start")
					if r := w.cli("", "rescue", "--state-dir", w.stateDir(), "--runtime-dir", w.runtimeDir()); r.exit != 1 || !strings.Contains(r.stderr, "(HOST-005)") {
						t.Errorf("rescue beside an agent: %+v", r)
					}
					if r := w.cli("", "rescue", "--state-dir", w.dir+"/elsewhere", "--runtime-dir", w.dir+"/elsewhere2"); r.exit != 1 || !strings.Contains(r.stderr, "(HOST-005)") {
						t.Errorf("rescue beside an agent, with other directories: %+v", r)
					}
					b.stop()
				}
			})
		}
	}
}

// TestDeviceTaken: somebody deletes the tunnel's interface. The session ends and says why, nothing of ours is left, and the next connect works.
func TestDeviceTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	w.startOcserv(t, ocserv{lines: []string{"route = default"}})
	a := w.startAgent()
	w.connect("vpn.lab.example")
	w.client.Run(t, "ip", "link", "del", "holdfast0")
	s := w.waitState(3*time.Second, "ended", func(s ipc.State) bool { return s.State == "disconnected" })
	if s.Error == nil || s.Error.Code != "TUN-002" {
		t.Errorf("error = %+v", s.Error)
	}
	w.unchanged("after the device was taken away")
	w.connect("vpn.lab.example")
	w.reachesInside()
	a.stop()
}

// TestOtherUsers: another user of the machine sees the state and nothing else, and may do nothing to the session.
func TestOtherUsers(t *testing.T) {
	t.Parallel()
	testenv.Require(t, "uid")
	w := newWorld(t)
	if w == nil {
		return
	}
	w.client.Run(t, "sh", "-c", "groupadd -f holdfast && useradd -M -G holdfast bea && useradd -M -G holdfast carl && useradd -M eve")
	if err := os.Chmod(w.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for d := filepath.Dir(w.dir); d != "/"; d = filepath.Dir(d) {
		if filepath.Base(d) != "tmp" {
			_ = os.Chmod(d, 0o755)
		}
	}
	w.startOcserv(t, ocserv{lines: splitRoutes})
	w.startAgent()
	as := func(user, stdin string, args ...string) result {
		t.Helper()
		line := []string{"-u", user, "--", filepath.Join(os.Getenv(binEnv), "holdfast"), "--socket", filepath.Join(w.runtimeDir(), "agent.sock")}
		cmd := w.client.Command("runuser", append(line, args...)...)
		cmd.Stdin = strings.NewReader(stdin)
		var out, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &stderr
		_ = cmd.Run()
		return result{cmd.ProcessState.ExitCode(), out.String(), stderr.String()}
	}
	ca := filepath.Join(w.dir, "for-bea.pem")
	b, err := os.ReadFile(w.pki.ca)
	if err == nil {
		err = os.WriteFile(ca, b, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if r := as("eve", "", "state"); r.exit != 7 || !strings.Contains(r.stderr, "usermod") {
		t.Errorf("a user outside the group: %+v", r)
	}
	if r := as("bea", password+"\n", "connect", "vpn.lab.example", "--user", account, "--group", "staff", "--password-stdin", "--ca", ca, "--no-input"); r.exit != 0 {
		t.Fatalf("bea connects: %+v", r)
	}
	if r := as("carl", "", "--json", "state"); r.exit != 0 || !strings.Contains(r.out, `"connected"`) || strings.Contains(r.out, "10.11.") || strings.Contains(r.out, account) {
		t.Errorf("another user's state: %+v", r)
	}
	for _, args := range [][]string{{"disconnect"}, {"timeline"}, {"connect", "vpn.lab.example", "--no-input"}} {
		if r := as("carl", "", args...); r.exit != 7 {
			t.Errorf("another user's %v: %+v", args, r)
		}
	}
	if r := as("bea", "", "rescue"); r.exit != 7 || !strings.Contains(r.stderr, "(POL-003)") {
		t.Errorf("rescue as a user: %+v", r)
	}
	if s := w.state(); s.State != "connected" {
		t.Errorf("state = %s after what others tried", s.State)
	}
	if r := as("bea", "", "disconnect"); r.exit != 0 {
		t.Errorf("bea disconnects: %+v", r)
	}
}
