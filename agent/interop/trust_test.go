package interop

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/redact"
)

// accepts connects over the socket, as a tray does, to a gateway whose certificate does not hold, accepts its key and answers for the password.
func (w *world) accepts(target string) *ipc.Trust {
	w.t.Helper()
	agent := ipc.NewClient(filepath.Join(w.runtimeDir(), "agent.sock"))
	if _, err := agent.Connect(w.t.Context(), ipc.ConnectRequest{Target: target, User: account, Group: "staff"}); err != nil {
		w.t.Fatal(err)
	}
	var asked *ipc.Trust
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		s := w.state()
		if s.State == "connected" {
			return asked
		}
		if s.State == "disconnected" {
			w.t.Fatalf("the login failed: %+v", s.Error)
		}
		if s.Prompt == nil {
			continue
		}
		answer := ipc.Answer{Fields: map[string]redact.Secret{}}
		if yes := true; s.Prompt.Kind == "trust" {
			asked, answer = s.Prompt.Trust, ipc.Answer{Accept: &yes}
		}
		for _, f := range s.Prompt.Fields {
			answer.Fields[f.Name] = redact.NewString(password)
		}
		if err := agent.Answer(w.t.Context(), s.Prompt.ID, answer); err != nil {
			w.t.Fatal(err)
		}
	}
	w.t.Fatalf("not connected: %+v", w.state())
	return nil
}

// TestFirstUse: ocserv has a certificate of an authority that nobody here knows, for another name. It is refused; a user who wants to be asked, and accepts its key, gets in by that key, then and
// later, and is refused again when he has let go of it.
func TestFirstUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	w.startOcserv(t, ocserv{lines: splitRoutes})
	w.startAgent()
	connect := func() result {
		return w.cli(password+"\n", "connect", "other.lab.example", "--user", account, "--group", "staff", "--password-stdin", "--no-input")
	}
	w.refused(connect(), 6, "TLS-001", "TLS-002")
	if r := w.cli("", "preferences", "set", "BlockUntrustedServers", "false"); r.exit != 0 {
		t.Fatalf("preferences: %+v", r)
	}
	w.refused(connect(), 6, "TLS-001", "TLS-002") // there is nobody to ask
	asked := w.accepts("other.lab.example")
	if asked == nil || asked.Host != "other.lab.example" || asked.Pin != w.pki.pin || !slices.Equal(asked.Problems, []string{ipc.ProblemAuthority, ipc.ProblemName}) || !slices.Contains(asked.Names, "vpn.lab.example") {
		t.Errorf("asked %+v", asked)
	}
	w.reachesInside()
	w.leave()
	if r := connect(); r.exit != 0 {
		t.Fatalf("the second time: %+v", r)
	}
	w.reachesInside()
	w.leave()
	if r := w.cli("", "trust"); !strings.Contains(r.out, "other.lab.example:443") || !strings.Contains(r.out, w.pki.pin) {
		t.Errorf("trust: %+v", r)
	}
	if r := w.cli("", "trust", "--forget", "other.lab.example"); r.exit != 0 {
		t.Errorf("trust --forget: %+v", r)
	}
	w.refused(connect(), 6, "TLS-001", "TLS-002")
}
