package credential

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
)

// pass is the passphrase of everything in testdata, and of what tests make.
const pass = "canary-passphrase"

// certificate is one for a key, signed by itself.
func certificate(t testing.TB, key crypto.Signer) *x509.Certificate {
	t.Helper()
	tpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "alice"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func ecKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func rsaKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func pkcs8(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// says answers the question for a passphrase and counts it.
func says(text string, asked *int) Ask {
	return func() (redact.Secret, error) { *asked++; return redact.NewString(text), nil }
}

// wantFault checks the code, and that neither the passphrase nor a key is in the error.
func wantFault(t *testing.T, err error, code fault.Code) {
	t.Helper()
	f := fault.As(err)
	if err == nil || f.Code != code {
		t.Fatalf("%v, want %s", err, code)
	}
	if text := fmt.Sprintf("%v %+v %#v %s", err, f, f, f.AllHints()); strings.Contains(text, "canary") || strings.Contains(text, "PRIVATE") {
		t.Errorf("a secret is in the error: %s", text)
	}
}

func TestParsePEM(t *testing.T) {
	ec, other := ecKey(t), ecKey(t)
	leaf, above := certificate(t, ec), certificate(t, other)
	sec1, err := x509.MarshalECPrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	rs := rsaKey(t)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := pemOf("CERTIFICATE", leaf.Raw)
	key := pemOf("PRIVATE KEY", pkcs8(t, ec))
	old := &pem.Block{Type: "EC PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00"}, Bytes: []byte("x")}
	for name, tc := range map[string]struct {
		certs, key []byte
		code       fault.Code
	}{
		"PKCS#8":                       {cert, key, ""},
		"SEC 1, parameters before it":  {cert, append(pemOf("EC PARAMETERS", []byte{6, 0}), pemOf("EC PRIVATE KEY", sec1)...), ""},
		"PKCS#1":                       {pemOf("CERTIFICATE", certificate(t, rs).Raw), pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rs)), ""},
		"Ed25519":                      {pemOf("CERTIFICATE", certificate(t, ed).Raw), pemOf("PRIVATE KEY", pkcs8(t, ed)), ""},
		"the key among certificates":   {append(bytes.Clone(key), cert...), append(bytes.Clone(cert), key...), ""},
		"the certificate after others": {append(pemOf("CERTIFICATE", above.Raw), cert...), key, ""},
		"another key":                  {cert, pemOf("PRIVATE KEY", pkcs8(t, other)), fault.AuthCertKey},
		"no certificate":               {key, key, fault.AuthCertFile},
		"no key":                       {cert, cert, fault.AuthCertFile},
		"no PEM":                       {[]byte("hello"), key, fault.AuthCertFile},
		"a broken certificate":         {pemOf("CERTIFICATE", []byte("x")), key, fault.AuthCertFile},
		"a broken key":                 {cert, pemOf("PRIVATE KEY", []byte("x")), fault.AuthCertFile},
		"too many certificates":        {bytes.Repeat(cert, 17), key, fault.AuthCertFile},
		"a weak old encryption":        {cert, pem.EncodeToMemory(old), fault.AuthCertFile},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			file := bytes.Clone(tc.key)
			c, err := ParsePEM(tc.certs, file, says(pass, &asked))
			if asked != 0 {
				t.Error("a passphrase was asked for")
			}
			if len(bytes.Trim(file, "\x00")) > 0 {
				t.Error("the key's file is still in memory")
			}
			if tc.code != "" {
				wantFault(t, err, tc.code)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if text := c.PEM(); strings.Contains(text, "PRIVATE") || !strings.HasPrefix(text, "-----BEGIN CERTIFICATE-----") {
				t.Errorf("for the agent: %s", text)
			}
			if name == "the certificate after others" && (!c.chain[0].Equal(leaf) || !c.chain[1].Equal(above)) {
				t.Error("the leaf is not the first of the chain")
			}
		})
	}
}

