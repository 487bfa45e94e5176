package interop

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// binEnv hands the built binaries from the process that built them to the children that testenv.Namespace starts.
const binEnv = "HOLDFAST_INTEROP_BIN"

// TestMain builds the two binaries once; as a child with a role it serves or downloads instead of testing.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "role" {
		os.Exit(role(os.Args[2], os.Args[3:]))
	}
	if os.Getenv(binEnv) == "" {
		dir, err := os.MkdirTemp("", "holdfast-interop")
		if err == nil {
			err = os.Chmod(dir, 0o755)
		}
		if err == nil {
			build := exec.Command("go", "build", "-o", dir, "../cmd/holdfastd", "../../ui/cmd/holdfast")
			build.Env = append(os.Environ(), "CGO_ENABLED=0")
			build.Stderr = os.Stderr
			err = build.Run()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "building the binaries:", err)
			os.Exit(1)
		}
		os.Setenv(binEnv, dir)
		code := m.Run()
		os.RemoveAll(dir)
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// role runs one of the children: inside ADDR..., fetch URL, attack SOCKET, flood SOCKET, hostile ADDR CERT KEY HEADERS, speak KIND ADDR [CERT KEY], reception ADDR FILE, chatter, watch INTERFACE FILE, forget.
func role(name string, args []string) int {
	switch name {
	case "inside":
		serveInside(args)
	case "fetch":
		if err := fetch(args[0], 60*time.Second); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	case "attack":
		return attack(args[0])
	case "flood":
		return flood(args[0])
	case "hostile":
		return hostile(args[0], args[1], args[2], args[3])
	case "speak":
		return speak(args)
	case "reception":
		return reception(args)
	case "chatter":
		return chatter()
	case "watch":
		return watchUplink(args)
	case "forget":
		return forget()
	case "noise":
		return noise(args)
	default:
		return 2
	}
	return 0
}

// world is the four hosts of doc.go. The client is the test's own namespace: its resolv.conf is a plain file.
type world struct {
	t                               *testing.T
	dir                             string
	pki                             pki
	client, router, gateway, inside *testenv.NS
	before                          string // the client's whole network state before the agent ran
}

// The public resolver's view. The last name resolves differently inside.
const publicDNS = `
local=/lab.example/corp.example/
address=/vpn.lab.example/198.51.100.1
address=/vpn.lab.example/2001:db8:100::1
address=/vpn4.lab.example/198.51.100.1
address=/other.lab.example/198.51.100.1
address=/vpn6.lab.example/2001:db8:100::1
address=/split.corp.example/192.0.2.99
`

const insideDNS = `
local=/corp.example/
address=/web.corp.example/10.99.0.2
address=/web.corp.example/2001:db8:99::2
address=/split.corp.example/10.99.0.2
`

// newWorld makes the hosts and starts the public DNS, the inside DNS and the inside web server. It returns nil in the parent process, where the test is over.
func newWorld(t *testing.T) *world { return makeWorld(t, testenv.Self) }

// newContainedWorld is a world whose client sees its resolv.conf through a bind mount, as in a container: it can be written and not replaced.
func newContainedWorld(t *testing.T) *world {
	return makeWorld(t, func(t testing.TB) *testenv.NS { return testenv.NewNS(t, "client") })
}

