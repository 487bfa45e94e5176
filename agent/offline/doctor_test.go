package offline

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/checkup"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/uplink"
	"github.com/holdfast-vpn/holdfast/profile"
	"github.com/holdfast-vpn/holdfast/protocol"
)

var loopback = netip.MustParseAddr("127.0.0.1")

// names is a book of names in front of the real dialer.
type names struct {
	*uplink.Dialer
	addrs []netip.Addr
	err   error
}

func (n names) Lookup(context.Context, string) ([]netip.Addr, error) { return n.addrs, n.err }

// issue makes a self-signed certificate for vpn.example and its PEM.
func issue(t *testing.T, change func(*x509.Certificate)) (tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "lab"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"vpn.example"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	if change != nil {
		change(c)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// listen serves each connection until the test ends and returns the port.
func listen(t *testing.T, serve func(net.Conn)) uint16 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
			go serve(c)
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return uint16(l.Addr().(*net.TCPAddr).Port)
}

// website serves HTTP, over TLS where there is a certificate.
func website(t *testing.T, cert *tls.Certificate, h http.HandlerFunc) uint16 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
	port := uint16(l.Addr().(*net.TCPAddr).Port)
	if cert != nil {
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{*cert}})
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() { s.Close(); <-done })
	return port
}

// closed is a port that nobody listens on.
func closed(t *testing.T) uint16 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return uint16(l.Addr().(*net.TCPAddr).Port)
}

const loginForm = `<?xml version="1.0" encoding="UTF-8"?><config-auth client="vpn" type="auth-request"><auth id="main"><message>Who are you?</message>
<form method="post" action="/auth"><input type="text" name="username" label="Username:"/></form></auth></config-auth>`

func answer(kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(w, body)
	}
}

func redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Location", to); w.WriteHeader(302) }
}

// dated answers nothing but its time.
func dated(at time.Time) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", at.UTC().Format(http.TimeFormat))
		w.WriteHeader(404)
	}
}

