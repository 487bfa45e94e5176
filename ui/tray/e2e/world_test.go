package e2e

import (
	"bytes"
	"crypto/tls"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/interop/lab"
	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/gateway"
	"github.com/holdfast-vpn/holdfast/ui/locale"
	"github.com/holdfast-vpn/holdfast/ui/tray/desk"
)

const (
	gatewayAddr = "198.51.100.1"
	host        = "Example Office" // in the profile
	code        = "424242"
	challenge   = "Enter the code from your phone."
)

// corporate is the profile: two hosts, and a preference that its users may change.
const corporate = `<?xml version="1.0" encoding="UTF-8"?>
<AnyConnectProfile xmlns="http://schemas.xmlsoap.org/encoding/">
  <ClientInitialization>
    <AutoReconnect UserControllable="true">true<AutoReconnectBehavior UserControllable="true">ReconnectAfterResume</AutoReconnectBehavior></AutoReconnect>
    <LocalLanAccess UserControllable="true">false</LocalLanAccess>
  </ClientInitialization>
  <ServerList>
    <HostEntry><HostName>` + host + `</HostName><HostAddress>` + gatewayAddr + `</HostAddress></HostEntry>
    <HostEntry><HostName>Example Lab</HostName><HostAddress>lab.example</HostAddress></HostEntry>
  </ServerList>
</AnyConnectProfile>
`

// world is a person's machine, its gateway and what is on the desk.
type world struct {
	*testing.T
	lab    *lab.Lab
	client *testenv.NS
	there  *testenv.NS // the gateway's
	agent  *lab.Agent
	screen *desk.Screen
	bus    *desk.Bus
	words  *locale.Words
	env    []string
	as     *syscall.SysProcAttr // who runs the application; nil for who runs the test
}

// newWorld makes it; nil in the parent of the namespaces, where there is nothing to do.
func newWorld(t *testing.T) *world { return newWorldAt(t, func(*gateway.Config) {}) }

// newWorldAt is newWorld with a gateway whose configuration is changed first.
func newWorldAt(t *testing.T, change func(*gateway.Config)) *world {
	t.Parallel() // most of their time is waiting
	testenv.Require(t, "tray", "Xvfb", "xdotool", "dbus-daemon", "tun")
	if !testenv.Namespace(t) {
		return nil
	}
	w := &world{T: t, lab: lab.New(t, gatewayAddr), words: locale.For(locale.English)}
	w.network()
	w.trust()
	w.gateway(change)
	w.lab.File("agent/profile/corporate.xml", []byte(corporate))
	w.agent = w.lab.StartAgent(w.client, "agent")
	w.desktop()
	return w
}

// network is a cable from the person's machine to the gateway.
func (w *world) network() {
	w.client, w.there = testenv.NewNS(w.T, "client"), testenv.NewNS(w.T, "gateway")
	testenv.Veth(w.T, w.client, "lan0", w.there, "net0")
	w.lab.IP(w.client, "address add 198.51.100.2/24 dev lan0")
	w.lab.IP(w.there, "address add "+gatewayAddr+"/24 dev net0")
}

// trust puts the gateway's authority among those of the machine.
func (w *world) trust() {
	const roots = "/etc/ssl/certs/ca-certificates.crt"
	have, err := os.ReadFile(roots)
	if err != nil && !os.IsNotExist(err) {
		w.Fatal(err)
	}
	ca, err := os.ReadFile(w.lab.CA)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(roots), 0o755)
	}
	if err == nil {
		err = os.WriteFile(roots, append(have, ca...), 0o644)
	}
	if err != nil {
		w.Fatal(err)
	}
}

