package browser

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// sealed is something in the shape of a response.
func sealed(content string) string {
	return base64.StdEncoding.EncodeToString(append([]byte{0, 1, 0, 3}, content...))
}

// signing is a SignIn under way, with an agent that takes one response.
type signing struct {
	t      *testing.T
	port   uint16
	cancel context.CancelFunc
	got    chan string // the responses that the agent was given, in order
	told   chan *fault.Error
	opened chan string
	end    chan error
}

// begin starts a SignIn whose agent takes the response takes, and calls others not for this login.
func begin(t *testing.T, takes string) *signing {
	t.Helper()
	got := make(chan string, 256)
	s := beginWith(t, func(_ context.Context, id string, a ipc.Answer) error {
		v := string(a.Fields[ipc.ResponseField].Reveal())
		got <- v
		switch {
		case id != "p7" || len(a.Fields) != 1:
			return fault.New(fault.Internal, nil)
		case takes == "gone":
			return fault.New(fault.AuthPromptGone, nil)
		case v != takes:
			return fault.New(fault.AuthResponse, nil)
		}
		return nil
	})
	s.got = got
	return s
}

// beginWith starts a SignIn with an agent.
func beginWith(t *testing.T, answer func(context.Context, string, ipc.Answer) error) *signing {
	t.Helper()
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		s := &signing{
			t: t, port: freePort(), cancel: cancel, told: make(chan *fault.Error, 256), opened: make(chan string, 1), end: make(chan error, 1),
		}
		p := &ipc.Prompt{ID: "p7", Kind: "browser", Browser: &ipc.Browser{
			URL: "https://vpn.example.com/+CSCOE+/saml/sp/login?tgname=x", Host: "vpn.example.com", Gateway: "gw.example.com:8443", Port: s.port,
		}}
		go func() {
			s.end <- SignIn(ctx, p, Options{
				Open:   func(_ context.Context, page string) error { s.opened <- page; return nil },
				Tell:   func(f *fault.Error) { s.told <- f },
				Answer: answer,
			})
		}()
		select {
		case page := <-s.opened:
			if page != p.Browser.URL {
				t.Errorf("opened %q", page)
			}
			t.Cleanup(cancel)
			return s
		case err := <-s.end: // somebody else had that port
			cancel()
			if fault.As(err).Code != fault.AuthPort {
				t.Fatal(err)
			}
		}
	}
	t.Fatal("no port is free")
	return nil
}

// freePort finds a port that was free a moment ago.
func freePort() uint16 {
	for {
		port := 10000 + rand.IntN(20000) // below those that systems give to connections
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			l.Close()
			return uint16(port)
		}
	}
}