// TestDoctor: real sockets, each layer broken in turn.
func TestDoctor(t *testing.T) {
	hotel := answer("text/html", "<html>Welcome, please sign in</html>")
	for name, tt := range map[string]struct {
		cert    func(*x509.Certificate)
		gateway http.HandlerFunc               // nil for none
		tcp     func(net.Conn)                 // instead of a gateway
		web     http.HandlerFunc               // on the port of plain HTTP, nil for closed
		target  func(*protocol.Target, []byte) // the PEM is that of the certificate
		names   func(*names)
		within  time.Duration // 0 for 10 s
		layer   string
		code    fault.Code
	}{
		"healthy":             {gateway: answer("text/xml", loginForm)},
		"healthy by its pin":  {gateway: answer("text/xml", loginForm), target: func(p *protocol.Target, pem []byte) { p.Trust = protocol.Trust{Pins: [][32]byte{pinOf(pem)}} }},
		"a web page besides":  {gateway: answer("text/xml", loginForm), web: hotel},
		"no such name":        {names: func(n *names) { n.addrs, n.err = nil, fault.New(fault.NetNoName, nil) }, layer: checkup.DNS, code: fault.NetNoName},
		"no name server":      {names: func(n *names) { n.addrs, n.err = nil, fault.New(fault.NetSilent, nil) }, layer: checkup.DNS, code: fault.NetSilent},
		"closed":              {layer: checkup.TCP, code: fault.NetRefused},
		"closed by a portal":  {web: redirect("http://login.hotel/?u=1"), layer: checkup.Portal, code: fault.NetPortal},
		"closed, own page":    {web: redirect("https://www.vpn.example/"), layer: checkup.TCP, code: fault.NetRefused},
		"never speaks":        {tcp: func(net.Conn) {}, within: 300 * time.Millisecond, layer: checkup.TLS, code: fault.NetSilent},
		"hangs up":            {tcp: func(c net.Conn) { c.Close() }, layer: checkup.TLS},
		"no TLS":              {tcp: func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-x\r\n") }, layer: checkup.TLS, code: fault.TLSHandshake},
		"a portal on 443 too": {tcp: func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n") }, web: hotel, layer: checkup.Portal, code: fault.NetPortal},
		"wrong name":          {cert: func(c *x509.Certificate) { c.DNSNames = []string{"www.example"} }, gateway: answer("text/xml", loginForm), layer: checkup.Certificate, code: fault.TLSName},
		"untrusted":           {gateway: answer("text/xml", loginForm), target: func(p *protocol.Target, _ []byte) { p.Trust.CAPEM = nil }, layer: checkup.Certificate, code: fault.TLSUntrusted},
		"another pin":         {gateway: answer("text/xml", loginForm), target: func(p *protocol.Target, _ []byte) { p.Trust.Pins = [][32]byte{{}} }, layer: checkup.Certificate, code: fault.TLSPin},
		"expired": {cert: func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, gateway: answer("text/xml", loginForm),
			layer: checkup.Certificate, code: fault.TLSExpired},
		"expired by this clock alone": {cert: func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-10 * time.Minute) }, gateway: answer("text/xml", loginForm),
			web: dated(time.Now().Add(-30 * time.Minute)), layer: checkup.Clock, code: fault.HostClock},
		"not valid yet":     {cert: func(c *x509.Certificate) { c.NotBefore = time.Now().Add(10 * time.Minute) }, gateway: answer("text/xml", loginForm), layer: checkup.Clock, code: fault.HostClock},
		"a web server":      {gateway: hotel, layer: checkup.Gateway, code: fault.NetNotVPN},
		"forbidden":         {gateway: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, layer: checkup.Gateway, code: fault.NetHTTPRefused},
		"full":              {gateway: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, layer: checkup.Gateway, code: fault.GwUnavailable},
		"sent on":           {gateway: redirect("https://gw2.example/staff?token=1")},
		"wants certificate": {gateway: answer("text/xml", `<config-auth client="vpn" type="auth-request"><client-cert-request/></config-auth>`)},
	} {
		t.Run(name, func(t *testing.T) {
			cert, pem := issue(t, tt.cert)
			e := &exam{target: protocol.Target{Host: "vpn.example", Path: "/", Trust: protocol.Trust{CAPEM: pem}}, web: closed(t), wait: secureTime,
				look: func() (platform.NetSnapshot, error) {
					return platform.NetSnapshot{Uplinks: []platform.Uplink{{Name: "eth0", Local: []netip.Addr{loopback}}}}, nil
				}}
			switch {
			case tt.tcp != nil:
				e.target.Port = listen(t, tt.tcp)
			case tt.gateway != nil:
				e.target.Port = website(t, &cert, tt.gateway)
			default:
				e.target.Port = closed(t)
			}
			if tt.web != nil {
				e.web = website(t, nil, tt.web)
			}
			if tt.target != nil {
				tt.target(&e.target, pem)
			}
			book := names{Dialer: uplink.NewUnmarked(nil), addrs: []netip.Addr{loopback}}
			if tt.names != nil {
				tt.names(&book)
			}
			e.dialer = book
			within := 10 * time.Second
			if tt.within > 0 {
				within = tt.within
			}
			ctx, cancel := context.WithTimeout(t.Context(), within)
			defer cancel()
			o := e.run(ctx)
			v := checkup.Judge(o).Verdict
			if v.Layer != tt.layer || tt.code != "" && v.Code != tt.code {
				t.Errorf("blames %q %q, want %q %q\n%+v", v.Layer, v.Code, tt.layer, tt.code, o)
			}
			if name == "sent on" && o.Hello.Elsewhere != "gw2.example/staff" {
				t.Errorf("sent to %q", o.Hello.Elsewhere)
			}
		})
	}
}

func pinOf(file []byte) [32]byte {
	block, _ := pem.Decode(file)
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		panic(err)
	}
	return sha256.Sum256(c.RawSubjectPublicKeyInfo)
}