// gateway asks for a name and a password, and then for a code, where it is not changed.
func (w *world) gateway(change func(*gateway.Config)) {
	cert, err := tls.LoadX509KeyPair(w.lab.Cert, w.lab.Key)
	if err != nil {
		w.Fatal(err)
	}
	cfg := gateway.Config{
		Certificate: cert,
		Users:       []gateway.User{{Name: lab.Account, Password: redact.NewString(lab.Password), Challenge: challenge, Check: gateway.Fixed(redact.NewString(code))}},
		Pools:       []netip.Prefix{netip.MustParsePrefix("10.11.0.0/24")},
		Settings: protocol.Settings{MTU: 1400, DPD: 30 * time.Second, Keepalive: 20 * time.Second, DisconnectedTimeout: 30 * time.Minute,
			SplitInclude: []netip.Prefix{netip.MustParsePrefix("10.99.0.0/16")}},
		Inside: gateway.NewEcho(netip.MustParseAddr("10.99.0.2")),
	}
	change(&cfg)
	g, err := gateway.New(cfg)
	if err != nil {
		w.Fatal(err)
	}
	var l net.Listener
	if err := w.there.Do(func() (err error) { l, err = net.Listen("tcp", gatewayAddr+":443"); return err }); err != nil {
		w.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- g.Serve(l) }()
	w.Cleanup(func() {
		if err := g.Close(); err != nil {
			w.Error(err)
		}
		<-served
	})
}

// desktop is a screen and a bus, and the environment that a desktop's session gives its programs.
func (w *world) desktop() {
	w.screen, w.bus = desk.NewScreen(w.T), desk.NewBus(w.T)
	home := w.TempDir()
	w.env = append(os.Environ(), "DISPLAY="+w.screen.Display, "WAYLAND_DISPLAY=", "DBUS_SESSION_BUS_ADDRESS="+w.bus.Address, "HOME="+home, "XDG_STATE_HOME="+filepath.Join(home, "state"),
		"XDG_CONFIG_HOME="+filepath.Join(home, "config"), "XDG_RUNTIME_DIR="+home, "LC_ALL=en_US.UTF-8", "LANGUAGE=", "LIBGL_ALWAYS_SOFTWARE=1", "HOLDFAST_SOCKET="+w.socket())
}

// socket is the agent's.
func (w *world) socket() string { return filepath.Join(w.lab.Dir, "agent", "run", "agent.sock") }

// becomes waits for the agent to come to a state.
func (w *world) becomes(state string) ipc.State {
	w.Helper()
	var s ipc.State
	desk.Await(w.T, "the state "+state, func() bool {
		s = w.agent.State()
		return s.State == state
	})
	return s
}

// tray is the application, running.
type tray struct {
	w    *world
	cmd  *exec.Cmd
	said bytes.Buffer
	done chan error
}

// startTray starts the application.
func (w *world) startTray(args ...string) *tray {
	w.Helper()
	a := &tray{w: w, cmd: exec.Command(os.Getenv(trayEnv), args...), done: make(chan error, 1)}
	a.cmd.Env, a.cmd.Stdout, a.cmd.Stderr, a.cmd.SysProcAttr = w.env, &a.said, &a.said, w.as
	if err := a.cmd.Start(); err != nil {
		w.Fatal(err)
	}
	go func() { a.done <- a.cmd.Wait() }()
	w.Cleanup(func() {
		if w.Failed() {
			path := filepath.Join(w.ArtifactDir(), "screen.png")
			w.Logf("the screen: %s %v", path, w.screen.Save(path))
		}
		a.end(syscall.SIGTERM)
	})
	return a
}

// ends waits for the application to end by itself, and reads what it said.
func (a *tray) ends() {
	a.w.Helper()
	select {
	case err := <-a.done:
		a.done <- nil
		if err != nil {
			a.w.Errorf("the application ends with %v", err)
		}
		a.clean()
	case <-time.After(desk.Patience):
		_ = a.cmd.Process.Signal(syscall.SIGQUIT)
		<-a.done
		a.done <- nil
		a.w.Fatalf("the application does not end:\n%s", &a.said)
	}
}

// end ends the application by a signal.
func (a *tray) end(s syscall.Signal) {
	a.w.Helper()
	select {
	case <-a.done:
		a.done <- nil
		return // it ended before
	default:
	}
	_ = a.cmd.Process.Signal(s)
	a.ends()
}

// bad is what must not be on standard error: Fyne's word of a call on a wrong thread, a race, a panic, any error of Fyne's.
var bad = regexp.MustCompile(`(?i)fyne error|call thread|data race|panic|fatal|goroutine \d`)

func (a *tray) clean() {
	a.w.Helper()
	if s := a.said.String(); bad.MatchString(s) {
		a.w.Errorf("the application said:\n%s", s)
	} else if s = strings.TrimSpace(s); s != "" {
		a.w.Logf("the application said:\n%s", s)
	}
}