// send makes one request and returns the answer with its body. An empty host is the right one.
func (s *signing) send(method, target, host string) (*http.Response, string) {
	s.t.Helper()
	q, err := http.NewRequest(method, "http://127.0.0.1:"+strconv.Itoa(int(s.port))+target, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	q.Host = host
	if host == "" {
		q.Host = "localhost:" + strconv.Itoa(int(s.port))
	}
	c := &http.Client{
		Timeout:       10 * time.Second,
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	r, err := c.Do(q)
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return r, string(body)
}

// ended is how SignIn ended.
func (s *signing) ended() error {
	s.t.Helper()
	select {
	case err := <-s.end:
		return err
	case <-time.After(20 * time.Second):
		s.t.Fatal("SignIn does not end")
		return nil
	}
}

// TestSignIn: what is not the response changes nothing, what is a response but not for this login changes nothing either, and the first good one ends it.
func TestSignIn(t *testing.T) {
	good := sealed("good, with + and / in base64: \xfb\xff\xfe")
	s := begin(t, good)
	port := strconv.Itoa(int(s.port))
	whole := path + url.PathEscape(good)
	for name, q := range map[string]struct {
		method, target, host string
		status               int
	}{
		"another page":            {"GET", "/", "", 404},
		"an icon":                 {"GET", "/favicon.ico", "", 404},
		"nothing in it":           {"GET", path, "", 404},
		"no base64":               {"GET", path + "hello%20world", "", 404},
		"too short":               {"GET", path + "AAE=", "", 404},
		"another version":         {"GET", path + base64.StdEncoding.EncodeToString([]byte{0, 2, 0, 1, 0, 0, 0}), "", 404},
		"too long":                {"GET", path + sealed(strings.Repeat("x", maxResponse)), "", 404},
		"another way up":          {"GET", "/x/.." + whole, "", 404},
		"posted":                  {"POST", whole, "", 404},
		"asked about":             {"OPTIONS", whole, "", 404},
		"head alone":              {"HEAD", whole, "", 404},
		"under another name":      {"GET", whole, "evil.example:" + port, 403},
		"a name that begins well": {"GET", whole, "localhost.evil.example:" + port, 403},
		"another port":            {"GET", whole, "localhost:1", 403},
		"no port":                 {"GET", whole, "localhost", 403},
		"an address outside":      {"GET", whole, "192.0.2.1:" + port, 403},
		"not for this login":      {"GET", path + sealed("forged"), "", 400},
	} {
		r, body := s.send(q.method, q.target, q.host)
		if r.StatusCode != q.status || r.Header.Get("Location") != "" || r.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %s %s", name, r.Status, body)
		}
	}
	if got := <-s.got; got != sealed("forged") || len(s.got) != 0 {
		t.Errorf("the agent was given %q and %d more", got, len(s.got))
	}
	if f := <-s.told; f.Code != fault.AuthResponse {
		t.Errorf("told %v", f)
	}
	r, body := s.send("GET", whole, "[::1]:"+port)
	if r.StatusCode != 200 || !strings.Contains(body, "You are signed in.") || strings.Contains(body, good) {
		t.Errorf("%s %s", r.Status, body)
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY"} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if err := s.ended(); err != nil {
		t.Error(err)
	}
	if got := <-s.got; got != good {
		t.Errorf("the agent was given %q", got)
	}
	if l, err := net.Listen("tcp", "127.0.0.1:"+port); err != nil {
		t.Errorf("the port is still taken: %v", err)
	} else {
		l.Close()
	}
}

// TestOnward: after the sign-in the browser goes on to the gateway or to the host of the page by https, and to nobody else.
func TestOnward(t *testing.T) {
	hosts := []string{"vpn.example.com", "gw.example.com:8443", ""}
	for address, ok := range map[string]bool{
		"https://vpn.example.com/+CSCOE+/saml_ac_login.html":   true,
		"https://VPN.example.com:443/done":                     true,
		"https://gw.example.com:8443/":                         true,
		"https://gw.example.com/":                              false,
		"http://vpn.example.com/":                              false,
		"https://vpn.example.com.evil.example/":                false,
		"https://evil.example/?https://vpn.example.com/":       false,
		"https://vpn.example.com@evil.example/":                false,
		"https://user@vpn.example.com/":                        false,
		"https://evil.example\\@vpn.example.com/":              false,
		"https://vpn.example.com/\r\nSet-Cookie: a=b":          false,
		"https://vpn.example.com/" + strings.Repeat("x", 2048): false,
		"https://":                  false,
		"https:///x":                false,
		"//vpn.example.com/":        false,
		"/":                         false,
		"javascript:alert(1)":       false,
		"":                          false,
		"HTTPS://vpn.example.com/x": false,
	} {
		if got := onward(address, hosts...); (got != "") != ok || got != "" && got != address {
			t.Errorf("%q goes on to %q", address, got)
		}
	}
	s := begin(t, sealed("good"))
	r, _ := s.send("GET", path+url.PathEscape(sealed("good"))+"?return="+url.QueryEscape("https://gw.example.com:8443/done?x=1"), "")
	if r.StatusCode != 302 || r.Header.Get("Location") != "https://gw.example.com:8443/done?x=1" {
		t.Errorf("%s to %q", r.Status, r.Header.Get("Location"))
	}
	if err := s.ended(); err != nil {
		t.Error(err)
	}
	s = begin(t, sealed("good"))
	if r, _ := s.send("GET", path+url.PathEscape(sealed("good"))+"?return="+url.QueryEscape("https://evil.example/"), ""); r.StatusCode != 200 || r.Header.Get("Location") != "" {
		t.Errorf("%s to %q", r.Status, r.Header.Get("Location"))
	}
}

// TestEnds: a prompt that is over ends the sign-in with the agent's word, one that is withdrawn with the context's.
func TestEnds(t *testing.T) {
	s := begin(t, "gone")
	if r, body := s.send("GET", path+url.PathEscape(sealed("late")), ""); r.StatusCode != 400 || !strings.Contains(body, "could not be used") {
		t.Errorf("%s %s", r.Status, body)
	}
	if err := s.ended(); err == nil || fault.As(err).Code != fault.AuthPromptGone {
		t.Errorf("it ended with %v", err)
	}
	s = begin(t, "")
	s.cancel()
	if err := s.ended(); err != context.Canceled {
		t.Errorf("it ended with %v", err)
	}
}

// TestFlood: who sends forged responses without end keeps the agent hardly busy, and the right one gets through.
func TestFlood(t *testing.T) {
	good := sealed("good")
	s := begin(t, good)
	begun := time.Now()
	var flood sync.WaitGroup
	for range 4 {
		flood.Go(func() {
			for time.Since(begun) < 3*pause {
				c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
				if r, err := c.Get(fmt.Sprintf("http://localhost:%d%s%s", s.port, path, url.PathEscape(sealed("forged")))); err == nil {
					r.Body.Close()
				}
			}
		})
	}
	time.Sleep(pause)
	if r, body := s.send("GET", path+url.PathEscape(good), ""); r.StatusCode != 200 {
		t.Errorf("%s %s", r.Status, body)
	}
	if err := s.ended(); err != nil {
		t.Error(err)
	}
	took := time.Since(begun)
	flood.Wait()
	if most := int(took/pause) + 2; len(s.got) > most {
		t.Errorf("the agent was asked %d times in %v", len(s.got), took)
	}
}

// TestHeldConnections: who holds connections to the port open, as every user of this machine can, keeps neither the right response out nor the files of this process.
func TestHeldConnections(t *testing.T) {
	s := begin(t, sealed("good"))
	at := fmt.Sprintf("127.0.0.1:%d", s.port)
	var held []net.Conn
	defer func() {
		for _, c := range held {
			c.Close()
		}
	}()
	for range 4 * maxConns {
		c, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
	}
	begun := time.Now()
	for i, c := range held[:3*maxConns] {
		_ = c.SetReadDeadline(begun.Add(headTime / 2)) // by then nothing but their number ends them
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("connection %d of %d is held: %v", i, len(held), err)
		}
	}
	if r, body := s.send("GET", path+url.PathEscape(sealed("good")), ""); r.StatusCode != 200 {
		t.Errorf("%s %s", r.Status, body)
	}
	if err := s.ended(); err != nil {
		t.Error(err)
	}
}

