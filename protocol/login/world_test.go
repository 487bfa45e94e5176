package login

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/simnet"
)

var (
	addr1 = netip.MustParseAddr("198.51.100.1")
	addr2 = netip.MustParseAddr("198.51.100.2")
	addr3 = netip.MustParseAddr("198.51.100.3")
)

// authority issues certificates that are valid at the bubble's time.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	tpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	c := issue(t, tpl, nil)
	a.cert, a.key = c.Leaf, c.PrivateKey.(*ecdsa.PrivateKey)
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})
	return a
}

// leaf issues a server's certificate for vpn.example and 198.51.100.1, changed by change.
func (a *authority) leaf(t *testing.T, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	tpl := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		DNSNames: []string{"vpn.example"}, IPAddresses: []net.IP{addr1.AsSlice()}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if change != nil {
		change(tpl)
	}
	return issue(t, tpl, a)
}

// issue signs a certificate, by itself without an authority.
func issue(t *testing.T, tpl *x509.Certificate, by *authority) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parent, signer := tpl, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, tpl, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// keyOf is the pin of a certificate.
func keyOf(c tls.Certificate) [32]byte { return sha256.Sum256(c.Leaf.RawSubjectPublicKeyInfo) }

// world is a laptop and some servers.
type world struct {
	t   *testing.T
	net *simnet.Net
	pc  *simnet.Host
	ca  *authority
	wg  sync.WaitGroup

	mu    sync.Mutex
	posts []string // every request that was read: host, path, cookies and body
	conns int      // that finished a handshake
}

// newWorld makes one; it ends with the test's bubble through end.
func newWorld(t *testing.T) *world {
	w := &world{t: t, net: simnet.New(1), ca: newAuthority(t)}
	w.pc = w.net.Host("laptop")
	w.pc.Uplink("wifi0", netip.MustParseAddr("192.0.2.20")).SetLatency(5 * time.Millisecond)
	w.net.Name("vpn.example", addr1)
	return w
}

func (w *world) end() {
	_ = w.net.Close()
	w.wg.Wait()
}

// listen serves every connection to an address.
func (w *world) listen(addr netip.Addr, serve func(net.Conn)) *simnet.Host {
	w.t.Helper()
	host := w.net.Host("server "+addr.String(), addr)
	l, err := host.Listen(443)
	if err != nil {
		w.t.Fatal(err)
	}
	w.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			w.wg.Go(func() {
				defer func() { _ = c.Close() }()
				serve(c)
			})
		}
	})
	return host
}

// script answers a request, the n-th of all, with raw bytes; "" closes the connection. pause waits before it.
type script func(n int, r *http.Request, body string) (raw string, pause time.Duration)

// gateway serves a script over TLS.
func (w *world) gateway(addr netip.Addr, cert tls.Certificate, s script) *simnet.Host {
	w.t.Helper()
	return w.listen(addr, func(c net.Conn) { w.serve(c, &tls.Config{Certificates: []tls.Certificate{cert}}, s) })
}

// config is that of a gateway whose certificate is good.
func (w *world) config() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{w.ca.leaf(w.t, nil)}}
}

func (w *world) serve(c net.Conn, cfg *tls.Config, s script) {
	server := tls.Server(c, cfg)
	if server.Handshake() != nil {
		return
	}
	w.mu.Lock()
	w.conns++
	w.mu.Unlock()
	in := bufio.NewReader(server)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		w.mu.Lock()
		n := len(w.posts)
		w.posts = append(w.posts, r.Method+" "+r.Host+r.URL.String()+" "+r.Header.Get("Cookie")+" "+string(body))
		w.mu.Unlock()
		raw, pause := s(n, r, string(body))
		time.Sleep(pause)
		if raw == "" {
			return
		}
		if _, err := io.WriteString(server, raw); err != nil || strings.Contains(raw, "Connection: close") {
			_ = server.Close()
			return
		}
	}
}

func (w *world) seen() (posts []string, conns int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.posts...), w.conns
}

// target is vpn.example with the world's CA.
func (w *world) target() protocol.Target {
	return protocol.Target{Host: "vpn.example", Port: 443, Path: "/", User: "alice", Trust: protocol.Trust{CAPEM: w.ca.pem}}
}

// http200 is an answer with a document.
func http200(doc string, headers ...string) string {
	s := "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nX-Transcend-Version: 1\r\n"
	for _, h := range headers {
		s += h + "\r\n"
	}
	return s + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(doc), doc)
}

func authDoc(auth string) string { return string(xmlReply(auth).Body) }

// passwordGateway asks user and password in two forms and is content with anything but "wrong".
func passwordGateway(_ int, _ *http.Request, body string) (string, time.Duration) {
	switch {
	case strings.Contains(body, `type="init"`):
		return http200(authDoc(form("<message>Please enter your username.</message>", "username"))), 0
	case strings.Contains(body, "<username>"):
		return http200(authDoc(form("<message>Please enter your password.</message>", "password")), "Set-Cookie: webvpncontext=ctx=; Secure"), 0
	case strings.Contains(body, "wrong"):
		return http200(authDoc(form("<message>Login failed.\nPlease enter your password.</message>", "password"))), 0
	}
	return http200(string(done().Body), "Set-Cookie: webvpn="+canaryToken+"; Secure; HttpOnly"), 0
}

// asker answers prompts; after gives up with what a client with nobody to ask says.
type asker struct {
	answers answers
	wait    time.Duration
	asked   []string
}

func (a *asker) Ask(ctx context.Context, f protocol.Form) (protocol.Answer, error) {
	a.asked = append(a.asked, describeForm(&f))
	select {
	case <-ctx.Done():
		return protocol.Answer{}, fault.New(fault.AuthCancelled, ctx.Err())
	case <-time.After(a.wait):
	}
	out := protocol.Answer{Accept: true, Values: map[string]redact.Secret{}}
	for _, in := range f.Fields {
		v := a.answers[in.Name]
		if len(v) == 0 {
			return out, fault.Newf(fault.AuthInput, nil, "%s", in.Name)
		}
		out.Values[in.Name] = redact.NewString(v[0])
		a.answers[in.Name] = v[1:]
	}
	return out, nil
}