func makeWorld(t *testing.T, client func(testing.TB) *testenv.NS) *world {
	t.Helper()
	testenv.Require(t, "tun", "ocserv", "openconnect", "dnsmasq", "nft")
	if !testenv.Namespace(t) {
		return nil
	}
	dir := t.TempDir()
	w := &world{t: t, dir: dir, client: client(t), router: testenv.NewNS(t, "router"), gateway: testenv.NewNS(t, "gateway"), inside: testenv.NewNS(t, "inside")}
	w.pki = newPKI(t, dir, []string{"vpn.lab.example", "vpn4.lab.example", "vpn6.lab.example"}, []net.IP{net.ParseIP("198.51.100.1"), net.ParseIP("2001:db8:100::1")})
	testenv.Veth(t, w.client, "wan0", w.router, "lan0")
	testenv.Veth(t, w.router, "net0", w.gateway, "net0")
	testenv.Veth(t, w.gateway, "in0", w.inside, "in0")
	w.ip(w.client, "addr add 192.0.2.2/24 dev wan0", "addr add 2001:db8:1::2/64 dev wan0 nodad", "route add default via 192.0.2.1", "route add default via 2001:db8:1::1")
	w.ip(w.router, "addr add 192.0.2.1/24 dev lan0", "addr add 2001:db8:1::1/64 dev lan0 nodad", "addr add 198.51.100.2/24 dev net0", "addr add 2001:db8:100::2/64 dev net0 nodad")
	w.ip(w.gateway, "addr add 198.51.100.1/24 dev net0", "addr add 2001:db8:100::1/64 dev net0 nodad", "addr add 10.99.0.1/16 dev in0", "addr add 2001:db8:99::1/64 dev in0 nodad",
		"route add 2001:db8:1::/64 via 2001:db8:100::2")
	w.ip(w.inside, "addr add 10.99.0.2/16 dev in0", "addr add 2001:db8:99::2/64 dev in0 nodad", "route add default via 10.99.0.1", "route add default via 2001:db8:99::1")
	for _, n := range []*testenv.NS{w.router, w.gateway} {
		n.Sysctl(t, "ipv4.ip_forward", "1")
		n.Sysctl(t, "ipv6.conf.all.forwarding", "1")
	}
	w.router.Run(t, "nft", "add table ip nat; add chain ip nat post { type nat hook postrouting priority 100; }; add rule ip nat post oifname net0 masquerade")
	w.countUDP()
	w.dnsmasq(w.router, "public", "198.51.100.2,192.0.2.1,2001:db8:1::1", publicDNS)
	w.dnsmasq(w.inside, "inside", "10.99.0.2,2001:db8:99::2", insideDNS)
	w.client.SetResolv("# the network's own\nnameserver 192.0.2.1\nnameserver 2001:db8:1::1\n")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	web := w.inside.Command(self, "role", "inside", "10.99.0.2:80", "[2001:db8:99::2]:80")
	w.startReady(web, "ready")
	w.before = testenv.Dump(t, w.client)
	return w
}

// ip runs `ip` with each of the lines in n.
func (w *world) ip(n *testenv.NS, lines ...string) {
	w.t.Helper()
	for _, l := range lines {
		args := strings.Fields(l)
		if strings.Contains(l, ":") {
			args = append([]string{"-6"}, args...)
		}
		n.Run(w.t, "ip", args...)
	}
}

// dnsmasq starts a resolver that knows only the given names and writes down what it is asked, for asked.
func (w *world) dnsmasq(n *testenv.NS, which, listen, names string) {
	w.t.Helper()
	conf := filepath.Join(w.dir, which+".dns")
	text := "no-resolv\nno-hosts\nbind-interfaces\nuser=root\nlog-queries\nlog-facility=" + conf + ".log" + "\nlisten-address=" + listen + names
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
	cmd := n.Command("dnsmasq", "-k", "-C", conf, "--pid-file=")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = cmd.Wait() })
}

