package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/gateway"
	"github.com/holdfast-vpn/holdfast/protocol/gateway/inside"
)

// mirror is the world the other way round: our gateway, in the test's own process, and openconnect in a namespace beside it.
type mirror struct {
	t            *testing.T
	self, client *testenv.NS
	g            *gateway.Gateway
	ca, script   string
}

// mirrorScript is what openconnect runs to set its interface up: addresses and the split routes, no DNS. What it was told goes to the log.
const mirrorScript = `#!/bin/sh
echo "told: reason=$reason mtu=$INTERNAL_IP4_MTU dns=$INTERNAL_IP4_DNS domain=$CISCO_DEF_DOMAIN split=$CISCO_SPLIT_INC_0_ADDR/$CISCO_SPLIT_INC_0_MASKLEN banner=$CISCO_BANNER" >&2
case "$reason" in connect|reconnect)
	ip link set "$TUNDEV" up mtu "$INTERNAL_IP4_MTU"
	ip addr replace "$INTERNAL_IP4_ADDRESS/32" dev "$TUNDEV"
	ip -6 addr replace "$INTERNAL_IP6_ADDRESS/128" dev "$TUNDEV" nodad
	ip route replace 10.99.0.0/16 dev "$TUNDEV"
	ip -6 route replace 2001:db8:99::/64 dev "$TUNDEV"
esac
`

var (
	mirrorWeb4 = netip.MustParsePrefix("10.99.0.2/16")
	mirrorWeb6 = netip.MustParsePrefix("2001:db8:99::2/64")
)

const mirrorGateway = "198.51.100.1:443"

// newMirror starts our gateway with settings that may be changed first. nil: this is not the run in the namespace.
func newMirror(t *testing.T, change func(*gateway.Config)) *mirror {
	t.Helper()
	testenv.Require(t, "tun", "openconnect", "nft", "curl")
	if !testenv.Namespace(t) {
		return nil
	}
	m := &mirror{t: t, self: testenv.Self(t), client: testenv.NewNS(t, "client")}
	testenv.Veth(t, m.self, "net0", m.client, "wan0")
	m.self.Run(t, "ip", "addr", "add", "198.51.100.1/24", "dev", "net0")
	m.client.Run(t, "ip", "addr", "add", "198.51.100.2/24", "dev", "wan0")
	ident, err := gateway.SelfSigned("198.51.100.1")
	if err != nil {
		t.Fatal(err)
	}
	in, err := inside.New(inside.Config{Addresses: []netip.Prefix{mirrorWeb4, mirrorWeb6}})
	if err != nil {
		t.Fatal(err)
	}
	cfg := gateway.Config{
		Certificate: ident.Certificate, Inside: in,
		Users: []gateway.User{
			{Name: account, Password: redact.NewString(password)},
			{Name: "otto", Password: redact.NewString(password), Challenge: "Enter the code.", Check: gateway.Fixed(redact.NewString("424242"))},
		},
		Groups: []gateway.Group{{Name: "guests", Label: "Guests"}, {Name: "staff", Label: "Staff network"}},
		Pools:  []netip.Prefix{netip.MustParsePrefix("10.11.0.0/24"), netip.MustParsePrefix("2001:db8:11::/64")},
		Settings: protocol.Settings{MTU: 1400, DPD: 5 * time.Second, Keepalive: 10 * time.Second, Banner: "Welcome to the rehearsal",
			SplitInclude: []netip.Prefix{mirrorWeb4.Masked(), mirrorWeb6.Masked()}},
	}
	if change != nil {
		change(&cfg)
	}
	if m.g, err = gateway.New(cfg); err != nil {
		t.Fatal(err)
	}
	m.serve()
	dir := t.TempDir()
	m.ca, m.script = filepath.Join(dir, "ca.pem"), filepath.Join(dir, "script")
	for path, text := range map[string]string{m.ca: string(ident.CAPEM), m.script: mirrorScript} {
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	m.self.Run(t, "nft", "add table ip tally; add counter ip tally by_udp; add counter ip tally by_tcp; "+
		"add chain ip tally come { type filter hook input priority 0; }; add chain ip tally go { type filter hook output priority 0; }; "+
		"add rule ip tally come udp dport 443 counter name by_udp; add rule ip tally go udp sport 443 counter name by_udp; "+
		"add rule ip tally come tcp dport 443 counter name by_tcp; add rule ip tally go tcp sport 443 counter name by_tcp")
	return m
}

// serve opens both ports.
func (m *mirror) serve() {
	m.t.Helper()
	l, err := net.Listen("tcp", mirrorGateway)
	if err != nil {
		m.t.Fatal(err)
	}
	u, err := net.ListenPacket("udp", mirrorGateway)
	if err != nil {
		m.t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = m.g.Serve(l) })
	serving.Go(func() { _ = m.g.ServeDatagrams(u) })
	m.t.Cleanup(func() {
		_ = m.g.Close()
		serving.Wait()
	})
}

