package login

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/strap"
)

func TestLoginOnOneConnectionForEachAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		cert := w.ca.leaf(t, nil)
		w.gateway(addr1, cert, passwordGateway)
		user := &asker{answers: answers{"password": {"wrong", canaryPassword}}, wait: time.Minute}
		r, err := Run(t.Context(), w.pc.Dialer(), w.target(), user, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = r.Conn.Close() }()
		posts, conns := w.seen()
		if conns != 2 || len(posts) != 6 {
			t.Errorf("%d connections, %d requests", conns, len(posts))
		}
		if string(r.Token.Reveal()) != canaryToken || r.User != "alice" || r.LeafKey != keyOf(cert) || r.Gateway.Addr() != addr1 || r.Target.Fixed[0] != addr1 {
			t.Errorf("%+v", r)
		}
		if want := `ask form "Please enter your password." error="Login failed." password:password`; len(user.asked) != 2 || user.asked[1] != want {
			t.Errorf("asked %q", user.asked)
		}
		if !strings.Contains(posts[5], "webvpncontext=ctx= ") || !strings.Contains(posts[5], canaryPassword) {
			t.Errorf("last request %q", posts[5])
		}
		if text := fmt.Sprintf("%v %+v", r, r); strings.Contains(text, "canary") {
			t.Error("the result prints its token")
		}
		// The connection must be as new: no deadline left on it.
		time.Sleep(10 * time.Minute)
		if _, err := io.WriteString(r.Conn.TLS, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\ntype=\"init\" "); err != nil {
			t.Error(err)
		}
		if n, err := r.Conn.TLS.Read(make([]byte, 100)); n == 0 || err != nil {
			t.Error(n, err)
		}
	})
}

func TestRequestHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		var got http.Header
		w.gateway(addr1, w.ca.leaf(t, nil), func(_ int, r *http.Request, body string) (string, time.Duration) {
			got = r.Header
			if pad := len(r.Header.Get("X-Pad")) + len(body); pad%64 != 0 {
				t.Errorf("padded to %d", pad)
			}
			return http200(string(done().Body), "Set-Cookie: webvpn=x"), 0
		})
		r, err := Run(t.Context(), w.pc.Dialer(), w.target(), &asker{}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Conn.Close()
		if pub, dh := got.Get(strap.HeaderPubkey), got.Get(strap.HeaderDHPubkey); len(pub) != 124 || len(dh) != 124 || pub == dh { // 91 bytes each, new for every login
			t.Errorf("keys %q and %q", pub, dh)
		}
		got.Del(strap.HeaderPubkey)
		got.Del(strap.HeaderDHPubkey)
		got.Del("X-Pad")
		got.Del("Content-Length")
		want := http.Header{"User-Agent": {DefaultUserAgent}, "Accept": {"*/*"}, "Accept-Encoding": {"identity"}, "X-Transcend-Version": {"1"}, "X-Aggregate-Auth": {"1"},
			"Content-Type": {"application/xml; charset=utf-8"}}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %v\nwant %v", got, want)
		}
	})
}

// endless writes what it is told until the client has enough, a byte every second if slow.
func endless(start, more string, slow bool) func(w *world, c net.Conn) {
	return func(w *world, c net.Conn) {
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{w.ca.leaf(w.t, nil)}})
		if _, err := s.Read(make([]byte, 4096)); err != nil {
			return
		}
		_, err := io.WriteString(s, start)
		for err == nil {
			if slow {
				time.Sleep(time.Second)
			}
			_, err = io.WriteString(s, more)
		}
	}
}

// mute does the handshake, reads, and says nothing.
func mute(w *world, c net.Conn) {
	_, _ = io.Copy(io.Discard, tls.Server(c, &tls.Config{Certificates: []tls.Certificate{w.ca.leaf(w.t, nil)}}))
}

// stalls asks for a name and says nothing to it.
func stalls(n int, r *http.Request, body string) (string, time.Duration) {
	raw, _ := passwordGateway(n, r, body)
	if strings.Contains(body, "<username>") {
		return raw, time.Hour
	}
	return raw, 0
}

