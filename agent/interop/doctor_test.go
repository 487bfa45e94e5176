package interop

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/checkup"
)

// speak is the child that listens in the gateway's place and is no gateway: page and portal speak HTTP, mute says nothing, web is a page over TLS,
// onward sends its clients elsewhere over TLS.
func speak(args []string) int {
	l, err := net.Listen("tcp", args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	s := &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if args[0] == "onward" {
			w.Header().Set("Set-Cookie", "webvpncontext=of-another-host; Secure")
			w.Header().Set("Location", args[4])
			w.WriteHeader(http.StatusFound)
		}
		if args[0] == "portal" {
			w.Header().Set("Location", "http://login.hotel.test/?u=1")
			w.WriteHeader(http.StatusFound)
		}
		_, _ = io.WriteString(w, "<html>Welcome</html>")
	})}
	fmt.Println("ready")
	switch args[0] {
	case "mute":
		for {
			if _, err := l.Accept(); err != nil {
				return 1
			}
		}
	case "web", "onward":
		err = s.ServeTLS(l, args[2], args[3])
	default:
		err = s.Serve(l)
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// speaks starts such a child in the gateway's namespace and returns what ends it.
func (w *world) speaks(t *testing.T, args ...string) (end func()) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := w.gateway.Command(self, append([]string{"role", "speak"}, args...)...)
	w.in(t).startReady(cmd, "ready")
	return func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); _ = cmd.Wait() }
}

