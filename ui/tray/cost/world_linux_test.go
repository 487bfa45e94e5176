package cost

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/platform/testenv"
	"github.com/holdfast-vpn/holdfast/ui/tray/desk"
)

// binEnv hands the folder of the built programs to the child that testenv.Namespace starts.
const binEnv = "HOLDFAST_COST_BIN"

// world is a machine with a desktop, an agent and a gateway.
type world struct {
	t                    testing.TB
	dir, bin             string
	panel                *desk.Panel
	screen               *desk.Screen
	env                  []string // of the tray
	user, password, cert string   // of the gateway's account, and the pin of its key
}

// newWorld makes it in namespaces. It returns nil in the parent process, where the test is over.
func newWorld(t testing.TB) *world {
	t.Helper()
	testenv.Require(t, "tray", "netns", "overlay", "tun", "dbus-daemon", "Xvfb", "xdotool")
	bin := os.Getenv(binEnv)
	if bin == "" {
		bin = t.TempDir()
		if out, err := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", bin, "../../../agent/cmd/holdfastd", "../../cmd/holdfast", "../../cmd/holdfast-tray").CombinedOutput(); err != nil {
			t.Fatalf("building the programs: %v\n%s", err, out)
		}
		if err := os.Setenv(binEnv, bin); err != nil {
			t.Fatal(err)
		}
		defer os.Unsetenv(binEnv)
	}
	if !testenv.Namespace(t) {
		return nil
	}
	w := &world{t: t, dir: t.TempDir(), bin: bin}
	bus := desk.NewBus(t)
	w.panel, w.screen = bus.NewPanel(), desk.NewScreen(t)
	bus.NewNotes()
	w.env = append(os.Environ(), "DISPLAY="+w.screen.Display, "DBUS_SESSION_BUS_ADDRESS="+bus.Address, "LANG=C.UTF-8", "LANGUAGE=en", "LIBGL_ALWAYS_SOFTWARE=1",
		"HOME="+w.dir, "XDG_RUNTIME_DIR="+w.dir, "XDG_STATE_HOME="+w.dir, "HOLDFAST_SOCKET="+w.socket())
	w.serve()
	w.run("ready: ", "holdfastd", "run", "--state-dir", w.dir+"/state", "--runtime-dir", w.dir+"/run", "--profile-dir", w.dir+"/profile")
	return w
}

func (w *world) socket() string { return filepath.Join(w.dir, "run", "agent.sock") }

// serve starts the gateway and reads its account.
func (w *world) serve() {
	w.t.Helper()
	said := w.run("inside ", "holdfast", "gateway", "--listen", "127.0.0.1:8443")
	for _, line := range strings.Split(said, "\n") {
		switch name, value, _ := strings.Cut(line, " "); name {
		case "user":
			w.user = strings.TrimSpace(value)
		case "password":
			w.password = strings.TrimSpace(value)
		case "pin":
			w.cert = strings.TrimSpace(value)
		}
	}
}

// connect starts a session, by the command line.
func (w *world) connect() {
	w.t.Helper()
	cmd := exec.Command(filepath.Join(w.bin, "holdfast"), "--socket", w.socket(), "connect", "127.0.0.1:8443", "--user", w.user, "--pin", w.cert, "--password-stdin", "--no-input")
	cmd.Stdin = strings.NewReader(w.password + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("connect: %v\n%s", err, out)
	}
}

// output is what a program has said, read while it runs.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) add(line string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	fmt.Fprintln(&o.b, line)
	return o.b.String()
}

// run starts a program that runs until the test ends, waits for a line that begins so, and returns what came up to it.
func (w *world) run(until, name string, args ...string) string {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), filepath.Join(w.bin, name), args...)
	stdin, err := cmd.StdinPipe() // open: a gateway without a person ends
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	ready, ended := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(ended)
		var said output
		for s := bufio.NewScanner(out); s.Scan(); {
			if all := said.add(s.Text()); strings.HasPrefix(s.Text(), until) {
				ready <- all
				until = "\x00" // once
			}
		}
	}()
	w.t.Cleanup(func() {
		_ = stdin.Close()
		<-ended
		_ = cmd.Wait() // it was killed
	})
	select {
	case all := <-ready:
		return all
	case <-time.After(desk.Patience):
		w.t.Fatalf("%s says no %q", name, until)
		return ""
	}
}
