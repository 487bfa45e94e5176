package interop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// passphrase is that of the test account's key files.
const passphrase = "canary-passphrase-6f1ed0"

// clientFiles are a client certificate for the test account, its key in the clear and under the passphrase, and both in one PKCS#12 file under it.
type clientFiles struct {
	cert, key, locked, p12 string
	secret                 []byte // the key in PKCS#8
}

// client mints a client certificate; by is its issuer, nil for the lab's own.
func (p pki) client(t *testing.T, name string, key crypto.Signer, by *pki) clientFiles {
	t.Helper()
	testenv.Require(t, "openssl")
	if by == nil {
		by = &p
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	uid := pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 1}, Value: account}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: "Alice of the lab", ExtraNames: []pkix.AttributeTypeAndValue{uid}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, KeyUsage: x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, leaf, by.caCert, key.Public(), by.caKey)
	must(err)
	f := clientFiles{}
	f.secret, err = x509.MarshalPKCS8PrivateKey(key)
	must(err)
	at := func(end string) string { return filepath.Join(p.dir, name+end) }
	f.cert, f.key, f.locked, f.p12 = at(".pem"), at(".key"), at(".locked.key"), at(".p12")
	must(os.WriteFile(f.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	must(os.WriteFile(f.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: f.secret}), 0o600))
	openssl := func(args ...string) {
		t.Helper()
		cmd := exec.Command("openssl", args...)
		cmd.Env = append(os.Environ(), "PASS="+passphrase)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("openssl %v: %v\n%s", args, err, out)
		}
	}
	openssl("pkcs8", "-topk8", "-in", f.key, "-out", f.locked, "-passout", "env:PASS")
	openssl("pkcs12", "-export", "-in", f.cert, "-inkey", f.key, "-certfile", p.ca, "-out", f.p12, "-passout", "env:PASS")
	return f
}

func ecKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func rsaKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// certifying is a gateway that asks for a client certificate, and for a password too unless it is to be alone. With strict it asks on every connection, also of a
// session that comes back; else only a login needs it.
func (w *world) certifying(alone, strict bool, lines ...string) ocserv {
	o := ocserv{bare: true, lines: append([]string{"ca-cert = " + w.pki.ca, "cert-user-oid = 0.9.2342.19200300.100.1.1", fmt.Sprint("cisco-client-compat = ", !strict)}, splitRoutes...)}
	if alone {
		o.auth = "certificate"
	} else {
		o.lines = append(o.lines, `auth = "certificate"`)
	}
	o.lines = append(o.lines, lines...)
	return o
}

// login connects with these flags and fails the test unless it succeeds.
func (w *world) login(g *gatewayProcess, stdin string, args ...string) {
	w.t.Helper()
	r := w.cli(stdin, append([]string{"connect", "vpn.lab.example", "--ca", w.pki.ca, "--no-input", "--timeout", "10s"}, args...)...)
	if r.exit != 0 {
		log, _ := os.ReadFile(g.log)
		w.t.Fatalf("connect: %+v\n%s", r, log)
	}
}

// TestCertificate logs in by certificate alone: every kind of file, both kinds of key, both versions of TLS.
func TestCertificate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		version string
		strict  bool
		lines   []string
	}{
		{"TLS 1.3", true, nil},
		{"TLS 1.2", false, []string{tls12}},
	} {
		t.Run(c.version, func(t *testing.T) {
			w := newWorld(t)
			if w == nil {
				return
			}
			g := w.startOcserv(t, w.certifying(true, c.strict, c.lines...))
			a := w.startAgent()
			ec, rs := w.pki.client(t, "ec", ecKey(t), nil), w.pki.client(t, "rsa", rsaKey(t), nil)
			for _, f := range []struct {
				name  string
				stdin string
				args  []string
			}{
				{"PEM, ECDSA", "", []string{"--cert", ec.cert, "--key", ec.key}},
				{"PEM, RSA", "", []string{"--cert", rs.cert, "--key", rs.key}},
				{"PEM under a passphrase", "key=" + passphrase + "\n", []string{"--cert", rs.cert, "--key", rs.locked, "--answers-stdin"}},
				{"PKCS#12", "pkcs12=" + passphrase + "\n", []string{"--pkcs12", ec.p12, "--answers-stdin"}},
			} {
				t.Run(f.name, func(t *testing.T) {
					w := w.in(t)
					w.login(g, f.stdin, f.args...)
					if s := w.state(); !strings.HasPrefix(s.Cipher, c.version) || s.Prompt != nil {
						t.Errorf("cipher %s, prompt %v", s.Cipher, s.Prompt)
					}
					w.reachesInside()
					if r := w.cli("", "disconnect"); r.exit != 0 {
						t.Errorf("disconnect: %+v", r)
					}
				})
			}
			a.stop()
		})
	}
}

