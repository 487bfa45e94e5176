package cstp

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

const testToken = "T0ken+secret/value="

// peer is the smallest gateway: it lets everyone in, and answers CONNECT as the test says.
type peer struct {
	t       *testing.T
	l       net.Listener
	answer  func(r *Request) []byte // the whole answer to CONNECT; nil closes without a word
	streams chan *Stream            // of accepted tunnels

	mu       sync.Mutex
	hangUp   bool // close the connection of the login behind the answer
	requests []*Request
	key      redact.Secret // what the last tunnel's connection exports
}

func newPeer(t *testing.T, answer func(*Request) []byte) *peer {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, l: l, answer: answer, streams: make(chan *Stream, 4)}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return p
}

// accept answers with settings.
func accept(s *protocol.Settings) func(*Request) []byte {
	return func(r *Request) []byte { return AppendResponse(nil, s, r.BaseMTU) }
}

func (p *peer) serve(conn net.Conn) {
	cork := Wrap(conn)
	c := tls.Server(cork, &tls.Config{Certificates: []tls.Certificate{testCert}, MinVersion: tls.VersionTLS12, DynamicRecordSizingDisabled: true})
	br := bufio.NewReader(c)
	for {
		q, err := http.ReadRequest(br)
		if err != nil {
			_ = c.Close()
			return
		}
		if q.Method == http.MethodConnect {
			p.connect(q, c, cork, br)
			return
		}
		_, _ = io.Copy(io.Discard, q.Body)
		body := `<?xml version="1.0" encoding="UTF-8"?><config-auth client="vpn" type="complete"><session-token>` + testToken +
			`</session-token><auth id="success"><message id="0"></message></auth></config-auth>`
		_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		p.mu.Lock()
		hangUp := p.hangUp
		p.mu.Unlock()
		if hangUp {
			_ = c.Close()
			return
		}
	}
}

func (p *peer) connect(q *http.Request, c *tls.Conn, cork *Cork, br *bufio.Reader) {
	r, err := ParseRequest(q)
	if err != nil {
		p.t.Error(err)
		return
	}
	p.mu.Lock()
	p.requests = append(p.requests, r)
	p.key, _ = ExportKey(c)
	p.mu.Unlock()
	wire := p.answer(r)
	_, _ = c.Write(wire)
	if !strings.HasPrefix(string(wire), "HTTP/1.1 200") {
		_ = c.Close()
		return
	}
	s := NewStream(c, cork, Residual(br))
	p.t.Cleanup(func() { _ = s.Abandon() })
	p.streams <- s
}

func (p *peer) target() protocol.Target {
	at := p.l.Addr().(*net.TCPAddr).AddrPort()
	leaf, err := x509.ParseCertificate(testCert.Certificate[0])
	if err != nil {
		p.t.Fatal(err)
	}
	return protocol.Target{Name: "gw", Host: "gw.example", Port: at.Port(), Path: "/", Fixed: []netip.Addr{at.Addr()}, Hostname: "laptop",
		Trust: protocol.Trust{Pins: [][32]byte{sha256.Sum256(leaf.RawSubjectPublicKeyInfo)}}}
}

func (p *peer) session() protocol.SessionRef {
	t := p.target()
	return protocol.SessionRef{Target: t, Token: redact.NewString(testToken), Gateway: netip.AddrPortFrom(t.Fixed[0], t.Port), LeafKey: t.Trust.Pins[0],
		Prior: []netip.Prefix{netip.MustParsePrefix("10.1.0.2/24")}}
}

// loopDialer dials as asked.
type loopDialer struct{}

func (loopDialer) Lookup(context.Context, string) ([]netip.Addr, error) {
	return nil, fault.New(fault.NetNoName, nil)
}

func (loopDialer) DialTCP(ctx context.Context, to netip.AddrPort, _ protocol.Path) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", to.String())
}

// asker answers every prompt alike and counts them.
type asker struct {
	accept bool
	asked  int
}

func (a *asker) Ask(context.Context, protocol.Form) (protocol.Answer, error) {
	a.asked++
	return protocol.Answer{Accept: a.accept}, nil
}

func testSettings() *protocol.Settings {
	return &protocol.Settings{
		Addresses: []netip.Prefix{netip.MustParsePrefix("10.1.0.2/24"), netip.MustParsePrefix("2001:db8::2/64")},
		MTU:       1400, DNS: []netip.Addr{netip.MustParseAddr("10.1.0.1")}, Search: []string{"corp.example"},
	}
}

func comeBack(t *testing.T, p *peer) (protocol.Tunnel, error) {
	t.Helper()
	c := &Connector{Dialer: loopDialer{}}
	r, err := c.Reach(t.Context(), p.session(), protocol.Path{})
	if err != nil {
		t.Fatal(err)
	}
	return c.Resume(t.Context(), p.session(), r)
}