// startReady starts a process and waits for a line with the prefix on its standard output.
func (w *world) startReady(cmd *exec.Cmd, prefix string) {
	w.t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if cmd.Stderr == nil {
		cmd.Stderr = os.Stderr
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	lines := make(chan string, 1)
	go func() {
		s := bufio.NewScanner(out)
		for s.Scan() {
			select {
			case lines <- s.Text():
			default:
			}
		}
		close(lines)
	}()
	w.t.Cleanup(func() { _ = cmd.Wait() })
	select {
	case l := <-lines:
		if !strings.HasPrefix(l, prefix) {
			w.t.Fatalf("%s said %q, not %q", cmd.Path, l, prefix)
		}
	case <-time.After(10 * time.Second):
		w.t.Fatalf("%s is not ready after 10 s", cmd.Path)
	}
}

// agentProcess is a running holdfastd in the client's namespace.
type agentProcess struct {
	w      *world
	cmd    *exec.Cmd
	log    *bytes.Buffer
	socket string
}

func (w *world) stateDir() string   { return filepath.Join(w.dir, "state") }
func (w *world) runtimeDir() string { return filepath.Join(w.dir, "run") }

// startAgent runs holdfastd and waits until it is ready.
func (w *world) startAgent(args ...string) *agentProcess {
	w.t.Helper()
	a := w.agent(args)
	w.startReady(a.cmd, "ready: ")
	return a
}

// launchAgent runs holdfastd and waits for nothing.
func (w *world) launchAgent() *agentProcess {
	w.t.Helper()
	a := w.agent(nil)
	if err := a.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	return a
}

// agent is holdfastd, not started yet.
func (w *world) agent(args []string) *agentProcess {
	w.t.Helper()
	a := &agentProcess{w: w, log: &bytes.Buffer{}, socket: filepath.Join(w.runtimeDir(), "agent.sock")}
	profiles := filepath.Join(w.dir, "profile")
	_ = os.MkdirAll(profiles, 0o755)
	full := append([]string{"run", "--state-dir", w.stateDir(), "--runtime-dir", w.runtimeDir(), "--profile-dir", profiles, "--log-level", "debug"}, args...)
	a.cmd = w.client.Command(filepath.Join(os.Getenv(binEnv), "holdfastd"), full...)
	a.cmd.Stderr = a.log
	w.t.Cleanup(func() {
		if w.t.Failed() {
			w.t.Logf("the agent's log:\n%s", a.log)
		}
	})
	return a
}

// stop ends the agent as a service manager does and expects the host as it was.
func (a *agentProcess) stop() {
	a.w.t.Helper()
	_ = a.cmd.Process.Signal(syscall.SIGTERM)
	done := make(chan struct{})
	go func() { _ = a.cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(6 * time.Second):
		a.w.t.Fatalf("the agent did not end in 6 s")
	}
	a.w.unchanged("after the agent ended")
}

// unchanged compares the client's whole network state with that before the agent ran.
func (w *world) unchanged(when string) {
	w.t.Helper()
	if d := testenv.Diff(w.before, testenv.Dump(w.t, w.client)); d != "" {
		w.t.Errorf("%s the client's network differs:\n%s", when, d)
	}
}

// result is how a run of the command line ended.
type result struct {
	exit        int
	out, stderr string
}

// cli runs holdfast with stdin and returns how it ended; it never fails the test by itself.
func (w *world) cli(stdin string, args ...string) result {
	w.t.Helper()
	cmd := w.client.Command(filepath.Join(os.Getenv(binEnv), "holdfast"), append([]string{"--socket", filepath.Join(w.runtimeDir(), "agent.sock")}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return result{0, out.String(), stderr.String()}
	case errors.As(err, &exit):
		return result{exit.ExitCode(), out.String(), stderr.String()}
	}
	w.t.Fatalf("holdfast %s: %v", strings.Join(args, " "), err)
	return result{}
}

// connect connects as the test account with the CA file and fails the test unless it succeeds.
func (w *world) connect(target string, more ...string) {
	w.t.Helper()
	args := append([]string{"connect", target, "--user", account, "--group", "staff", "--password-stdin", "--ca", w.pki.ca, "--accept-banner", "--no-input"}, more...)
	if r := w.cli(password+"\n", args...); r.exit != 0 {
		w.t.Fatalf("connect: exit %d\n%s%s", r.exit, r.out, r.stderr)
	}
}

// state is `holdfast state --json`.
func (w *world) state() ipc.State {
	w.t.Helper()
	r := w.cli("", "--json", "state")
	var s ipc.State
	if err := json.Unmarshal([]byte(r.out), &s); err != nil || r.exit != 0 {
		w.t.Fatalf("state: exit %d, %v\n%s%s", r.exit, err, r.out, r.stderr)
	}
	return s
}

// waitState waits until ok holds of the state.
func (w *world) waitState(within time.Duration, what string, ok func(ipc.State) bool) ipc.State {
	w.t.Helper()
	end := time.Now().Add(within)
	for {
		s := w.state()
		if ok(s) {
			return s
		}
		if time.Now().After(end) {
			w.t.Fatalf("not %s after %s: %+v", what, within, s)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// get fetches a URL from the client by a process of its own, so that nothing is cached, and returns the body.
func (w *world) get(url string) (string, error) {
	out, err := w.client.Command("curl", "-sS", "-m", "8", "-g", url).CombinedOutput()
	return string(out), err
}