// dated mints a certificate for the gateway, its own authority, with the given dates.
func (w *world) dated(t *testing.T, name string, from, to time.Time) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(3), NotBefore: from, NotAfter: to, DNSNames: []string{"vpn.lab.example"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(w.dir, name+".pem"), filepath.Join(w.dir, name+".key")
	for path, b := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := tls.LoadX509KeyPair(cert, key); err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// examine runs doctor and checks that it blames that layer alone, on the terminal's lines and in JSON.
func (w *world) examine(exit int, layer, code, target string, more ...string) checkup.Report {
	w.t.Helper()
	args := append([]string{"--json", "doctor", target}, more...)
	res := w.cli("", args...)
	var r checkup.Report
	if err := json.Unmarshal([]byte(res.out), &r); err != nil {
		w.t.Fatalf("%v\n%s%s", err, res.out, res.stderr)
	}
	var crosses []string
	for _, l := range r.Layers {
		if !l.OK && !l.Skipped {
			crosses = append(crosses, l.Layer)
		}
	}
	if res.exit != exit || r.Verdict.Layer != layer || string(r.Verdict.Code) != code || strings.Join(crosses, " ") != layer {
		w.t.Errorf("doctor %s: exit %d, blames %q %q, crosses %v; want %d %q %q\n%s", target, res.exit, r.Verdict.Layer, r.Verdict.Code, crosses, exit, layer, code, res.out)
	}
	w.t.Logf("%s", r.Verdict.Message)
	return r
}

// row finds a layer.
func row(r checkup.Report, layer string) checkup.Layer {
	for _, l := range r.Layers {
		if l.Layer == layer {
			return l
		}
	}
	return checkup.Layer{}
}

// TestDoctor: each layer broken on purpose is the one that is blamed, without an agent.
func TestDoctor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	w.startOcserv(t, ocserv{lines: splitRoutes})
	ca := []string{"--ca", w.pki.ca}
	t.Run("healthy", func(t *testing.T) {
		r := w.in(t).examine(0, "", "", "vpn.lab.example", ca...)
		for _, l := range []string{checkup.Link, checkup.Portal, checkup.DNS, checkup.TCP, checkup.TLS, checkup.Certificate, checkup.Gateway, checkup.MTU, checkup.Clock} {
			if !row(r, l).OK {
				t.Errorf("%+v", row(r, l))
			}
		}
		if u := row(r, checkup.UDP443); !u.Skipped || u.Code != "NET-003" {
			t.Errorf("UDP without DTLS: %+v", u)
		}
		if d := row(r, checkup.DNS).Detail; !strings.Contains(d, "198.51.100.1") || !strings.Contains(d, "2001:db8:100::1") || r.Session {
			t.Errorf("%q, session %v", d, r.Session)
		}
	})
	t.Run("healthy, as nobody", func(t *testing.T) {
		cmd := w.client.Command(filepath.Join(os.Getenv(binEnv), "holdfast"), "doctor", "vpn.lab.example", "--pin", w.pki.pin)
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Run(); err != nil || !strings.Contains(out.String(), "Nothing stands in the way of a login.") {
			t.Errorf("%v\n%s", err, &out)
		}
		t.Logf("\n%s", &out)
	})
	t.Run("no such name", func(t *testing.T) { w.in(t).examine(5, "dns", "NET-001", "nowhere.lab.example", ca...) })
	t.Run("port closed", func(t *testing.T) { w.in(t).examine(5, "tcp", "NET-003", "vpn.lab.example:444", ca...) })
	t.Run("wrong name", func(t *testing.T) { w.in(t).examine(6, "certificate", "TLS-002", "other.lab.example", ca...) })
	t.Run("untrusted", func(t *testing.T) { w.in(t).examine(6, "certificate", "TLS-001", "vpn.lab.example") })
	t.Run("another key", func(t *testing.T) {
		w.in(t).examine(6, "certificate", "TLS-004", "vpn.lab.example", "--pin", "sha256:"+strings.Repeat("00", 32))
	})
	t.Run("port dropped", func(t *testing.T) {
		w.gateway.Run(t, "nft", "add table inet wall; add chain inet wall in { type filter hook input priority 0; }; add rule inet wall in tcp dport 445 drop")
		w.in(t).examine(5, "tcp", "NET-004", "vpn.lab.example:445", ca...)
	})
	t.Run("one family dropped", func(t *testing.T) {
		w.gateway.Run(t, "nft", "add table ip6 wall; add chain ip6 wall in { type filter hook input priority 0; }; add rule ip6 wall in tcp dport 443 drop")
		defer w.gateway.Run(t, "nft", "delete table ip6 wall")
		r := w.in(t).examine(0, "", "", "vpn.lab.example", ca...)
		if d := row(r, checkup.TCP).Detail; !strings.Contains(d, "198.51.100.1 is open; 2001:db8:100::1: the gateway does not answer") {
			t.Error(d)
		}
	})
	t.Run("never speaks", func(t *testing.T) {
		defer w.speaks(t, "mute", ":4441")()
		w.in(t).examine(5, "tls", "NET-004", "vpn.lab.example:4441", ca...)
	})
	t.Run("no TLS", func(t *testing.T) {
		defer w.speaks(t, "page", ":4442")()
		w.in(t).examine(5, "tls", "TLS-005", "vpn.lab.example:4442", ca...)
	})
	t.Run("captive portal", func(t *testing.T) {
		defer w.speaks(t, "page", ":4442")()
		defer w.speaks(t, "portal", ":80")()
		w.in(t).examine(5, "captive-portal", "NET-007", "vpn.lab.example:4442", ca...)
		w.in(t).examine(0, "", "", "vpn.lab.example", ca...) // the gateway proves itself, whatever its port 80 says
	})
	t.Run("a web server", func(t *testing.T) {
		defer w.speaks(t, "web", ":4443", w.pki.cert, w.pki.key)()
		w.in(t).examine(5, "gateway", "NET-009", "vpn.lab.example:4443", ca...)
	})
	t.Run("expired", func(t *testing.T) {
		cert, key := w.dated(t, "expired", time.Now().AddDate(0, 0, -9), time.Now().AddDate(0, 0, -1))
		defer w.speaks(t, "web", ":4444", cert, key)()
		w.in(t).examine(6, "certificate", "TLS-003", "vpn.lab.example:4444", "--ca", cert)
		defer w.speaks(t, "page", ":80")() // tells the same time as this machine
		w.in(t).examine(6, "certificate", "TLS-003", "vpn.lab.example:4444", "--ca", cert)
	})
	t.Run("this machine's clock", func(t *testing.T) {
		cert, key := w.dated(t, "future", time.Now().AddDate(0, 0, 1), time.Now().AddDate(0, 0, 9))
		defer w.speaks(t, "web", ":4445", cert, key)()
		w.in(t).examine(6, "clock", "HOST-009", "vpn.lab.example:4445", "--ca", cert)
	})
	t.Run("large packets vanish", func(t *testing.T) {
		w.router.Run(t, "nft", "add table inet mute; add chain inet mute out { type filter hook output priority 0; }; "+
			"add rule inet mute out icmp type destination-unreachable drop; add rule inet mute out icmpv6 type packet-too-big drop")
		w.ip(w.router, "link set net0 mtu 1280")
		defer w.ip(w.router, "link set net0 mtu 1500")
		w.in(t).examine(5, "mtu", "NET-015", "vpn.lab.example", ca...)
	})
	t.Run("no name server", func(t *testing.T) {
		before, err := os.ReadFile("/etc/resolv.conf")
		if err != nil {
			t.Fatal(err)
		}
		defer w.client.SetResolv(string(before))
		w.client.SetResolv("nameserver 198.51.100.1\n")
		w.in(t).examine(5, "dns", "NET-004", "vpn.lab.example", ca...)
	})
	t.Run("name server drops", func(t *testing.T) {
		w.router.Run(t, "nft", "add table inet deaf; add chain inet deaf in { type filter hook input priority 0; }; add rule inet deaf in meta l4proto { tcp, udp } th dport 53 drop")
		defer w.router.Run(t, "nft", "delete table inet deaf")
		w.in(t).examine(5, "dns", "NET-004", "vpn.lab.example", ca...)
	})
	w.unchanged("after doctor")
	t.Run("no default route", func(t *testing.T) {
		w.ip(w.client, "route del default via 192.0.2.1", "route del default via 2001:db8:1::1")
		w.in(t).examine(5, "link", "NET-002", "vpn.lab.example", ca...)
	})
	t.Run("no link", func(t *testing.T) {
		w.ip(w.client, "link set wan0 down")
		w.in(t).examine(5, "link", "NET-013", "vpn.lab.example", ca...)
	})
}

// TestDoctorBesideASession: it says so, and root sees the outside names.
func TestDoctorBesideASession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	w.startOcserv(t, ocserv{dtls: true, lines: splitRoutes})
	w.startAgent()
	w.connect("vpn.lab.example")
	r := w.cli("", "doctor", "vpn.lab.example", "--ca", w.pki.ca)
	t.Logf("\n%s%s", r.out, r.stderr)
	rep := w.cli("", "--json", "doctor", "vpn.lab.example", "--ca", w.pki.ca)
	if r.exit != 0 || !strings.Contains(r.stderr, "note: a session is up") || !strings.Contains(rep.out, `"session":true`) {
		t.Errorf("%+v\n%+v", r, rep)
	}
}
