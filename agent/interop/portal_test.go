package interop

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

const (
	hotelAddr = "10.7.0.1"
	hotelDNS  = "\naddress=/#/" + hotelAddr + "\n"
)

// visitor is what the portal knows of one connection.
type visitor struct {
	Port   int    `json:"port"`
	Plain  string `json:"plain"`  // what came on port 80
	Shook  bool   `json:"shook"`  // the TLS handshake was completed
	Inside int    `json:"inside"` // bytes that came inside TLS
}

// reception is the child that plays a hotel's portal on port 80 and 443 of ADDR: a redirect to its sign-in page, the same page over TLS with a certificate of its own.
// It writes a line for each visitor into FILE.
func reception(args []string) int {
	book, err := os.Create(args[1])
	if err != nil {
		return 1
	}
	cert, err := hotelCertificate()
	if err != nil {
		return 1
	}
	var mu sync.Mutex
	note := func(g visitor) {
		mu.Lock()
		defer mu.Unlock()
		_ = json.NewEncoder(book).Encode(g)
	}
	answer := "HTTP/1.1 302 Found\r\nLocation: http://login.hotel.test/?u=1\r\nContent-Type: text/html\r\nContent-Length: 20\r\nConnection: close\r\n\r\n<html>Welcome</html>"
	hosts := map[int]func(net.Conn){
		80: func(c net.Conn) {
			b := make([]byte, 4096)
			n, _ := c.Read(b)
			note(visitor{Port: 80, Plain: string(b[:n])})
			_, _ = io.WriteString(c, answer)
		},
		443: func(c net.Conn) {
			s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}})
			g := visitor{Port: 443, Shook: s.Handshake() == nil}
			if g.Shook {
				b := make([]byte, 4096)
				g.Inside, _ = s.Read(b)
				_, _ = io.WriteString(s, answer)
			}
			note(g)
		},
	}
	failed := make(chan error, len(hosts))
	for port, host := range hosts {
		l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", args[0], port))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					failed <- err
					return
				}
				go func() {
					defer c.Close()
					_ = c.SetDeadline(time.Now().Add(10 * time.Second))
					host(c)
				}()
			}
		}()
	}
	fmt.Println("ready")
	<-failed
	return 1
}

// hotelCertificate is one that nobody trusts.
func hotelCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(7), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"login.hotel.test"}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// hotel is a second network of the client's, whose router stands between it and the gateway.
type hotel struct {
	w      *world
	router *testenv.NS
	book   string
}

// newHotel makes the network; the client is not on it yet.
func (w *world) newHotel() *hotel {
	w.t.Helper()
	h := &hotel{w: w, router: testenv.NewNS(w.t, "hotel"), book: filepath.Join(w.dir, "guests")}
	testenv.Veth(w.t, w.client, "wlan0", h.router, "lan0")
	testenv.Veth(w.t, h.router, "net1", w.gateway, "net1")
	w.ip(h.router, "addr add "+hotelAddr+"/24 dev lan0", "addr add 203.0.113.2/24 dev net1", "route add 198.51.100.0/24 via 203.0.113.1")
	w.ip(w.gateway, "addr add 203.0.113.1/24 dev net1")
	w.ip(w.client, "link set wlan0 down")
	w.ip(w.router, "route add 203.0.113.0/24 via 198.51.100.1")
	h.router.Sysctl(w.t, "ipv4.ip_forward", "1")
	h.router.Run(w.t, "nft", "add table ip hotel; add chain ip hotel post { type nat hook postrouting priority 100; }; add rule ip hotel post oifname net1 masquerade; "+
		"add chain ip hotel pre { type nat hook prerouting priority -100; }; add chain ip hotel forward { type filter hook forward priority 0; }")
	w.dnsmasq(h.router, "hotel", hotelAddr, hotelDNS)
	self, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	w.startReady(h.router.Command(self, "role", "reception", hotelAddr, h.book), "ready")
	return h
}

// wall lets nothing out, and answers the ports itself that are named.
func (h *hotel) wall(ports string) {
	h.w.t.Helper()
	rules := "add rule ip hotel forward iifname lan0 drop"
	if ports != "" {
		rules += "; add rule ip hotel pre iifname lan0 tcp dport { " + ports + " } dnat to " + hotelAddr
	}
	h.router.Run(h.w.t, "nft", rules)
}

// letGo is somebody who has signed in.
func (h *hotel) letGo() {
	h.w.t.Helper()
	h.router.Run(h.w.t, "nft", "flush chain ip hotel pre; flush chain ip hotel forward")
}

// moveIn takes the client from its own network to the hotel's.
func (h *hotel) moveIn() {
	h.w.t.Helper()
	h.w.client.Run(h.w.t, "ip", "link", "set", "wan0", "down")
	h.w.client.Run(h.w.t, "ip", "link", "set", "wlan0", "up")
	h.w.ip(h.w.client, "addr add 10.7.0.9/24 dev wlan0", "route add default via "+hotelAddr+" dev wlan0")
}

// guests reads the portal's book, and fails the test where a visitor said more than he should have.
func (h *hotel) guests() []visitor {
	h.w.t.Helper()
	b, err := os.ReadFile(h.book)
	if err != nil {
		h.w.t.Fatal(err)
	}
	var all []visitor
	for d := json.NewDecoder(bytes.NewReader(b)); ; {
		var g visitor
		if err := d.Decode(&g); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			h.w.t.Fatal(err)
		}
		all = append(all, g)
		switch {
		case g.Port == 443 && (g.Shook || g.Inside > 0):
			h.w.t.Errorf("the portal's certificate was believed, and %d bytes were sent", g.Inside)
		case g.Port == 80 && g.Plain != "" && (!strings.HasPrefix(g.Plain, "GET / HTTP/1.1\r\nHost: vpn4.lab.example\r\n") || strings.Contains(strings.ToLower(g.Plain), "cookie")):
			h.w.t.Errorf("the portal was told %q", g.Plain)
		}
	}
	return all
}