// TestAnswersThatAreNone: what a server that is no gateway, or a hostile one, may answer to the first request.
func TestAnswersThatAreNone(t *testing.T) {
	kilobyte := strings.Repeat("a", 1024)
	for name, tc := range map[string]struct {
		serve func(w *world, c net.Conn)
		raw   string // when serve is nil
		code  fault.Code
		took  time.Duration // at most; a second when zero
	}{
		"a web page":                  {raw: "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n<html>canary</h>", code: fault.NetNotVPN},
		"a web server's 404":          {raw: "HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\n<html>", code: fault.NetNotVPN},
		"a web server's 405":          {raw: "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n", code: fault.NetNotVPN},
		"a mail server":               {raw: "* OK IMAP4rev1 canary ready\r\n", code: fault.NetNotVPN},
		"a bad header":                {raw: "HTTP/1.1 200 OK\r\nSet-Cookie canary\r\n\r\n", code: fault.NetNotVPN},
		"malformed XML":               {raw: http200("<config-auth type=\"auth-request\"><auth>canary"), code: fault.NetMalformed},
		"bad chunks":                  {raw: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ncanary\r\n", code: fault.NetMalformed},
		"cut short":                   {raw: "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nX: Connection: close\r\n\r\ncanary", code: fault.NetLost},
		"a body too large, announced": {raw: "HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n", code: fault.NetTooMuch},
		"an endless body":             {serve: endless("HTTP/1.1 200 OK\r\n\r\n<a>", kilobyte, false), code: fault.NetTooMuch, took: time.Minute},
		"an endless chunked body":     {serve: endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "400\r\n"+kilobyte+"\r\n", false), code: fault.NetTooMuch, took: time.Minute},
		"an endless header":           {serve: endless("HTTP/1.1 200 OK\r\n", "X: "+kilobyte+"\r\n", false), code: fault.NetTooMuch, took: time.Minute},
		"an endless line":             {serve: endless("HTTP/1.1 200 ", kilobyte, false), code: fault.NetTooMuch, took: time.Minute},
		"endless interim answers":     {serve: endless("", "HTTP/1.1 102 Processing\r\n\r\n", false), code: fault.NetTooMuch, took: time.Minute},
		"a header that drips":         {serve: endless("HTTP/1.1 200 OK\r\n", "X: a\r\n", true), code: fault.NetTooMuch, took: 32 * time.Second},
		"a body that drips":           {serve: endless("HTTP/1.1 200 OK\r\n\r\n", "<", true), code: fault.NetTooMuch, took: 32 * time.Second},
		"silence":                     {serve: mute, code: fault.NetSilent, took: 32 * time.Second},
		"closed": {serve: func(w *world, c net.Conn) {
			s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{w.ca.leaf(w.t, nil)}})
			_, _ = s.Read(make([]byte, 4096))
			_ = s.Close()
		}, code: fault.NetLost},
		"a client certificate wanted, said late": {serve: func(w *world, c net.Conn) {
			w.serve(c, &tls.Config{Certificates: []tls.Certificate{w.ca.leaf(w.t, nil)}, ClientAuth: tls.RequireAnyClientCert}, passwordGateway)
		}, code: fault.AuthCertNeeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.end()
				if tc.serve != nil {
					w.listen(addr1, func(c net.Conn) { tc.serve(w, c) })
				} else {
					w.gateway(addr1, w.ca.leaf(t, nil), func(int, *http.Request, string) (string, time.Duration) { return tc.raw, 0 })
				}
				began := time.Now()
				_, err := Run(t.Context(), w.pc.Dialer(), w.target(), &asker{}, Options{})
				if f := wantFault(t, err, tc.code); f.Exit() != 5 && tc.code != fault.AuthCertNeeded {
					t.Errorf("exit %d", f.Exit())
				}
				if took := time.Since(began); took > max(tc.took, time.Second) {
					t.Errorf("took %s", took)
				}
			})
		})
	}
}

func TestNobodyToAskAfterARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		w.gateway(addr1, w.ca.leaf(t, nil), passwordGateway)
		_, err := Run(t.Context(), w.pc.Dialer(), w.target(), &asker{answers: answers{"password": {"wrong"}}}, Options{})
		if f := wantFault(t, err, fault.AuthRefused); f.Exit() != 4 || !strings.Contains(f.Sentence(), "Login failed.") {
			t.Errorf("%d %s", f.Exit(), f.Sentence())
		}
		_, err = Run(t.Context(), w.pc.Dialer(), w.target(), &asker{}, Options{})
		if f := wantFault(t, err, fault.AuthInput); f.Exit() != 10 {
			t.Errorf("%d %s", f.Exit(), f.Sentence())
		}
	})
}

