package lab

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// Ocserv is how to run one: with DTLS of the one kind that both openconnect and the agent speak, or without.
type Ocserv struct {
	Name    string // of its folder
	Port    string
	Network string // of its clients
	DTLS    bool
	DPD     time.Duration // what it tells clients
	Lines   []string      // more of its configuration
}

// Gateway is a running ocserv.
type Gateway struct {
	*Process
	l         *Lab
	host      *testenv.NS
	o         Ocserv
	conf, log string
}

// StartOcserv runs one in a namespace and waits until it listens.
func (l *Lab) StartOcserv(host *testenv.NS, o Ocserv) *Gateway {
	l.Helper()
	passwd := l.File(o.Name+"/passwd", nil)
	add := exec.Command("ocpasswd", "-c", passwd, Account)
	add.Stdin = strings.NewReader(Password + "\n" + Password + "\n")
	if out, err := add.CombinedOutput(); err != nil {
		l.Fatalf("ocpasswd: %v\n%s", err, out)
	}
	dir := filepath.Dir(passwd)
	dpd := strconv.Itoa(int(o.DPD / time.Second))
	conf := []string{
		`auth = "plain[passwd=` + passwd + `]"`, "tcp-port = " + o.Port, "run-as-user = root", "run-as-group = root", "socket-file = " + filepath.Join(dir, "sock"), "use-occtl = false",
		"server-cert = " + l.Cert, "server-key = " + l.Key, "isolate-workers = false", "max-clients = 16", "max-same-clients = 0", "rate-limit-ms = 0", "max-ban-score = 0",
		"keepalive = 120", "dpd = " + dpd, "mobile-dpd = " + dpd, "cookie-timeout = 300", "deny-roaming = false", "rekey-time = 172800", "device = vpns" + o.Port, "predictable-ips = true",
		"ipv4-network = " + o.Network, "mtu = 1400", "route = 10.99.0.0/255.255.0.0", "dtls-legacy = false",
	}
	if o.DTLS {
		conf = append(conf, "udp-port = "+o.Port, "dtls-psk = true")
	} else {
		conf = append(conf, "dtls-psk = false")
	}
	conf = append(conf, o.Lines...)
	g := &Gateway{l: l, host: host, o: o, log: filepath.Join(dir, "log"), conf: l.File(o.Name+"/conf", []byte(strings.Join(conf, "\n")+"\n"))}
	g.Start()
	return g
}

// Start starts it again after its end: it has forgotten every session.
func (g *Gateway) Start() {
	g.l.Helper()
	log, err := os.OpenFile(g.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		g.l.Fatal(err)
	}
	defer log.Close()
	cmd := g.host.Command("ocserv", "-f", "-d", "2", "-c", g.conf)
	cmd.Stdout, cmd.Stderr = log, log
	p := &Process{l: g.l, cmd: cmd, done: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		g.l.Fatal(err)
	}
	go func() {
		_ = cmd.Wait()
		close(p.done)
	}()
	g.l.Cleanup(func() { <-p.done })
	g.Process = p
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if p.Ended() {
			g.l.Fatalf("ocserv ended:\n%s", g.Log())
		}
		if out, err := g.host.Command("ss", "-Hltn", "sport = :"+g.o.Port).Output(); err == nil && len(out) > 0 {
			return
		}
	}
	g.l.Fatal("ocserv does not listen after 5 s")
}

// Log is what it wrote, over all its starts.
func (g *Gateway) Log() string {
	b, _ := os.ReadFile(g.log)
	return string(b)
}

// Logins is how often somebody began to log in with a password, over all its starts. A token that is presented is none.
func (g *Gateway) Logins() int { return strings.Count(g.Log(), "authentication to authenticate user") }

// KillWorkers ends the processes that serve clients; sessions stay in the security module.
func (g *Gateway) KillWorkers() {
	g.l.Helper()
	if KillWorkers(g.Pid()) == 0 {
		g.l.Fatalf("no worker to kill below %d\n%s", g.Pid(), g.Log())
	}
}

// KillWorkers ends the workers of the ocserv whose first process is pid, and returns how many they were.
func KillWorkers(pid int) (killed int) {
	for _, pid := range below(pid) {
		cmdline, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		if strings.Contains(string(comm)+string(cmdline), "worker") && syscall.Kill(pid, syscall.SIGKILL) == nil {
			killed++
		}
	}
	return killed
}

// below lists all processes below pid.
func below(pid int) (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		child, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue
		}
		// the name is in parentheses and may hold spaces; state and parent follow it
		rest := string(stat[strings.LastIndexByte(string(stat), ')')+1:])
		if f := strings.Fields(rest); len(f) > 1 && f[1] == strconv.Itoa(pid) {
			pids = append(append(pids, child), below(child)...)
		}
	}
	return pids
}