// TestEncryptedKeys reads keys that OpenSSL 3 wrote, of one certificate: with its defaults, with SHA-1 as older ones did, and one with scrypt.
func TestEncryptedKeys(t *testing.T) {
	cert, err := os.ReadFile("testdata/cert.pem")
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		pass  string
		code  fault.Code
		asked int
	}{
		"default.key": {pass, "", 1},
		"sha1.key":    {pass, "", 1},
		"aes128.key":  {pass, "", 1},
		"scrypt.key":  {pass, fault.AuthCertFile, 0},
	} {
		t.Run(name, func(t *testing.T) {
			key, err := os.ReadFile("testdata/" + name)
			if err != nil {
				t.Fatal(err)
			}
			asked := 0
			_, err = ParsePEM(cert, bytes.Clone(key), says(tc.pass, &asked))
			if asked != tc.asked {
				t.Errorf("asked %d times", asked)
			}
			if tc.code != "" {
				wantFault(t, err, tc.code)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			_, err = ParsePEM(cert, bytes.Clone(key), says("canary-not-it", &asked))
			wantFault(t, err, fault.AuthPassphrase)
			gone := errors.New("nobody")
			if _, err = ParsePEM(cert, key, func() (redact.Secret, error) { return redact.Secret{}, gone }); !errors.Is(err, gone) {
				t.Errorf("nobody to ask: %v", err)
			}
		})
	}
}

func TestParsePKCS12(t *testing.T) {
	ec := ecKey(t)
	leaf := certificate(t, ec)
	file := func(e *pkcs12.Encoder, key any, cert *x509.Certificate, pass string) []byte {
		b, err := e.Encode(key, cert, nil, pass)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, tc := range map[string]struct {
		file  []byte
		pass  string
		code  fault.Code
		asked int
	}{
		"modern":              {file(pkcs12.Modern, ec, leaf, pass), pass, "", 1},
		"of older systems":    {file(pkcs12.LegacyRC2, ec, leaf, pass), pass, "", 1},
		"no passphrase":       {file(pkcs12.Passwordless, ec, leaf, ""), "", "", 0},
		"an empty passphrase": {file(pkcs12.Modern, ec, leaf, ""), "", "", 0},
		"wrong":               {file(pkcs12.Modern, ec, leaf, pass), "canary-no", fault.AuthPassphrase, 1},
		"another key":         {file(pkcs12.Modern, ecKey(t), leaf, pass), pass, fault.AuthCertKey, 1},
		"no such file":        {[]byte("hello"), pass, fault.AuthCertFile, 0},
		"empty":               {nil, pass, fault.AuthCertFile, 0},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			c, err := ParsePKCS12(tc.file, says(tc.pass, &asked))
			if asked != tc.asked {
				t.Errorf("asked %d times", asked)
			}
			if tc.code != "" {
				wantFault(t, err, tc.code)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if again, err := x509.ParseCertificate(c.chain[0].Raw); err != nil || !again.Equal(leaf) || !strings.Contains(c.PEM(), "BEGIN CERTIFICATE") {
				t.Errorf("the certificate is not whole: %v", err)
			}
		})
	}
}

// remote is a private key behind Sign, as the agent has it; it keeps the requests.
type remote struct {
	c        *Credential
	requests []*ipc.Sign
}

func (r *remote) Public() crypto.PublicKey { return r.c.chain[0].PublicKey }

func (r *remote) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("a digest")
}

func (r *remote) SignMessage(_ io.Reader, content []byte, opts crypto.SignerOpts) ([]byte, error) {
	hash := strings.ToLower(strings.ReplaceAll(opts.HashFunc().String(), "-", ""))
	scheme := "ecdsa-" + hash
	if opts.HashFunc() == 0 {
		scheme = "ed25519"
	}
	if _, ok := r.Public().(*rsa.PublicKey); ok {
		scheme = "rsa-pkcs1-" + hash
		if _, ok := opts.(*rsa.PSSOptions); ok {
			scheme = "rsa-pss-" + hash
		}
	}
	q := &ipc.Sign{Certificate: r.c.Fingerprint(), Scheme: scheme, Content: bytes.Clone(content)}
	r.requests = append(r.requests, q)
	return r.c.Sign(q)
}

// handshake shows a credential to a server of a TLS version and returns what had to be signed.
func handshake(t testing.TB, c *Credential, version uint16) *ipc.Sign {
	t.Helper()
	key := ecKey(t)
	near, far := net.Pipe()
	defer near.Close()
	r := &remote{c: c}
	server := tls.Server(far, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{certificate(t, key).Raw}, PrivateKey: key}}, ClientAuth: tls.RequireAnyClientCert, MaxVersion: version})
	served := make(chan error, 1)
	go func() {
		served <- server.HandshakeContext(context.Background())
		_ = far.Close()
	}()
	client := tls.Client(near, &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{{Certificate: [][]byte{c.chain[0].Raw}, PrivateKey: r}}})
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-served; err != nil {
		t.Fatal(err)
	}
	if len(r.requests) != 1 {
		t.Fatalf("%d signatures", len(r.requests))
	}
	return r.requests[0]
}