// TestGatewayThatClosesBetweenForms: each request finds or makes a live connection, and no answer of a person is sent twice.
func TestGatewayThatClosesBetweenForms(t *testing.T) {
	closing := func(how func(raw string, n int) string) script {
		return func(n int, r *http.Request, body string) (string, time.Duration) {
			raw, _ := passwordGateway(n, r, body)
			return how(raw, n), 0
		}
	}
	for name, tc := range map[string]struct {
		gateway script
		conns   int
		posts   int
		open    bool // the last connection can carry the tunnel
		code    fault.Code
	}{
		"it says so": {closing(func(raw string, _ int) string {
			return strings.Replace(raw, "\r\n", "\r\nConnection: close\r\n", 1)
		}), 3, 3, false, ""},
		"it says so at the end": {closing(func(raw string, n int) string {
			if n == 2 {
				raw = strings.Replace(raw, "\r\n", "\r\nConnection: close\r\n", 1)
			}
			return raw
		}), 1, 3, false, ""},
		"it takes the password and closes": {closing(func(raw string, n int) string {
			if n == 2 {
				raw = ""
			}
			return raw
		}), 1, 3, false, fault.NetLost},
		"it speaks unasked": {closing(func(raw string, n int) string {
			if n == 2 {
				raw += "HTTP/1.1 200 OK\r\n\r\n"
			}
			return raw
		}), 1, 3, false, ""},
		"it stays": {passwordGateway, 1, 3, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.end()
				w.gateway(addr1, w.ca.leaf(t, nil), tc.gateway)
				r, err := Run(t.Context(), w.pc.Dialer(), w.target(), &asker{answers: answers{"password": {canaryPassword}}}, Options{})
				posts, conns := w.seen()
				if conns != tc.conns || len(posts) != tc.posts {
					t.Errorf("%d connections, %d requests", conns, len(posts))
				}
				if tc.code != "" {
					wantFault(t, err, tc.code)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if (r.Conn != nil) != tc.open {
					t.Errorf("connection %v", r.Conn)
				}
				if r.Conn != nil {
					_ = r.Conn.Close()
				}
			})
		})
	}
}

// TestGatewayThatClosesWhileTheUserTypes: it is seen before the password leaves.
func TestGatewayThatClosesWhileTheUserTypes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		cert := w.ca.leaf(t, nil)
		w.listen(addr1, func(c net.Conn) {
			timer := time.AfterFunc(time.Minute, func() { _ = c.Close() })
			defer timer.Stop()
			w.serve(c, &tls.Config{Certificates: []tls.Certificate{cert}}, passwordGateway)
		})
		r, err := Run(t.Context(), w.pc.Dialer(), w.target(), &asker{answers: answers{"password": {"p"}}, wait: 2 * time.Minute}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Conn.Close()
		if posts, conns := w.seen(); conns != 2 || len(posts) != 3 {
			t.Errorf("%d connections, %d requests", conns, len(posts))
		}
	})
}

// TestPush: the answer to a password waits for a phone, and the caller is told.
func TestPush(t *testing.T) {
	for name, tc := range map[string]struct {
		pause time.Duration
		code  fault.Code
	}{
		"confirmed after two minutes": {2 * time.Minute, ""},
		"never confirmed":             {personTime + time.Minute, fault.GwTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.end()
				w.gateway(addr1, w.ca.leaf(t, nil), func(n int, r *http.Request, body string) (string, time.Duration) {
					raw, _ := passwordGateway(n, r, body)
					if strings.Contains(body, "<password>") {
						return raw, tc.pause
					}
					return raw, 0
				})
				var since time.Time
				var waited time.Duration
				answered := 0
				o := Options{Answered: func() { answered++ }, Waiting: func(on bool) {
					if on {
						since = time.Now()
					} else {
						waited += time.Since(since)
					}
				}}
				r, err := Run(t.Context(), w.pc.Dialer(), w.target(), &asker{answers: answers{"password": {"p"}}}, o)
				if answered != 1 {
					t.Errorf("told %d times that the gateway answers", answered)
				}
				if want := min(tc.pause-promptly, personTime); waited.Round(time.Second) != want {
					t.Errorf("waited %s, want %s", waited, want)
				}
				if tc.code != "" {
					wantFault(t, err, tc.code)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				_ = r.Conn.Close()
			})
		})
	}
}

