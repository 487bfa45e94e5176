package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/interop/lab"
)

// password is the test account's; otpKey is its one-time-code key.
const (
	account  = "alice"
	password = "Pa55word-canary"
	otpKey   = "00112233445566778899aabbccddeeff00112233"
)

// ocserv describes one gateway. Lines are added to the configuration as they are.
type ocserv struct {
	auth  string // instead of the password file
	bare  bool   // there are no groups
	otp   bool
	dtls  bool // both kinds
	psk   bool // only the one of a PSK
	old   bool // only resumption, and TLS that suits old clients
	only4 bool // no IPv6 inside
	lines []string
}

// splitRoutes are what most tests push.
var splitRoutes = []string{"route = 10.99.0.0/255.255.0.0", "route = 2001:db8:99::/64"}

// gatewayProcess is a running ocserv.
type gatewayProcess struct {
	w    *world
	conf string
	cmd  *exec.Cmd
	done chan struct{}
	log  string
}

// startOcserv writes the configuration and starts ocserv in the gateway's namespace. A gateway that does not come up fails the test.
func (w *world) startOcserv(t *testing.T, o ocserv) *gatewayProcess {
	t.Helper()
	dir := filepath.Join(w.dir, "ocserv")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	passwd := filepath.Join(dir, "passwd")
	add := exec.Command("ocpasswd", "-c", passwd, "-g", "staff,admins", account)
	add.Stdin = strings.NewReader(password + "\n" + password + "\n")
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("ocpasswd: %v\n%s", err, out)
	}
	auth := "plain[passwd=" + passwd + "]"
	if o.otp {
		oath := filepath.Join(dir, "oath")
		if err := os.WriteFile(oath, []byte("HOTP/T30 "+account+" - "+otpKey+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		auth = "plain[passwd=" + passwd + ",otp=" + oath + "]"
	}
	if o.auth != "" {
		auth = o.auth
	}
	conf := []string{
		`auth = "` + auth + `"`, "tcp-port = 443", "run-as-user = root", "run-as-group = root",
		"socket-file = " + filepath.Join(dir, "sock"), "use-occtl = true", "occtl-socket-file = " + filepath.Join(dir, "occtl"),
		"server-cert = " + w.pki.cert, "server-key = " + w.pki.key,
		"isolate-workers = false", "max-clients = 16", "max-same-clients = 0", "rate-limit-ms = 0", "max-ban-score = 0",
		"keepalive = 120", "dpd = 30", "mobile-dpd = 30", "cookie-timeout = 300", "deny-roaming = false",
		"rekey-time = 172800", "device = vpns", "predictable-ips = true", "default-domain = corp.example",
		"ipv4-network = 10.11.0.0/24", "dns = 10.99.0.2",
	}
	if !o.only4 {
		conf = append(conf, "ipv6-network = 2001:db8:11::/64", "ipv6-subnet-prefix = 128")
	}
	if !o.bare {
		conf = append(conf, "select-group = staff[Staff network]", "select-group = admins[Administrators]")
	}
	// What suits old clients takes TLS 1.3 away, and with it the key of the PSK.
	switch {
	case o.dtls:
		conf = append(conf, "udp-port = 443", "dtls-psk = true", "dtls-legacy = true")
	case o.psk:
		conf = append(conf, "udp-port = 443", "dtls-psk = true", "dtls-legacy = false")
	case o.old:
		conf = append(conf, "udp-port = 443", "dtls-psk = false", "dtls-legacy = true", "cisco-client-compat = true")
	default:
		conf = append(conf, "dtls-psk = false", "dtls-legacy = false", "cisco-client-compat = true")
	}
	conf = append(conf, o.lines...)
	g := &gatewayProcess{w: w, conf: filepath.Join(dir, "conf"), log: filepath.Join(dir, "log")}
	if err := os.WriteFile(g.conf, []byte(strings.Join(conf, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	g.start(t)
	t.Cleanup(func() { g.stop(t) })
	return g
}

// start runs ocserv and waits until it accepts connections.
func (g *gatewayProcess) start(t *testing.T) {
	t.Helper()
	log, err := os.OpenFile(g.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	g.cmd = g.w.gateway.Command("ocserv", "-f", "-d", "2", "-c", g.conf)
	g.cmd.Stdout, g.cmd.Stderr = log, log
	if err := g.cmd.Start(); err != nil {
		t.Fatalf("ocserv: %v", err)
	}
	g.done = make(chan struct{})
	go func() {
		_ = g.cmd.Wait()
		close(g.done)
	}()
	for range 100 {
		select {
		case <-g.done:
			text, _ := os.ReadFile(g.log)
			t.Fatalf("ocserv ended at once:\n%s", text)
		case <-time.After(50 * time.Millisecond):
		}
		if out, err := g.w.gateway.Command("ss", "-Hltn", "sport = :443").Output(); err == nil && len(out) > 0 {
			return
		}
	}
	t.Fatal("ocserv does not listen after 5 s")
}

// change gives clients that connect from now on other lines of the configuration.
func (g *gatewayProcess) change(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(g.conf)
	if err == nil && !strings.Contains(string(text), from) {
		t.Fatalf("%q is not in the configuration", from)
	}
	if err == nil {
		err = os.WriteFile(g.conf, []byte(strings.ReplaceAll(string(text), from, to)), 0o600)
	}
	if err == nil {
		err = g.cmd.Process.Signal(syscall.SIGHUP)
	}
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second) // it does not say when it has read it
}

// stop ends ocserv and its workers and waits for it.
func (g *gatewayProcess) stop(t *testing.T) {
	t.Helper()
	select {
	case <-g.done:
		return
	default:
	}
	_ = g.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-g.done:
	case <-time.After(5 * time.Second):
		_ = g.cmd.Process.Kill()
		<-g.done
	}
}

// killWorkers ends the processes that serve clients; sessions stay in the security module.
func (g *gatewayProcess) killWorkers(t *testing.T) {
	t.Helper()
	if lab.KillWorkers(g.cmd.Process.Pid) == 0 {
		text, _ := os.ReadFile(g.log)
		t.Fatalf("no worker to kill below %d\n%s", g.cmd.Process.Pid, text)
	}
}

// otpCode is the code that is valid now.
func otpCode(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("oathtool", "--totp", otpKey).Output()
	if err != nil {
		t.Fatalf("oathtool: %v", err)
	}
	return strings.TrimSpace(string(out))
}