// TestNothingIsSentToStrangers: a gateway that is not verified sees no byte of HTTP.
func TestNothingIsSentToStrangers(t *testing.T) {
	asked := make(chan string, 8)
	cert, _ := issue(t, nil)
	port := website(t, &cert, func(_ http.ResponseWriter, r *http.Request) { asked <- r.Method })
	e := &exam{target: protocol.Target{Host: "vpn.example", Port: port, Path: "/"}, web: closed(t), wait: secureTime, dialer: names{Dialer: uplink.NewUnmarked(nil), addrs: []netip.Addr{loopback}},
		look: func() (platform.NetSnapshot, error) { return platform.NetSnapshot{}, errors.New("no") }}
	if o := e.run(t.Context()); o.Paths[0].Untrusted == nil || o.Hello.Asked {
		t.Errorf("%+v", o)
	}
	if len(asked) != 0 {
		t.Error("it was asked something")
	}
}

// TestGreetUDP: an answer, a refusal, silence.
func TestGreetUDP(t *testing.T) {
	u, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := netip.MustParseAddrPort(u.LocalAddr().String())
	got := make(chan []byte, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 2048)
		n, from, err := u.ReadFrom(b)
		if err == nil {
			got <- b[:n]
			_, _ = u.WriteTo([]byte{22, 0xfe, 0xff}, from)
		}
	}()
	if r := greetUDP(t.Context(), at); !r.Sent || !r.Answered || r.Refused != nil {
		t.Errorf("answered: %+v", r)
	}
	if b := <-got; len(b) != 13+12+44 || b[0] != 22 || b[11] != 0 || int(b[12]) != len(b)-13 || b[13] != 1 || int(b[16]) != len(b)-25 || b[25] != 0xfe || b[26] != 0xfd {
		t.Errorf("% x", b)
	}
	<-done
	if r := greetUDP(t.Context(), at); !r.Sent || r.Answered || r.Refused != nil {
		t.Errorf("silent: %+v", r)
	}
	u.Close()
	if r := greetUDP(t.Context(), at); !r.Sent || r.Answered || r.Refused == nil || r.Refused.Code != fault.NetRefused {
		t.Errorf("refused: %+v", r)
	}
}

// TestTargetOf: the target is read as connect reads it.
func TestTargetOf(t *testing.T) {
	dir := t.TempDir()
	file := `<AnyConnectProfile xmlns="http://schemas.xmlsoap.org/encoding/"><ClientInitialization><DisableCaptivePortalDetection>true</DisableCaptivePortalDetection></ClientInitialization><ServerList>
<HostEntry><HostName>Head Office</HostName><HostAddress>vpn.example.com:8443</HostAddress><UserGroup>staff</UserGroup></HostEntry>
<HostEntry><HostName>Lab</HostName><HostAddress>lab.example.com</HostAddress><PrimaryProtocol>IPsec</PrimaryProtocol></HostEntry></ServerList></AnyConnectProfile>`
	if err := os.WriteFile(filepath.Join(dir, "corp.xml"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	store, _ := profile.Load(dir)
	name, at, anyNetwork, err := targetOf(DoctorOptions{Target: "head office", Pins: []string{"sha256:" + strings.Repeat("0a", 32)}}, store)
	if err != nil || !anyNetwork || name != "Head Office" || at.Host != "vpn.example.com" || at.Port != 8443 || at.Path != "/staff" || len(at.Trust.Pins) != 1 {
		t.Errorf("%q %+v %v", name, at, err)
	}
	if name, at, anyNetwork, err = targetOf(DoctorOptions{Target: "https://GW.example/"}, store); err != nil || anyNetwork || name != "gw.example" || at.Port != 443 {
		t.Errorf("%q %+v %v", name, at, err)
	}
	for target, code := range map[string]fault.Code{"Lab": fault.UseNotYet, "http://x/": fault.UseTarget, "": fault.UseTarget} {
		if _, _, _, err := targetOf(DoctorOptions{Target: target}, store); fault.As(err).Code != code {
			t.Errorf("%q: %v", target, err)
		}
	}
}

// TestDoctorInterrupted: whoever ends it gets no report.
func TestDoctorInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Doctor(ctx, DoctorOptions{Target: "127.0.0.1:1", Timeout: time.Minute, Progress: func(string) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