// TestRedirects: to another verified server, and nowhere else.
func TestRedirects(t *testing.T) {
	for name, tc := range map[string]struct {
		location string
		foreign  bool // the second server's certificate is not trusted
		code     fault.Code
	}{
		"another host":              {"https://gw2.example/staff", false, ""},
		"another host, not trusted": {"https://gw2.example/staff", true, fault.TLSUntrusted},
		"no TLS":                    {"http://gw2.example/", false, fault.NetRedirect},
		"no such name":              {"https://gw3.example/", false, fault.NetNoName},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.end()
				w.net.Name("gw2.example", addr2)
				w.gateway(addr1, w.ca.leaf(t, nil), func(int, *http.Request, string) (string, time.Duration) {
					return "HTTP/1.1 302 Found\r\nSet-Cookie: first=1\r\nContent-Length: 0\r\nLocation: " + tc.location + "\r\n\r\n", 0
				})
				by := w.ca
				if tc.foreign {
					by = newAuthority(t)
				}
				cert := by.leaf(t, func(c *x509.Certificate) { c.DNSNames = []string{"gw2.example"} })
				w.gateway(addr2, cert, passwordGateway)
				r, err := Run(t.Context(), w.pc.Dialer(), w.target(), &asker{answers: answers{"password": {"p"}}}, Options{})
				if tc.code != "" {
					wantFault(t, err, tc.code)
					if posts, _ := w.seen(); len(posts) != 1 {
						t.Errorf("requests %q", posts)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				_ = r.Conn.Close()
				if r.Target.Host != "gw2.example" || r.Target.Path != "/staff" || r.Target.Fixed[0] != addr2 || r.LeafKey != keyOf(cert) {
					t.Errorf("%+v", r.Target)
				}
				posts, _ := w.seen()
				if strings.Contains(strings.Join(posts, ""), "first=1") || !strings.HasPrefix(posts[1], "POST gw2.example/staff ") {
					t.Errorf("requests %q", posts)
				}
			})
		})
	}
}

// TestSilenceAfterAnAnswer: a gateway that was there and says nothing any more was not silent from the beginning.
func TestSilenceAfterAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		w.listen(addr1, func(c net.Conn) { w.serve(c, w.config(), stalls) })
		_, err := Run(t.Context(), w.pc.Dialer(), w.target(), &asker{answers: answers{"username": {"u"}}}, Options{})
		wantFault(t, err, fault.GwTimeout)
	})
}

// TestWhenTimeIsOver: the caller's limit, and his change of mind.
func TestWhenTimeIsOver(t *testing.T) {
	for name, tc := range map[string]struct {
		serve  func(w *world, c net.Conn)
		cancel bool
		code   fault.Code
	}{
		"nobody answers":         {nil, false, fault.NetTimeout},
		"no TLS answer":          {func(_ *world, c net.Conn) { _, _ = io.Copy(io.Discard, c) }, false, fault.NetTimeout},
		"no answer to a request": {mute, false, fault.NetTimeout},
		"no answer to the form":  {func(w *world, c net.Conn) { w.serve(c, w.config(), stalls) }, false, fault.GwTimeout},
		"cancelled dialling":     {nil, true, fault.AuthCancelled},
		"cancelled handshake":    {func(_ *world, c net.Conn) { _, _ = io.Copy(io.Discard, c) }, true, fault.AuthCancelled},
		"cancelled reading":      {mute, true, fault.AuthCancelled},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.end()
				if tc.serve != nil {
					w.listen(addr1, func(c net.Conn) { tc.serve(w, c) })
				} else {
					w.net.Host("silent", addr1).SetSilent(true)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				if tc.cancel {
					time.AfterFunc(time.Second, cancel)
				}
				began := time.Now()
				_, err := Run(ctx, w.pc.Dialer(), w.target(), &asker{answers: answers{"username": {"u"}}}, Options{})
				wantFault(t, err, tc.code)
				if took := time.Since(began); took > 2*time.Second {
					t.Errorf("took %s", took)
				}
			})
		})
	}
}

func TestTargetThatWouldBreakTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		w.gateway(addr1, w.ca.leaf(t, nil), passwordGateway)
		target := w.target()
		target.Path = "/a b"
		_, err := Run(t.Context(), w.pc.Dialer(), target, &asker{}, Options{})
		wantFault(t, err, fault.UseTarget)
		if _, err = Run(t.Context(), w.pc.Dialer(), w.target(), &asker{}, Options{UserAgent: "a\r\nX: b"}); err == nil {
			t.Error("a user agent of two lines was sent")
		}
	})
}

var _ protocol.Prompter = (*asker)(nil)
