package interop

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

// startRehearsal runs `holdfast gateway` where the gateway is, and returns what it says of itself by name. typed is its standard input, nil for none.
func (w *world) startRehearsal(typed *os.File) map[string]string {
	w.t.Helper()
	cmd := w.gateway.Command(filepath.Join(os.Getenv(binEnv), "holdfast"), "gateway", "--listen", "198.51.100.1:443")
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if typed != nil {
		cmd.Stdin = typed
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = cmd.Wait() })
	said := map[string]string{}
	for s := bufio.NewScanner(out); said["inside"] == "" && s.Scan(); {
		name, value, _ := strings.Cut(s.Text(), " ")
		said[name] = strings.TrimSpace(value)
	}
	if said["password"] == "" || said["pin"] == "" {
		w.t.Fatalf("the rehearsal says %v", said)
	}
	return said
}

// forgetFlows is what a router does whose translator is started anew: all mappings are gone, new ones have other ports, and what belongs to no connection it knows goes nowhere.
// The new ports lie below those that clients take: a mapping keeps its client's port where it may.
func (w *world) forgetFlows() {
	w.t.Helper()
	w.router.Sysctl(w.t, "netfilter.nf_conntrack_tcp_loose", "0")
	w.router.Run(w.t, "nft", "flush chain ip nat post; add rule ip nat post oifname net0 meta l4proto { tcp, udp } masquerade to :20000-30000; "+
		"add table ip strict; add chain ip strict forward { type filter hook forward priority 10; }; add rule ip strict forward ct state invalid drop")
	self, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	w.router.Run(w.t, self, "role", "forget")
}

// forget is the child that forgetFlows runs in the router.
func forget() int {
	if err := netlink.ConntrackTableFlush(netlink.ConntrackTable); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// TestRehearsal: the gateway of `holdfast gateway` is one that our own agent travels to by DTLS; and when the router on the way forgets every connection, TLS is dead without a word, but the
// gateway follows DTLS to its new port: a download goes on, and nothing is made anew.
func TestRehearsal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	g := w.startRehearsal(nil)
	w.countUDP()
	a := w.startAgent()
	r := w.cli(g["password"]+"\n", "connect", "198.51.100.1", "--user", g["user"], "--password-stdin", "--pin", g["pin"], "--no-input")
	if r.exit != 0 {
		t.Fatalf("connect: %+v", r)
	}
	w.travels("dtls", 5*time.Second)
	const size = 40_000_000 // more than fits the buffers on the way
	curl := w.client.Command("curl", "-sS", "-m", "30", "-o", "/dev/null", "-w", "%{size_download}", "--limit-rate", "6M", fmt.Sprintf("http://10.99.0.2/bytes/%d", size))
	var out bytes.Buffer
	curl.Stdout, curl.Stderr = &out, &out
	if err := curl.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second)
	w.forgetFlows()
	began, udp := time.Now(), w.counted("udp")
	for range 5 {
		if page, err := w.get("http://10.99.0.2/"); err != nil || !strings.Contains(page, "inside") {
			t.Errorf("%q, %v", page, err)
		}
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("five pages took %v", took)
	}
	if udp = w.counted("udp") - udp; udp < 5*1000 {
		t.Errorf("%d bytes by UDP for five pages", udp)
	}
	if err := curl.Wait(); err != nil || out.String() != fmt.Sprint(size) {
		t.Errorf("%v: %s of %d bytes", err, &out, size)
	}
	if s := w.state(); s.Transport != "dtls" || s.Reconnects == nil || s.Reconnects.Tunnel+s.Reconnects.Session != 0 {
		t.Errorf("by %s, reconnects %+v", s.Transport, s.Reconnects)
	}
	if r := w.cli("", "disconnect"); r.exit != 0 {
		t.Errorf("disconnect: %+v", r)
	}
	a.stop()
}
