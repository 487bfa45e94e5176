package interop

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
)

// hostile is the child that is a gateway which takes any password and answers CONNECT with the header lines in a file. Each line on its standard input cuts the tunnel.
func hostile(addr, cert, key, headers string) int {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	lines, err := os.ReadFile(headers)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	l, err := tls.Listen("tcp", addr, &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var mu sync.Mutex
	tunnels := map[net.Conn]bool{}
	go func() {
		for s := bufio.NewScanner(os.Stdin); s.Scan(); {
			mu.Lock()
			for c := range tunnels {
				_ = c.Close()
			}
			clear(tunnels)
			mu.Unlock()
		}
		os.Exit(0)
	}()
	fmt.Println("ready")
	for {
		c, err := l.Accept()
		if err != nil {
			return 1
		}
		go func() {
			defer c.Close()
			in := bufio.NewReader(c)
			for {
				r, err := http.ReadRequest(in)
				if err != nil {
					return
				}
				body, _ := io.ReadAll(r.Body)
				answer := talkOpen + talkForm + fmt.Sprintf(talkAnswer, "password", "Password:") + talkClose
				switch {
				case r.Method == http.MethodConnect:
					mu.Lock()
					tunnels[c] = true
					mu.Unlock()
					_, _ = c.Write(append([]byte("HTTP/1.1 200 CONNECTED\r\n"), lines...))
					_, _ = io.Copy(io.Discard, in)
					return
				case strings.Contains(string(body), `type="auth-reply"`):
					answer = talkSuccess
				}
				fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%s", len(answer), answer)
			}
		}()
	}
}

// sound are the headers that make a tunnel.
var sound = []string{"X-CSTP-Address: 10.77.0.2", "X-CSTP-Netmask: 255.255.255.0", "X-CSTP-MTU: 1300", "X-CSTP-Split-Include: 10.77.0.0/255.255.0.0"}

// TestHostileSettings: what a gateway asks of this machine is refused whole with one coded line, or the tunnel works, comes back when it is cut, and writes no line of the
// gateway's into resolv.conf. Either way the host is as before afterwards.
func TestHostileSettings(t *testing.T) {
	t.Parallel()
	many := []string{}
	for i := range 5000 {
		many = append(many, fmt.Sprintf("X-CSTP-Split-Include: 10.%d.%d.0/255.255.255.0", i/250, i%250))
	}
	refused := []struct {
		name  string
		lines []string
	}{
		{"no address", []string{"X-CSTP-MTU: 1300"}},
		{"address that is none", []string{"X-CSTP-Address: 0.0.0.0", "X-CSTP-MTU: 1300"}},
		{"address of this machine", []string{"X-CSTP-Address: 127.0.0.1", "X-CSTP-MTU: 1300"}},
		{"address of a group", []string{"X-CSTP-Address: 224.0.0.1", "X-CSTP-MTU: 1300"}},
		{"mask with a hole", append([]string{"X-CSTP-Netmask: 255.0.255.0"}, sound[0], sound[2])},
		{"MTU below zero", append([]string{"X-CSTP-MTU: -1"}, sound...)},
		{"MTU beyond a number", append([]string{"X-CSTP-MTU: 99999999999999999999999"}, sound...)},
		{"route that is none", append([]string{"X-CSTP-Split-Include: 10.0.0.0/33"}, sound...)},
		{"route of IPv4 in IPv6", append([]string{"X-CSTP-Split-Include-IP6: ::ffff:0:0/96"}, sound...)},
		{"route and a command", append([]string{"X-CSTP-Split-Include: 10.0.0.0/8; rm -rf /"}, sound...)},
		{"too many routes", append(many, sound...)},
	}
	accepted := []struct {
		name  string
		lines []string
	}{
		{"routes over the gateway", []string{"X-CSTP-Split-Include: 198.51.100.0/255.255.255.0", "X-CSTP-Split-Include: 198.51.100.1/255.255.255.255", "X-CSTP-Split-Include: 192.0.2.0/255.255.255.0"}},
		{"everything, in one and in halves", []string{"X-CSTP-Split-Include: 0.0.0.0/0.0.0.0", "X-CSTP-Split-Include: 0.0.0.0/128.0.0.0", "X-CSTP-Split-Include: 128.0.0.0/128.0.0.0"}},
		{"routes that are no business of a tunnel", []string{"X-CSTP-Split-Include: 127.0.0.0/255.0.0.0", "X-CSTP-Split-Include: 224.0.0.0/240.0.0.0", "X-CSTP-Split-Include-IP6: fe80::/10",
			"X-CSTP-Split-Include-IP6: ::1/128", "X-CSTP-Split-Include: 255.255.255.255/255.255.255.255"}},
		{"the same inside and outside", []string{"X-CSTP-Split-Exclude: 10.77.0.0/255.255.0.0", "X-CSTP-Split-Exclude: 0.0.0.0/0.0.0.0"}},
		{"domains that are lines", []string{"X-CSTP-Default-Domain: corp.example\rnameserver 6.6.6.6", "X-CSTP-Default-Domain: a\vnameserver\f6.6.6.6", "X-CSTP-Default-Domain: x;options debug,\\nnameserver 6.6.6.6",
			"X-CSTP-Split-DNS: a#b", "X-CSTP-Default-Domain: \u2028nameserver"}},
		{"servers that are none", []string{"X-CSTP-DNS: 127.0.0.1", "X-CSTP-DNS: 0.0.0.0", "X-CSTP-DNS: 10.77.0.1\rnameserver 6.6.6.6", "X-CSTP-DNS-IP6: ::1", "X-CSTP-DNS: 224.0.0.1", "X-CSTP-DNS: 10.77.0.53"}},
		{"times of another world", []string{"X-CSTP-DPD: -5", "X-CSTP-Keepalive: 99999999999999999999", "X-CSTP-Session-Timeout: -1", "X-CSTP-Idle-Timeout: -1", "X-CSTP-Lease-Duration: 9223372036854775807",
			"X-CSTP-Disconnected-Timeout: nan", "X-CSTP-Rekey-Time: -1", "X-CSTP-Rekey-Method: new-tunnel"}},
		{"an MTU of another world", []string{"X-CSTP-MTU: 65535"}},
		{"a banner that is a screen", []string{"X-CSTP-Banner: \x1b[2J\u009b1m\u202eerror: forged"}},
	}
	w := newWorld(t)
	if w == nil {
		return
	}
	a := w.startAgent()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(w.dir, "headers")
	play := func(t *testing.T, lines []string, f func(w *world, r result, cut func())) {
		if err := os.WriteFile(file, []byte(strings.Join(lines, "\r\n")+"\r\n\r\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		child := w.gateway.Command(self, "role", "hostile", "198.51.100.1:443", w.pki.cert, w.pki.key, file)
		in, err := child.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		w := w.in(t)
		w.startReady(child, "ready")
		defer in.Close()
		r := w.cli("pw\n", "connect", "vpn4.lab.example", "--user", account, "--password-stdin", "--ca", w.pki.ca, "--accept-banner", "--no-input", "--timeout", "8s")
		f(w, r, func() { _, _ = io.WriteString(in, "cut\n") })
	}
	for _, c := range refused {
		t.Run(c.name, func(t *testing.T) {
			play(t, c.lines, func(w *world, r result, _ func()) { w.refused(r, r.exit, "GW-003"); noTerminal(t, r) })
		})
	}
	for _, c := range accepted {
		t.Run(c.name, func(t *testing.T) {
			play(t, append(c.lines, sound...), func(w *world, r result, cut func()) {
				noTerminal(t, r)
				if r.exit != 0 {
					t.Fatalf("%+v", r)
				}
				s := w.state()
				if s.MTU < 576 || s.MTU > 1500 {
					t.Errorf("MTU %d", s.MTU)
				}
				b, err := os.ReadFile("/etc/resolv.conf")
				if err != nil || strings.Contains(string(b), "6.6.6.6") || strings.Contains(string(b), "127.0.0.1") || strings.Contains(string(b), "options") {
					t.Errorf("resolv.conf: %v\n%s", err, b)
				}
				cut()
				w.waitState(10*time.Second, "back", func(s ipc.State) bool {
					return s.State == "connected" && s.Reconnects != nil && s.Reconnects.Tunnel+s.Reconnects.Session > 0
				})
				if r := w.cli("", "disconnect"); r.exit != 0 {
					t.Errorf("disconnect: %+v", r)
				}
				w.waitState(5*time.Second, "disconnected", func(s ipc.State) bool { return s.State == "disconnected" })
				w.unchanged("after the tunnel")
			})
		})
	}
	a.stop()
}

// noTerminal fails the test if something was printed that controls a terminal.
func noTerminal(t *testing.T, r result) {
	t.Helper()
	if strings.ContainsAny(r.out+r.stderr, "\x1b\u009b\u202e\a\b") {
		t.Errorf("printed: %q %q", r.out, r.stderr)
	}
}