// logins counts how often the agent began one.
func (w *world) logins() int {
	w.t.Helper()
	n := 0
	for line := range strings.Lines(w.cli("", "--json", "timeline").out) {
		n += strings.Count(line, `"start-attempt"`)
	}
	return n
}

// TestCaptivePortal: a session moves to a network that wants a sign-in. The portal is named, with what answered; nothing is asked and no token is sent; the
// session goes on when the portal lets go.
func TestCaptivePortal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		ports    string // that the portal answers itself
		evidence string // in the timeline
	}{
		{"80 and 443 are answered", "80, 443", "198.51.100.1: port 80 sends us to login.hotel.test"},
		{"443 goes nowhere", "80", "198.51.100.1: port 80 sends us to login.hotel.test"},
		{"names alone are answered", "", "the name server gives " + hotelAddr + " for the gateway; " + hotelAddr + ": port 80 sends us to login.hotel.test"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if w == nil {
				return
			}
			h := w.newHotel()
			h.wall(c.ports)
			w.startOcserv(t, ocserv{lines: splitRoutes})
			a := w.startAgent()
			w.connect("vpn4.lab.example")
			was := w.state()
			h.moveIn()
			if c.ports == "" { // as the client of DHCP would: the only way to the portal is the name server's lie
				w.client.SetResolv("nameserver " + hotelAddr + "\n")
			}
			s := w.waitState(20*time.Second, "at the portal", func(s ipc.State) bool { return s.CaptivePortal != nil && *s.CaptivePortal })
			if s.State != "reconnecting" || s.Prompt != nil || s.Error == nil || s.Error.Code != "NET-007" || !strings.Contains(s.Error.Message, "login.hotel.test") {
				t.Errorf("%s, prompt %v, error %+v", s.State, s.Prompt, s.Error)
			}
			if r := w.cli("", "state"); !strings.Contains(r.out, "asks for a sign-in in a browser") {
				t.Errorf("state:\n%s", r.out)
			}
			if r := w.cli("", "timeline"); !strings.Contains(r.out, c.evidence) {
				t.Errorf("the timeline does not tell what answered:\n%s", r.out)
			}
			time.Sleep(3 * time.Second) // some tries
			h.letGo()
			began := time.Now()
			is := w.waitState(15*time.Second, "back", func(s ipc.State) bool { return s.State == "connected" && !s.Probing })
			t.Logf("back %v after the portal let go", time.Since(began).Round(10*time.Millisecond))
			if is.CaptivePortal != nil && *is.CaptivePortal || strings.Join(is.Addresses, " ") != strings.Join(was.Addresses, " ") || is.Prompt != nil {
				t.Errorf("portal %v, addresses %v then %v, prompt %v", is.CaptivePortal, was.Addresses, is.Addresses, is.Prompt)
			}
			if n := w.logins(); n != 1 {
				t.Errorf("%d logins", n)
			}
			w.reachesInside()
			if len(h.guests()) == 0 {
				t.Error("the portal saw nobody")
			}
			_ = a.cmd.Process.Signal(syscall.SIGTERM)
			_ = a.cmd.Wait()
		})
	}
}

// TestConnectBehindAPortal: connect names the portal instead of a certificate, at once after the sign-in it works, and a profile can turn the look off.
func TestConnectBehindAPortal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	h := w.newHotel()
	h.wall("80, 443")
	w.startOcserv(t, ocserv{lines: splitRoutes})
	h.moveIn()
	w.client.SetResolv("nameserver " + hotelAddr + "\n")
	w.startAgent()
	args := []string{"connect", "vpn4.lab.example", "--user", account, "--group", "staff", "--password-stdin", "--ca", w.pki.ca, "--accept-banner", "--no-input"}
	r := w.cli(password+"\n", args...)
	if r.exit != 5 || !strings.Contains(r.stderr, "(NET-007)") || !strings.Contains(r.stderr, "login.hotel.test") || !strings.Contains(r.stderr, "hint: open any web page") {
		t.Errorf("connect: %+v", r)
	}
	if s := w.state(); s.State != "disconnected" || s.CaptivePortal == nil || !*s.CaptivePortal {
		t.Errorf("%s, portal %v", s.State, s.CaptivePortal)
	}
	w.examine(5, "captive-portal", "NET-007", "vpn4.lab.example", "--ca", w.pki.ca)
	before := len(h.guests())

	if r := w.cli("", "preferences", "set", "DisableCaptivePortalDetection", "true"); r.exit != 0 {
		t.Fatalf("preferences: %+v", r)
	}
	if r := w.cli(password+"\n", args...); r.exit != 6 || strings.Contains(r.stderr, "NET-007") {
		t.Errorf("connect without the look: %+v", r)
	}
	for _, g := range h.guests()[before:] {
		if g.Port == 80 {
			t.Errorf("the portal was asked all the same: %+v", g)
		}
	}
	h.letGo()
	w.client.SetResolv("nameserver 198.51.100.2\n")
	w.connect("vpn4.lab.example")
	w.reachesInside()
}
