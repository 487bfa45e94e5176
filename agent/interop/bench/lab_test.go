package bench

import (
	"bufio"
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/platform/testenv"
	"github.com/holdfast-vpn/holdfast/protocol/gateway"
)

const (
	gatewayAddr = "192.0.2.1"
	account     = "alice"
	password    = "Pa55word-bench"
)

// lab is the two hosts of doc.go.
type lab struct {
	*testing.B
	dir             string
	self            string // this test binary
	ca, cert, key   string
	client, gateway *testenv.NS
}

// newLab makes the hosts and starts the sink.
func newLab(b *testing.B) *lab {
	l := &lab{B: b, dir: b.TempDir(), client: testenv.Self(b), gateway: testenv.NewNS(b, "gateway")}
	var err error
	if l.self, err = os.Executable(); err != nil {
		b.Fatal(err)
	}
	ident, err := gateway.SelfSigned(gatewayAddr)
	if err != nil {
		b.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(ident.Certificate.PrivateKey)
	if err != nil {
		b.Fatal(err)
	}
	l.ca = l.file("ca.pem", ident.CAPEM)
	l.cert = l.file("gateway.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ident.Certificate.Certificate[0]}))
	l.key = l.file("gateway.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	testenv.Veth(b, l.client, "wan0", l.gateway, "net0")
	l.ip(l.client, "addr add 192.0.2.2/24 dev wan0")
	l.ip(l.gateway, "addr add "+gatewayAddr+"/24 dev net0", "addr add 10.99.0.1/32 dev lo", "addr add 10.98.0.1/32 dev lo", "addr add 10.97.0.1/32 dev lo", "addr add 10.96.0.1/32 dev lo")
	l.ready(l.gateway.Command(l.self, "role", "sink", "all"), "ready")
	return l
}

// file writes a file that anybody may read, and returns its path.
func (l *lab) file(name string, content []byte) string {
	l.Helper()
	path := filepath.Join(l.dir, name)
	if err := os.WriteFile(path, content, 0o755); err != nil {
		l.Fatal(err)
	}
	return path
}

// ip runs `ip` with each of the lines in n.
func (l *lab) ip(n *testenv.NS, lines ...string) {
	l.Helper()
	for _, line := range lines {
		n.Run(l.B, "ip", strings.Fields(line)...)
	}
}

// ready starts a process and waits for a line that holds the text, on its standard output. The process ends with the benchmark.
func (l *lab) ready(cmd *exec.Cmd, text string) *process {
	l.Helper()
	p := &process{l: l, cmd: cmd, done: make(chan struct{})}
	out, err := cmd.StdoutPipe()
	if err == nil {
		cmd.Stderr = &p.log
		err = cmd.Start()
	}
	if err != nil {
		l.Fatal(err)
	}
	said := make(chan struct{})
	go func() {
		s := bufio.NewScanner(out)
		for seen := false; s.Scan(); {
			if !seen && strings.Contains(s.Text(), text) {
				seen = true
				close(said)
			}
		}
		_ = cmd.Wait()
		close(p.done)
	}()
	l.Cleanup(func() { <-p.done })
	select {
	case <-said:
	case <-p.done:
		l.Fatalf("%s ended:\n%s", cmd, &p.log)
	case <-time.After(20 * time.Second):
		l.Fatalf("%s does not say %q", cmd, text)
	}
	return p
}

// process is a program that runs beside the benchmark.
type process struct {
	l    *lab
	cmd  *exec.Cmd
	log  bytes.Buffer // of its standard error, to be read once it ended
	done chan struct{}
}

// stop ends it as its user would.
func (p *process) stop(s syscall.Signal) {
	p.l.Helper()
	_ = p.cmd.Process.Signal(s)
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		p.l.Fatalf("%s does not end", p.cmd)
	}
}

// cpu is the processor time of the process so far, in user and system mode: fields 14 and 15 of proc_pid_stat(5), in ticks of 10 ms.
func (p *process) cpu() time.Duration {
	p.l.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		p.l.Fatal(err)
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])) // begins with field 3
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// flow runs one flow from the client and returns what it moved.
func (l *lab) flow(direction, addr string, long time.Duration) result {
	l.Helper()
	out := l.client.Run(l.B, l.self, "role", "flow", direction, addr, strconv.FormatInt(long.Milliseconds(), 10))
	var n, ns int64
	if _, err := fmt.Sscan(out, &n, &ns); err != nil || n == 0 {
		l.Fatalf("flow: %v: %s", err, out)
	}
	return result{n, time.Duration(ns)}
}