// TestCertificateAndPassword: both are needed; the certificate proposes the user name.
func TestCertificateAndPassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	g := w.startOcserv(t, w.certifying(false, false))
	a := w.startAgent()
	c := w.pki.client(t, "alice", ecKey(t), nil)
	files := []string{"--cert", c.cert, "--key", c.key}
	w.login(g, password+"\n", append(files, "--password-stdin")...)
	if s := w.state(); s.User != account {
		t.Errorf("the user is %q", s.User)
	}
	w.reachesInside()
	if r := w.cli("", "disconnect"); r.exit != 0 {
		t.Errorf("disconnect: %+v", r)
	}
	args := append([]string{"connect", "vpn.lab.example", "--ca", w.pki.ca, "--no-input", "--timeout", "6s", "--password-stdin"}, files...)
	w.refused(w.cli("not it\n", args...), 4, "AUTH-001")
	a.stop()
}

// TestCertificateRefusals: each has its code, and leaves the host unchanged.
func TestCertificateRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		alone, strict bool
		lines         []string
	}{
		{"on every connection, TLS 1.3", true, true, nil},
		{"on every connection, TLS 1.2", true, true, []string{tls12}},
		{"for the login", true, false, nil},
		{"and password", false, false, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			if w == nil {
				return
			}
			w.startOcserv(t, w.certifying(c.alone, c.strict, c.lines...))
			w.startAgent()
			good := w.pki.client(t, "good", ecKey(t), nil)
			other := newPKI(t, t.TempDir(), nil, nil)
			wrong := w.pki.client(t, "wrong", ecKey(t), &other)
			connect := func(stdin string, more ...string) result {
				return w.cli(stdin, append([]string{"connect", "vpn.lab.example", "--ca", w.pki.ca, "--user", account, "--answers-stdin", "--no-input", "--timeout", "6s"}, more...)...)
			}
			pass := "password=" + password + "\n"
			t.Run("none given", func(t *testing.T) { w.in(t).refused(connect(pass), 4, "AUTH-009") })
			t.Run("another authority's", func(t *testing.T) {
				w.in(t).refused(connect(pass, "--cert", wrong.cert, "--key", wrong.key), 4, "AUTH-010")
			})
			t.Run("another key", func(t *testing.T) {
				w.in(t).refused(connect("", "--cert", good.cert, "--key", wrong.key), 2, "AUTH-012")
			})
			t.Run("wrong passphrase", func(t *testing.T) {
				w.in(t).refused(connect("pkcs12=no\n", "--pkcs12", good.p12), 4, "AUTH-013")
				w.in(t).refused(connect("key=no\n", "--cert", good.cert, "--key", good.locked), 4, "AUTH-013")
			})
			t.Run("nobody to give the passphrase", func(t *testing.T) {
				w.in(t).refused(connect("", "--pkcs12", good.p12), 10, "AUTH-002")
			})
			t.Run("no certificate at all", func(t *testing.T) {
				w.in(t).refused(connect("", "--cert", good.key, "--key", good.key), 2, "AUTH-011")
				w.in(t).refused(connect("", "--pkcs12", good.key), 2, "AUTH-011")
			})
		})
	}
}

// TestCertificateSessionComesBack: the process with the key has gone. A gateway that asks for the certificate at login only has its session back by the token
// alone; one that insists has it back once the user gives the certificate again, without a new login.
func TestCertificateSessionComesBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		strict bool
		lines  []string
	}{
		{"for the login", false, nil},
		{"on every connection, TLS 1.3", true, nil},
		{"on every connection, TLS 1.2", true, []string{tls12}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			if w == nil {
				return
			}
			g := w.startOcserv(t, w.certifying(true, c.strict, c.lines...))
			a := w.startAgent()
			f := w.pki.client(t, "alice", ecKey(t), nil)
			files := []string{"--cert", f.cert, "--key", f.key}
			w.login(g, "", files...)
			was := w.state()
			g.killWorkers(t)
			if c.strict {
				w.waitState(10*time.Second, "reconnecting", func(s ipc.State) bool {
					return s.State == "reconnecting" && s.Error != nil && s.Error.Code == "AUTH-009"
				})
				w.login(g, "", files...)
			}
			now := w.waitState(10*time.Second, "back", func(s ipc.State) bool {
				return s.State == "connected" && s.Reconnects != nil && s.Reconnects.Tunnel+s.Reconnects.Session > 0
			})
			if fmt.Sprint(now.Addresses) != fmt.Sprint(was.Addresses) || now.Session.Started.Sub(was.Session.Started).Abs() > 100*time.Millisecond {
				t.Errorf("another session: %+v, was %+v", now, was)
			}
			w.reachesInside()
			a.stop()
		})
	}
}