// open is a tunnel, both of its ends, and a reader on the client's side that stops with it.
func open(t *testing.T, set *protocol.Settings) (protocol.Tunnel, *Stream) {
	t.Helper()
	p := newPeer(t, accept(set))
	tun, err := comeBack(t, p)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		b := packet.New(16, 2048)
		for tun.Carrier().ReadBatch(b) == nil {
			b.Reset()
		}
	})
	t.Cleanup(func() { _ = tun.Close(protocol.CloseQuiet); wg.Wait() })
	return tun, <-p.streams
}

// serveFrames reads as a gateway does, until the end; it returns what ended it.
func serveFrames(s *Stream) <-chan error {
	end := make(chan error, 1)
	go func() {
		b := packet.New(16, 2048)
		for {
			b.Reset()
			if err := s.ReadBatch(b); err != nil {
				end <- err
				return
			}
		}
	}()
	return end
}

func TestOpen(t *testing.T) {
	for _, hangUp := range []bool{false, true} {
		t.Run(fmt.Sprintf("gateway closes after the login: %v", hangUp), func(t *testing.T) {
			p := newPeer(t, accept(testSettings()))
			p.hangUp = hangUp
			tun, err := (&Connector{Dialer: loopDialer{}}).Open(t.Context(), p.target(), &asker{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tun.Close(protocol.CloseQuiet) }()
			s := tun.Settings()
			if s.MTU != 1400 || !slices.Equal(s.Addresses, testSettings().Addresses) || s.Gateway.Port() != p.target().Port || s.Cipher == "" {
				t.Errorf("%+v", s)
			}
			ref := tun.Session()
			if string(ref.Token.Reveal()) != testToken || !slices.Equal(ref.Prior, s.Addresses) || ref.LeafKey == [32]byte{} {
				t.Errorf("%+v", ref)
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			q := p.requests[len(p.requests)-1]
			if string(q.Token.Reveal()) != testToken || q.Hostname != "laptop" || !q.IPv6 || q.BaseMTU == 0 || len(q.Prior) != 0 {
				t.Errorf("%+v", q)
			}
			if !strings.HasPrefix(q.Host, "gw.example:") {
				t.Errorf("Host is %q", q.Host)
			}
		})
	}
}

func TestBannerOfTheTunnel(t *testing.T) {
	for _, accepted := range []bool{true, false} {
		set := testSettings()
		set.Banner = "Only for staff."
		p := newPeer(t, accept(set))
		a := &asker{accept: accepted}
		tun, err := (&Connector{Dialer: loopDialer{}}).Open(t.Context(), p.target(), a)
		if a.asked != 1 || (err == nil) != accepted {
			t.Fatalf("asked %d times, %v", a.asked, err)
		}
		if accepted {
			_ = tun.Close(protocol.CloseQuiet)
			continue
		}
		wantCode(t, err, fault.PolBanner)
		end := <-serveFrames(<-p.streams)
		if n := note(end); n.Kind != protocol.NoteServerClosed || n.Reason != ReasonUser {
			t.Errorf("the gateway was told %v", end)
		}
	}
	if err := askBanner(t.Context(), "one  two", []string{"one\ntwo"}, nil); err != nil {
		t.Error("a banner that was accepted is asked again")
	}
}

func TestResumeTellsWhereItWas(t *testing.T) {
	p := newPeer(t, accept(testSettings()))
	tun, err := comeBack(t, p)
	if err != nil {
		t.Fatal(err)
	}
	_ = tun.Close(protocol.CloseQuiet)
	if q := p.requests[0]; len(q.Prior) != 1 || q.Prior[0] != netip.MustParseAddr("10.1.0.2") {
		t.Errorf("%v", q.Prior)
	}
}

func TestReachSendsNothing(t *testing.T) {
	p := newPeer(t, accept(testSettings()))
	r, err := (&Connector{Dialer: loopDialer{}}).Reach(t.Context(), p.session(), protocol.Path{Name: "wifi0"})
	if err != nil {
		t.Fatal(err)
	}
	if r.Path().Name != "wifi0" || r.RTT() <= 0 {
		t.Errorf("%v, %v", r.Path(), r.RTT())
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.requests) != 0 {
		t.Error("Reach sent a request")
	}
}

func TestConnectRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer string
		code   fault.Code
		kind   fault.Kind
		detail string
	}{
		{"session unknown", "HTTP/1.1 401 Cookie is not acceptable\r\n\r\n", fault.GwSession, fault.SessionLost, ""},
		{"forbidden", "HTTP/1.1 403 Forbidden\r\nX-Reason: gone\r\n\r\n", fault.GwSession, fault.SessionLost, "gone"},
		{"not now", "HTTP/1.1 503 Service Unavailable\r\nX-Reason: no\x1b[31m address\r\n\r\n", fault.GwUnavailable, fault.Retryable, "no [31m address"},
		{"no tunnel here", "HTTP/1.1 404 Not Found\r\n\r\n<html>", fault.NetNotVPN, fault.Retryable, "it answers CONNECT with status 404"},
		{"camouflage", "HTTP/1.1 405 No\r\n\r\n", fault.NetNotVPN, fault.Retryable, "it answers CONNECT with status 405"},
		{"sign-in page", "HTTP/1.1 302 Found\r\nLocation: http://portal/\r\n\r\n", fault.NetNotVPN, fault.Retryable, "it answers CONNECT with status 302"},
		{"web page", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>", fault.NetNotVPN, fault.Retryable, "it answers CONNECT with a web page"},
		{"garbage", "220 mail.example ESMTP\r\n", fault.NetNotVPN, fault.Retryable, "its answer to CONNECT is no HTTP"},
		{"silence", "", fault.NetLost, fault.Retryable, "it closed the connection on CONNECT"},
		{"endless", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-A: b\r\n", maxFields+1), fault.NetTooMuch, fault.Retryable, ""},
		{"no address", "HTTP/1.1 200 OK\r\nX-CSTP-MTU: 1400\r\n\r\n", fault.GwSettings, fault.Fatal, "no inside address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := comeBack(t, newPeer(t, func(*Request) []byte { return []byte(c.answer) }))
			wantCode(t, err, c.code)
			if f := fault.As(err); f.Kind != c.kind || f.Detail != c.detail {
				t.Errorf("kind %v, detail %q", f.Kind, f.Detail)
			}
			if strings.Contains(err.Error(), testToken) {
				t.Error("the token is in the error")
			}
		})
	}
}

func TestConnectIsCancelled(t *testing.T) {
	block := make(chan struct{})
	p := newPeer(t, func(*Request) []byte { <-block; return nil })
	defer close(block)
	c := &Connector{Dialer: loopDialer{}}
	r, err := c.Reach(t.Context(), p.session(), protocol.Path{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	_, err = c.Resume(ctx, p.session(), r)
	wantCode(t, err, fault.NetTimeout)
	if fault.As(err).Kind != fault.Retryable || ctx.Err() == nil {
		t.Errorf("%v", err)
	}
}

func TestCloseTellsTheGateway(t *testing.T) {
	for _, c := range []struct {
		reason protocol.CloseReason
		want   byte
		told   bool
	}{{protocol.CloseUser, ReasonUser, true}, {protocol.CloseReconnect, ReasonReconnect, true}, {protocol.CloseQuiet, 0, false}} {
		tun, gw := open(t, testSettings())
		end := serveFrames(gw)
		start := time.Now()
		_ = tun.Close(c.reason)
		if d := time.Since(start); d > 500*time.Millisecond {
			t.Errorf("Close took %v", d)
		}
		n := note(<-end)
		if (n.Kind == protocol.NoteServerClosed) != c.told || n.Reason != c.want {
			t.Errorf("reason %d: the gateway saw %+v", c.reason, n)
		}
		for n := range tun.Notifications() {
			t.Errorf("our own Close is told as %+v", n)
		}
	}
}

func TestProbe(t *testing.T) {
	tun, gw := open(t, testSettings())
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if err := tun.Probe(ctx); err == nil {
		t.Fatal("nobody reads at the gateway, and the probe is answered")
	}
	end := serveFrames(gw)
	for range 3 {
		if err := tun.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	_ = tun.Close(protocol.CloseQuiet)
	wantCode(t, tun.Probe(t.Context()), fault.NetLost)
	<-end
}

func TestGatewayEndsTheTunnel(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*Stream)
		kind protocol.NoteKind
		text string
	}{
		{"terminate", func(s *Stream) {
			_ = s.WriteControl(TypeTerminate, AppendDisconnect(nil, 1, "idle\ttimeout"))
			_ = s.Close()
		},
			protocol.NoteServerClosed, "idle timeout"},
		{"connection lost", func(s *Stream) { _ = s.Abandon() }, protocol.NoteDown, ""},
		{"not CSTP", func(s *Stream) { _, _ = s.tls.Write([]byte("<html></html>")); _ = s.Close() }, protocol.NoteDown, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			tun, gw := open(t, testSettings())
			c.do(gw)
			if n := <-tun.Notifications(); n.Kind != c.kind || n.Text != c.text || n.Err == nil {
				t.Errorf("%+v", n)
			}
		})
	}
}
