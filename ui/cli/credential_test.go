package cli

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/ui/credential"
)

// loginContent is what a TLS 1.3 client signs.
var loginContent = []byte(strings.Repeat(" ", 64) + "TLS 1.3, client CertificateVerify\x00" + strings.Repeat("h", 32))

// keyFiles are a certificate with its key, in every form.
type keyFiles struct {
	cert, key, both, p12 string
	leaf                 *x509.Certificate
	secret               *ecdsa.PrivateKey
}

func newKeyFiles(t *testing.T) keyFiles {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		must(os.WriteFile(path, data, 0o600))
		return path
	}
	var f keyFiles
	var err error
	f.secret, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	tpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "alice"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, f.secret.Public(), f.secret)
	must(err)
	f.leaf, err = x509.ParseCertificate(der)
	must(err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(f.secret)
	must(err)
	p12, err := pkcs12.Modern.Encode(f.secret, f.leaf, nil, "secret passphrase")
	must(err)
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	f.cert, f.key, f.both, f.p12 = write("cert.pem", cert), write("key.pem", key), write("both.pem", append(key, cert...)), write("alice.p12", p12)
	return f
}

// sign asks for a signature of a certificate.
func sign(cert *x509.Certificate, content []byte) step {
	sum := sha256.Sum256(cert.Raw)
	return step{ask: &ipc.Prompt{Kind: "sign", Fields: []ipc.Field{{Name: "signature", Type: "text"}},
		Sign: &ipc.Sign{Certificate: hex.EncodeToString(sum[:]), Scheme: "ecdsa-sha256", Content: content}}}
}

// TestCredentials: every form of file signs, the agent gets the certificate and nothing else, and only a login with this certificate is signed.
func TestCredentials(t *testing.T) {
	f, other := newKeyFiles(t), newKeyFiles(t)
	good := sign(f.leaf, loginContent)
	for _, tc := range []struct {
		name   string
		args   []string
		stdin  string
		who    *person
		steps  []step
		exit   int
		stderr string
	}{
		{name: "PEM", args: []string{"--cert", f.cert, "--key", f.key}, steps: []step{good, connected}},
		{name: "both in one PEM file", args: []string{"--cert", f.both}, steps: []step{good, connected}},
		{name: "PKCS#12, from standard input", args: []string{"--pkcs12", f.p12, "--answers-stdin"}, stdin: "pkcs12=secret passphrase\n", steps: []step{good, connected}},
		{name: "PKCS#12, a person", args: []string{"--pkcs12", f.p12}, who: &person{replies: []string{"secret passphrase"}}, steps: []step{good, connected}},
		{name: "twice, for two connections", args: []string{"--cert", f.both}, steps: []step{good, good, connected}},
		{name: "PKCS#12, a person who slips", args: []string{"--pkcs12", f.p12}, who: &person{replies: []string{"no"}}, exit: 4, stderr: "(AUTH-013)"},
		{name: "PKCS#12 and nobody to ask", args: []string{"--pkcs12", f.p12}, exit: 10, stderr: "hint: give it as a line pkcs12=PASSPHRASE"},
		{name: "PKCS#12, standard input ends", args: []string{"--pkcs12", f.p12}, who: &person{replies: []string{"EOF"}}, exit: 10},
		{name: "another key", args: []string{"--cert", f.cert, "--key", other.key}, exit: 2, stderr: "(AUTH-012)"},
		{name: "no key in the file", args: []string{"--cert", f.cert}, exit: 2, stderr: "hint: the file was "},
		{name: "no such file", args: []string{"--cert", f.cert + "x"}, exit: 2, stderr: "--cert: open"},
		{name: "a key without a certificate", args: []string{"--key", f.key}, exit: 2, stderr: "--key needs --cert"},
		{name: "two kinds at once", args: []string{"--pkcs12", f.p12, "--cert", f.cert}, exit: 2, stderr: "--pkcs12 stands for both"},
		{name: "a passphrase on the command line", args: []string{"--pkcs12", f.p12, "--answer", "pkcs12=x"}, exit: 2, stderr: "must not carry pkcs12"},
		{name: "a passphrase of the key on the command line", args: []string{"--cert", f.both, "--answer", "key=x"}, exit: 2, stderr: "must not carry key"},
		{name: "something that is no login", args: []string{"--cert", f.both}, steps: []step{sign(f.leaf, []byte("I owe you 100 pounds."))}, exit: 1, stderr: "(AGENT-003)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := &backend{steps: tc.steps}
			r := play(t, t.Context(), b, tc.who, tc.stdin, append([]string{"connect", "vpn.example.com"}, tc.args...)...)
			if r.exit != tc.exit || !strings.Contains(r.err, tc.stderr) {
				t.Fatalf("exit %d, want %d and %q\n%s", r.exit, tc.exit, tc.stderr, r.err)
			}
			for _, q := range b.requests {
				block, rest := pem.Decode([]byte(q.CertPEM))
				if block == nil || block.Type != "CERTIFICATE" || len(rest) > 0 || strings.Contains(q.CertPEM, "PRIVATE") {
					t.Errorf("the agent got %s", q.CertPEM)
				}
			}
			if tc.exit != 0 {
				if len(b.answers) > 0 {
					t.Errorf("answers %q", b.answers)
				}
				return
			}
			if len(b.requests) != 1 || len(b.answers) != len(tc.steps)-1 {
				t.Fatalf("requests %v, answers %q", b.requests, b.answers)
			}
			for _, a := range b.answers {
				text, _ := strings.CutPrefix(a, "signature=")
				sig, err := base64.StdEncoding.DecodeString(text)
				digest := sha256.Sum256(loginContent)
				if err != nil || !ecdsa.VerifyASN1(&f.secret.PublicKey, digest[:], sig) {
					t.Errorf("the signature %q is not good", a)
				}
			}
		})
	}
}

// TestSignatureOfAnother: a process without that key leaves the question to the one that has it.
func TestSignatureOfAnother(t *testing.T) {
	f, other := newKeyFiles(t), newKeyFiles(t)
	file, err := os.ReadFile(other.both)
	if err != nil {
		t.Fatal(err)
	}
	another, err := credential.ParsePEM(file, bytes.Clone(file), nil)
	if err != nil {
		t.Fatal(err)
	}
	p := sign(f.leaf, loginContent).ask
	for name, c := range map[string]*credential.Credential{"no certificate": nil, "another certificate": another} {
		a := &attempt{handled: map[string]bool{}, credential: c} // with no agent to answer: an answer would be a panic
		if err := a.sign(t.Context(), p); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