// tap passes on what clients say to the agent and keeps all of it.
func (w *world) tap() (socket string, heard func() string) {
	w.t.Helper()
	socket = filepath.Join(w.dir, "tap.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = l.Close() })
	var mu sync.Mutex
	var all strings.Builder
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("unix", filepath.Join(w.runtimeDir(), "agent.sock"))
			if err != nil {
				_ = near.Close()
				continue
			}
			go func() {
				_, _ = io.Copy(near, far)
				_ = near.Close()
			}()
			go func() {
				defer far.Close()
				buf := make([]byte, 64<<10)
				for {
					n, err := near.Read(buf)
					mu.Lock()
					all.Write(buf[:n])
					mu.Unlock()
					if err != nil {
						return
					}
					if _, err := far.Write(buf[:n]); err != nil {
						return
					}
				}
			}()
		}
	}()
	return socket, func() string {
		mu.Lock()
		defer mu.Unlock()
		return all.String()
	}
}

// TestCertificateCanaries: neither the private key nor its passphrase goes over the socket, or into the log, the state, the agent's memory as a dump shows it, or
// any output.
func TestCertificateCanaries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	g := w.startOcserv(t, w.certifying(true, false))
	a := w.startAgent()
	key := ecKey(t)
	f := w.pki.client(t, "alice", key, nil)
	socket, heard := w.tap()
	var seen strings.Builder
	for _, c := range []struct {
		stdin string
		exit  int
		args  []string
	}{
		{"", 0, []string{"--cert", f.cert, "--key", f.key}},
		{"key=" + passphrase + "\n", 0, []string{"--cert", f.cert, "--key", f.locked, "--answers-stdin"}},
		{"pkcs12=" + passphrase + "\n", 0, []string{"--pkcs12", f.p12, "--answers-stdin"}},
		{"pkcs12=" + passphrase + "x\n", 4, []string{"--pkcs12", f.p12, "--answers-stdin"}},
		{"", 2, []string{"--ca", f.key}},
	} {
		r := w.cli(c.stdin, append([]string{"--socket", socket, "connect", "vpn.lab.example", "--ca", w.pki.ca, "--no-input"}, c.args...)...)
		seen.WriteString(r.out + r.stderr)
		if r.exit != c.exit {
			log, _ := os.ReadFile(g.log)
			t.Fatalf("%v: %+v\n%s", c.args, r, log)
		}
		for _, args := range [][]string{{"--json", "state"}, {"--json", "timeline"}, {"state", "--why"}, {"disconnect"}} {
			r := w.cli("", args...)
			seen.WriteString(r.out + r.stderr)
		}
	}
	seen.WriteString(heard())
	for _, dir := range []string{w.stateDir(), w.runtimeDir()} {
		_ = walk(dir, func(b []byte) { seen.Write(b) })
	}
	_ = a.cmd.Process.Signal(syscall.SIGQUIT)
	_ = a.cmd.Wait()
	seen.WriteString(a.log.String())

	secret := key.D.FillBytes(make([]byte, 32)) //nolint:staticcheck // the number itself is what must not be seen
	canaries := map[string]string{
		"the passphrase": passphrase, "the key": string(secret), "the key in hex": hex.EncodeToString(secret), "the file of the key": string(f.secret),
		"the key as a number": key.D.String(), //nolint:staticcheck // as above
	}
	for i := range 3 { // base64 wherever the key begins in it
		text := base64.StdEncoding.EncodeToString(append(make([]byte, i), secret...))
		canaries[fmt.Sprint("the key in base64, ", i)] = text[4 : len(text)-8]
	}
	pemKey, err := os.ReadFile(f.key)
	if err != nil {
		t.Fatal(err)
	}
	canaries["the file of the key in PEM"] = strings.Split(string(pemKey), "\n")[1]
	for what, c := range canaries {
		if i := strings.Index(seen.String(), c); i >= 0 {
			t.Errorf("%s is in: …%q", what, seen.String()[max(0, i-200):i])
		}
	}
	if !strings.Contains(seen.String(), "goroutine 1 ") || !strings.Contains(heard(), `"signature"`) || !strings.Contains(heard(), "BEGIN CERTIFICATE") {
		t.Error("what was looked through has neither the dump nor the login: this test missed its mark")
	}
}
