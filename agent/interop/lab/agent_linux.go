package lab

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// Agent is a running holdfastd. It idles until it is told to connect.
type Agent struct {
	*Process
	l      *Lab
	client *testenv.NS
	dir    string
}

// StartAgent runs holdfastd in a namespace, with what it keeps below a folder of the lab.
func (l *Lab) StartAgent(client *testenv.NS, folder string) *Agent {
	l.Helper()
	a := l.newAgent(client, folder)
	a.Process = l.Ready(client.Command(Bin("holdfastd"), a.args()...), "ready: ")
	return a
}

// newAgent makes the folders of one.
func (l *Lab) newAgent(client *testenv.NS, folder string) *Agent {
	l.Helper()
	a := &Agent{l: l, client: client, dir: filepath.Join(l.Dir, folder)}
	if err := os.MkdirAll(filepath.Join(a.dir, "profile"), 0o755); err != nil {
		l.Fatal(err)
	}
	return a
}

func (a *Agent) args() []string {
	return []string{"run", "--state-dir", filepath.Join(a.dir, "state"), "--runtime-dir", filepath.Join(a.dir, "run"), "--profile-dir", filepath.Join(a.dir, "profile")}
}

// Try runs the command line and returns what it printed.
func (a *Agent) Try(stdin string, args ...string) (string, error) {
	cmd := a.client.Command(Bin("holdfast"), append([]string{"--socket", filepath.Join(a.dir, "run", "agent.sock")}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Holdfast is Try of what must succeed.
func (a *Agent) Holdfast(stdin string, args ...string) string {
	a.l.Helper()
	out, err := a.Try(stdin, args...)
	if err != nil {
		a.l.Fatalf("holdfast %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// Connect connects it to a gateway, HOST:PORT.
func (a *Agent) Connect(gateway string) {
	a.l.Helper()
	a.Holdfast(Password+"\n", "connect", gateway, "--user", Account, "--password-stdin", "--ca", a.l.CA, "--no-input")
}

// State is what `holdfast state` says.
func (a *Agent) State() (s ipc.State) {
	a.l.Helper()
	if err := json.Unmarshal([]byte(a.Holdfast("", "--json", "state")), &s); err != nil {
		a.l.Fatal(err)
	}
	return s
}

// Settled gives the agent five seconds to move to a transport, and returns what it came to.
func (a *Agent) Settled(transport string) (s ipc.State) {
	a.l.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if s = a.State(); s.State == "connected" && s.Transport == transport {
			break
		}
	}
	return s
}

// Travels waits until packets travel by a transport, and returns the state.
func (a *Agent) Travels(transport string) ipc.State {
	a.l.Helper()
	s := a.Settled(transport)
	if s.Transport != transport {
		a.l.Fatalf("no tunnel by %s but by %s: %s", transport, s.Transport, s.TransportReason)
	}
	return s
}

// Disconnect ends the agent's session and waits until it has.
func (a *Agent) Disconnect() {
	a.l.Helper()
	a.Holdfast("", "disconnect")
	a.Holdfast("", "state", "--wait", "disconnected", "--timeout", "10s")
}