// counted is how many bytes went by udp or tcp to and from port 443.
func (m *mirror) counted(name string) int {
	m.t.Helper()
	var v struct {
		Nftables []struct{ Counter *struct{ Bytes int } }
	}
	if err := json.Unmarshal([]byte(m.self.Run(m.t, "nft", "-j", "list", "counter", "ip", "tally", "by_"+name)), &v); err != nil {
		m.t.Fatal(err)
	}
	for _, n := range v.Nftables {
		if n.Counter != nil {
			return n.Counter.Bytes
		}
	}
	m.t.Fatal("no such counter")
	return 0
}

// journal is what a program says, readable while it runs.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}

// openconnect prepares the client.
func (m *mirror) openconnect(user, stdin string, more ...string) (*exec.Cmd, *journal) {
	args := append([]string{"--cafile", m.ca, "--no-system-trust", "--user", user, "--authgroup", "Staff network", "--passwd-on-stdin", "--script", m.script}, more...)
	cmd := m.client.Command("openconnect", append(args, "https://198.51.100.1/")...)
	cmd.Stdin = strings.NewReader(stdin)
	log := &journal{}
	cmd.Stdout, cmd.Stderr = log, log
	return cmd, log
}

// session is a client that is connected.
type mirrorSession struct {
	*mirror
	cmd *exec.Cmd
	log *journal
}

// connect starts the client and waits until it reaches the inside.
func (m *mirror) connect(more ...string) *mirrorSession {
	m.t.Helper()
	s := m.start(more...)
	s.reaches("http://10.99.0.2/", 10*time.Second)
	return s
}

// start starts the client.
func (m *mirror) start(more ...string) *mirrorSession {
	m.t.Helper()
	s := &mirrorSession{mirror: m}
	s.cmd, s.log = m.openconnect(account, password+"\n", append([]string{"--reconnect-timeout", "20"}, more...)...)
	if err := s.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	return s
}

// stop ends the client as Ctrl-C does.
func (s *mirrorSession) stop() {
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGINT)
	_ = s.cmd.Wait()
}

// reaches fails the test when no page comes in time.
func (s *mirrorSession) reaches(url string, within time.Duration) {
	s.t.Helper()
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if out, err := s.client.Command("curl", "-sS", "-g", "-m", "2", url).Output(); err == nil && strings.Contains(string(out), "inside") {
			return
		}
	}
	s.t.Fatalf("%s is not reached\n%v\n%s", url, s.g.Sessions(), s.log)
}

// says waits for a line of the client's log.
func (s *mirrorSession) says(pattern string, within time.Duration) {
	s.t.Helper()
	re := regexp.MustCompile(pattern)
	for end := time.Now().Add(within); !re.MatchString(s.log.String()); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("%q was not said\n%s", pattern, s.log)
		}
	}
}

// active is the client's session.
func (s *mirrorSession) active() (gateway.Session, bool) {
	for _, is := range s.g.Sessions() {
		if is.User == account && is.Active {
			return is, true
		}
	}
	return gateway.Session{}, false
}

// travels waits until the gateway sends by a transport. Somebody must be sending to it.
func (s *mirrorSession) travels(name string, within time.Duration) {
	s.t.Helper()
	for end := time.Now().Add(within); ; time.Sleep(100 * time.Millisecond) {
		_ = s.client.Command("curl", "-sS", "-m", "1", "http://10.99.0.2/").Run()
		if is, ok := s.active(); ok && is.Transport == name {
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("not by %s: %v\n%s", name, s.g.Sessions(), s.log)
		}
	}
}

// download fetches that many bytes at a rate of bytes per second, 0 as fast as it goes, and checks that all came. The result of the returned function is the error.
func (s *mirrorSession) download(size, rate int) func() error {
	args := []string{"-sS", "-o", "/dev/null", "-w", "%{size_download}", fmt.Sprintf("http://10.99.0.2/bytes/%d", size)}
	if rate > 0 {
		args = append(args, "--limit-rate", fmt.Sprint(rate))
	}
	cmd := s.client.Command("curl", args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Start()
	return func() error {
		if err == nil {
			err = cmd.Wait()
		}
		if err != nil || out.String() != fmt.Sprint(size) {
			return fmt.Errorf("%w: %s of %d bytes", err, &out, size)
		}
		return nil
	}
}