// TestBusy: a page that comes while others wait for the agent is asked for again by the browser itself.
func TestBusy(t *testing.T) {
	goOn := make(chan struct{})
	s := beginWith(t, func(context.Context, string, ipc.Answer) error {
		<-goOn
		return fault.New(fault.AuthResponse, nil)
	})
	answers := make(chan *http.Response, maxQueue+1)
	var all sync.WaitGroup
	for range maxQueue + 1 {
		all.Go(func() {
			c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
			if r, err := c.Get(fmt.Sprintf("http://localhost:%d%s%s", s.port, path, url.PathEscape(sealed("any")))); err == nil {
				r.Body.Close()
				answers <- r
			}
		})
	}
	r := <-answers // of the only one that does not wait
	if r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Refresh") == "" || r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s, %v", r.Status, r.Header)
	}
	close(goOn)
	s.cancel()
	all.Wait()
	if err := s.ended(); err != context.Canceled {
		t.Error(err)
	}
}

// TestTakenAndWithdrawn: an agent that takes an answer withdraws its prompt at once, and whoever hears of that first must neither fail the answer nor take its page away.
func TestTakenAndWithdrawn(t *testing.T) {
	var s *signing
	s = beginWith(t, func(ctx context.Context, _ string, _ ipc.Answer) error {
		s.cancel()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
			return nil
		}
	})
	if r, body := s.send("GET", path+url.PathEscape(sealed("good")), ""); r.StatusCode != 200 || !strings.Contains(body, "You are signed in.") {
		t.Errorf("%s %s", r.Status, body)
	}
	if err := s.ended(); err != nil {
		t.Error(err)
	}
}

// TestOpenerThatStays: an opener that has become the browser does not keep anybody from going on.
func TestOpenerThatStays(t *testing.T) {
	for {
		p := &ipc.Prompt{ID: "p1", Browser: &ipc.Browser{URL: "https://vpn.example.com/", Host: "vpn.example.com", Port: freePort()}}
		end, opened := make(chan error, 1), make(chan struct{})
		go func() {
			end <- SignIn(t.Context(), p, Options{
				Open:   func(ctx context.Context, _ string) error { close(opened); <-ctx.Done(); return ctx.Err() },
				Tell:   func(f *fault.Error) { t.Errorf("told %v", f) },
				Answer: func(context.Context, string, ipc.Answer) error { return nil },
			})
		}()
		s := &signing{t: t, port: p.Browser.Port, end: end}
		select {
		case <-opened:
		case err := <-end:
			if fault.As(err).Code == fault.AuthPort {
				continue
			}
			t.Fatal(err)
		}
		s.send("GET", path+url.PathEscape(sealed("good")), "")
		if err := s.ended(); err != nil {
			t.Error(err)
		}
		return
	}
}