// TestSign: a real server takes the signatures of every kind of key in both versions, and of what was signed there nothing can be changed.
func TestSign(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{"ECDSA": ecKey(t), "RSA": rsaKey(t), "Ed25519": ed} {
		for version, v := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
			t.Run(name+" "+version, func(t *testing.T) {
				c, err := newCredential(key, []*x509.Certificate{certificate(t, key)})
				if err != nil {
					t.Fatal(err)
				}
				good := handshake(t, c, v)
				refuses := func(what string, change func(*ipc.Sign)) {
					t.Helper()
					q := *good
					q.Content = bytes.Clone(good.Content)
					change(&q)
					if sig, err := c.Sign(&q); err == nil || sig != nil {
						t.Errorf("%s was signed", what)
					} else {
						wantFault(t, err, fault.AgentProtocol)
					}
				}
				refuses("for another certificate", func(q *ipc.Sign) { q.Certificate = strings.Repeat("0", 64) })
				refuses("an unknown scheme", func(q *ipc.Sign) { q.Scheme = "rsa-pkcs1-sha1" })
				refuses("no scheme", func(q *ipc.Sign) { q.Scheme = "" })
				refuses("a hash alone", func(q *ipc.Sign) { q.Scheme = "sha256" })
				refuses("nothing", func(q *ipc.Sign) { q.Content = nil })
				refuses("a document", func(q *ipc.Sign) { q.Content = []byte("I owe you 100 pounds.") })
				refuses("a digest", func(q *ipc.Sign) { q.Content = q.Content[len(q.Content)-32:] })
				refuses("a byte more", func(q *ipc.Sign) { q.Content = append(q.Content, 0) })
				refuses("a byte less", func(q *ipc.Sign) { q.Content = q.Content[:len(q.Content)-1] })
				refuses("another beginning", func(q *ipc.Sign) { q.Content[0] ^= 1 })
				if v == tls.VersionTLS13 {
					refuses("a server's CertificateVerify", func(q *ipc.Sign) { q.Content = bytes.Replace(q.Content, []byte("client"), []byte("server"), 1) })
					refuses("PKCS #1 in TLS 1.3", func(q *ipc.Sign) { q.Scheme = "rsa-pkcs1-sha256" })
				} else {
					refuses("another certificate's handshake", func(q *ipc.Sign) {
						i := bytes.LastIndex(q.Content, c.chain[0].Raw)
						q.Content[i+10] ^= 1
					})
					refuses("another version's handshake", func(q *ipc.Sign) { q.Content[5] = 1 })
				}
			})
		}
	}
}

// FuzzContent: nothing that somebody else writes makes the check fall over, and what passes is what it should be.
func FuzzContent(f *testing.F) {
	key := ecKey(f)
	c, err := newCredential(key, []*x509.Certificate{certificate(f, key)})
	if err != nil {
		f.Fatal(err)
	}
	leaf := c.chain[0].Raw
	for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		f.Add(handshake(f, c, v).Content)
	}
	f.Add([]byte{1, 0, 0, 2, 3, 3, 2, 0, 0, 2, 3, 3, 11, 255, 255, 255})
	f.Fuzz(func(t *testing.T, content []byte) {
		switch contentKind(content, leaf) {
		case kindTLS13:
			if !bytes.HasPrefix(content, head13) || len(content) > len(head13)+48 {
				t.Errorf("%q", content)
			}
		case kindTLS12:
			if content[0] != 1 || !bytes.Contains(content, leaf) {
				t.Errorf("%q", content)
			}
		}
	})
}

// FuzzEncryptedKey: a damaged file is an error.
func FuzzEncryptedKey(f *testing.F) {
	for _, name := range []string{"default.key", "sha1.key", "scrypt.key"} {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		block, _ := pem.Decode(b)
		f.Add(block.Bytes)
	}
	gone := errors.New("nobody")
	f.Fuzz(func(t *testing.T, der []byte) {
		if _, err := decryptKey(der, func() (redact.Secret, error) { return redact.Secret{}, gone }); err == nil {
			t.Error("decrypted without a passphrase")
		}
	})
}