// TestNoBrowser: where none can be opened the person is told, and may come with another one.
func TestNoBrowser(t *testing.T) {
	told := make(chan *fault.Error, 1)
	for {
		p := &ipc.Prompt{ID: "p1", Browser: &ipc.Browser{URL: "https://vpn.example.com/", Host: "vpn.example.com", Port: freePort()}}
		end := make(chan error, 1)
		go func() {
			end <- SignIn(t.Context(), p, Options{
				Open:   func(context.Context, string) error { return fault.New(fault.AuthBrowser, nil) },
				Tell:   func(f *fault.Error) { told <- f },
				Answer: func(context.Context, string, ipc.Answer) error { return nil },
			})
		}()
		s := &signing{t: t, port: p.Browser.Port, end: end}
		select {
		case f := <-told:
			if f.Code != fault.AuthBrowser {
				t.Errorf("told %v", f)
			}
		case err := <-end:
			if fault.As(err).Code == fault.AuthPort {
				continue
			}
			t.Fatal(err)
		}
		s.send("GET", path+url.PathEscape(sealed("from elsewhere")), "")
		if err := s.ended(); err != nil {
			t.Error(err)
		}
		return
	}
}

// TestPortTaken: where either loopback address is somebody else's, no page is opened: the browser might bring the response to him.
func TestPortTaken(t *testing.T) {
	for _, at := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", at)
		if err != nil && strings.Contains(at, "::1") {
			continue // this machine has no IPv6
		} else if err != nil {
			t.Fatal(err)
		}
		p := &ipc.Prompt{Browser: &ipc.Browser{URL: "https://vpn.example.com/", Port: uint16(l.Addr().(*net.TCPAddr).Port)}}
		err = SignIn(t.Context(), p, Options{Open: func(context.Context, string) error { t.Error("a page was opened"); return nil }})
		if err == nil || fault.As(err).Code != fault.AuthPort {
			t.Errorf("%s: %v", at, err)
		}
		l.Close()
	}
}

// TestOpen: only https addresses are opened, each as one argument of a program that takes no other.
func TestOpen(t *testing.T) {
	const page = "https://vpn.example.com/a?b=$(c)&d=%20;e"
	for goos, want := range map[string]string{
		"linux": "xdg-open|" + page, "freebsd": "xdg-open|" + page, "darwin": "/usr/bin/open|" + page, "windows": "rundll32.exe|url.dll,FileProtocolHandler|" + page,
	} {
		if got := strings.Join(opener(goos, page), "|"); got != want {
			t.Errorf("%s: %s", goos, got)
		}
	}
	for _, bad := range []string{"", "http://vpn.example.com/", "file:///etc/passwd", "-x", "https://a b/", "https://a/\n", "https://a/\"x", "https://user:word@a/", "https://ä.example/"} {
		if err := Open(t.Context(), bad); err == nil || fault.As(err).Code != fault.AgentProtocol || bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("%q: %v", bad, err)
		}
		if err := SignIn(t.Context(), &ipc.Prompt{Browser: &ipc.Browser{URL: bad, Port: 29786}}, Options{}); err == nil || fault.As(err).Code != fault.AgentProtocol {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for name, p := range map[string]*ipc.Prompt{"nil": nil, "a form": {Kind: "form"}, "a port of the system's": {Browser: &ipc.Browser{URL: "https://a/", Port: 443}}} {
		if err := SignIn(t.Context(), p, Options{}); err == nil || fault.As(err).Code != fault.AgentProtocol {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzRequest: whatever is asked for, nothing is taken that is no base64 of version 1, and nobody is sent to another host.
func FuzzRequest(f *testing.F) {
	f.Add(path+url.PathEscape(sealed("x")), "https://vpn.example.com/", "localhost:29786")
	f.Add(path+"%", "https://vpn.example.com@evil.example/", "[::1]:29786")
	f.Fuzz(func(t *testing.T, escaped, to, host string) {
		if v, ok := response(escaped); ok {
			b, err := base64.StdEncoding.DecodeString(string(v.Reveal()))
			if err != nil || b[0] != 0 || b[1] != 1 || v.Len() > maxResponse {
				t.Errorf("%q was taken", escaped)
			}
		}
		if at := onward(to, "vpn.example.com"); at != "" {
			u, err := url.Parse(at)
			if err != nil || u.Scheme != "https" || !strings.EqualFold(u.Hostname(), "vpn.example.com") || u.User != nil || strings.ContainsAny(at, "\r\n") {
				t.Errorf("sent on to %q", at)
			}
		}
		if loopback(host, 29786) && !strings.HasSuffix(host, ":29786") {
			t.Errorf("%q is no name of ours", host)
		}
	})
}
