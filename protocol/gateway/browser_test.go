package gateway

import (
	"context"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/authxml"
	"github.com/holdfast-vpn/holdfast/protocol/strap"
)

// withBrowser lets the group admins sign in in a browser, at a gateway that binds sessions to keys.
func withBrowser(c *Config) {
	c.Bound = true
	c.Groups[1].Browser = true
}

// surf asks for a page as a browser does; with a form it posts that.
func (r *rig) surf(path string, form url.Values) (status int, to, body string) {
	r.t.Helper()
	c := r.dial()
	method, send := http.MethodGet, ""
	if form != nil {
		method, send = http.MethodPost, form.Encode()
	}
	q, err := http.NewRequest(method, "https://vpn.example.com"+path, strings.NewReader(send))
	if err != nil {
		r.t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if err := q.Write(c.tls); err != nil {
		r.t.Fatal(err)
	}
	resp, err := http.ReadResponse(c.r, q)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	_ = c.raw.Close()
	return resp.StatusCode, resp.Header.Get("Location"), html.UnescapeString(string(b))
}

var (
	onward = regexp.MustCompile(`url=(http://localhost:29786/api/sso/[^"]+)"`)
	ticket = regexp.MustCompile(`name="ctx" value="([^"]+)"`)
)

// walk signs in at a page, with one password after the other, and returns what the browser is to bring to the client; "" when it is sent nowhere.
func (r *rig) walk(page, name string, passwords ...string) (response, back string) {
	r.t.Helper()
	u, err := url.Parse(page)
	if err != nil || u.Host != "vpn.example.com" {
		r.t.Fatalf("the page %q: %v", page, err)
	}
	status, to, _ := r.surf(u.RequestURI(), nil)
	if status != http.StatusFound {
		return "", "" // the page is out of order
	}
	if !strings.HasPrefix(to, pageProvider) {
		r.t.Fatalf("sent to %q", to)
	}
	_, _, body := r.surf(to, nil)
	m := ticket.FindStringSubmatch(body)
	if m == nil {
		return "", "" // the sign-in is over
	}
	for _, p := range passwords {
		_, _, body = r.surf(pageProvider, url.Values{"ctx": {m[1]}, "username": {name}, "password": {p}})
	}
	next := onward.FindStringSubmatch(body)
	if next == nil {
		return "", ""
	}
	if u, err = url.Parse(next[1]); err != nil {
		r.t.Fatal(err)
	}
	return strings.TrimPrefix(u.Path, "/api/sso/"), u.Query().Get("return")
}

// surfer is a user who signs in in a browser, as name with one list of passwords for each time.
type surfer struct {
	r     *rig
	name  string
	words [][]string
	wait  time.Duration // before it goes to the page
	asked []string
}

func (s *surfer) Ask(_ context.Context, f protocol.Form) (protocol.Answer, error) {
	s.asked = append(s.asked, strings.TrimSpace(string(f.Kind)+" "+f.Error))
	if f.Kind != protocol.FormBrowser {
		return protocol.Answer{Accept: true}, nil
	}
	if len(s.words) == 0 {
		return protocol.Answer{}, fault.New(fault.AuthInput, nil)
	}
	words := s.words[0]
	s.words = s.words[1:]
	time.Sleep(s.wait)
	response, back := s.r.walk(f.Browser.URL, s.name, words...)
	if back != "" && back != "https://vpn.example.com"+pageDone {
		s.r.t.Errorf("the browser goes on to %q", back)
	}
	a := protocol.Answer{Values: map[string]redact.Secret{protocol.ResponseField: redact.NewString(response)}}
	if err := f.Check(a); err != nil {
		return a, err
	}
	return a, nil
}

// TestSignInInABrowser: our client, the page and the gateway agree; the session comes back with its key and with nothing less.
func TestSignInInABrowser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, withBrowser)
		c, target := r.connector()
		target.Group = "admins"
		who := &surfer{r: r, name: "alice", words: [][]string{{"wrong", "wonderland"}}}
		tun, err := c.Open(t.Context(), target, who)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(who.asked, ", "); got != "browser, banner" {
			t.Errorf("asked %s", got)
		}
		echoes(t, tun)
		resume := func(s protocol.SessionRef) (protocol.Tunnel, error) {
			at, err := c.Reach(t.Context(), s, protocol.Path{})
			if err != nil {
				t.Fatal(err)
			}
			return c.Resume(t.Context(), s, at)
		}
		for range 3 {
			next, err := resume(tun.Session())
			if err != nil {
				t.Fatal(err)
			}
			_ = tun.Close(protocol.CloseQuiet)
			tun = next
			echoes(t, tun)
		}
		stolen := tun.Session()
		stolen.Key = strap.Key{}
		_, err = resume(stolen)
		wantCode(t, err, fault.GwSession)
		other, err := strap.New()
		if err != nil {
			t.Fatal(err)
		}
		stolen.Key = other.Key()
		_, err = resume(stolen)
		wantCode(t, err, fault.GwSession)
		echoes(t, tun) // a token without its key has moved nothing
		_ = tun.Close(protocol.CloseUser)
	})
}

// TestPasswordsAreBoundToo: a login by form announces keys as well, and its session is as little worth without them.
func TestPasswordsAreBoundToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, withBrowser)
		c, target := r.connector()
		tun, err := c.Open(t.Context(), target, user{"username": "alice", "password": "wonderland"})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tun.Close(protocol.CloseUser) }()
		s := tun.Session()
		s.Key = strap.Key{}
		at, err := c.Reach(t.Context(), s, protocol.Path{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Resume(t.Context(), s, at)
		wantCode(t, err, fault.GwSession)
	})
}

// TestSignInRefused: what may go wrong at the page and after it, and who is told.
func TestSignInRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Config)
		fault  func(*Gateway)
		who    surfer
		asked  string
		code   fault.Code
	}{
		"a user of other groups": {
			who: surfer{name: "bob", words: [][]string{{"builder"}, {"builder"}, {"builder"}}}, asked: "browser, browser Login failed., browser Login failed.", code: fault.AuthRefused,
		},
		"a password that stays wrong": {who: surfer{name: "alice", words: [][]string{{"a", "b", "c", "wonderland"}}}, asked: "browser", code: fault.AuthResponse},
		"sealed to another key": {
			fault: func(g *Gateway) { g.Misbehave(StageSeal, &Misdeed{Times: 1}) },
			who:   surfer{name: "alice", words: [][]string{{"wonderland"}}}, asked: "browser", code: fault.AuthResponse,
		},
		"nobody there": {who: surfer{name: "alice"}, asked: "browser", code: fault.AuthInput},
		"a page out of order": {
			fault: func(g *Gateway) { g.Misbehave(StageSignIn, &Misdeed{Kind: Unavailable, Reason: "Full"}) },
			who:   surfer{name: "alice", words: [][]string{{"wonderland"}}}, asked: "browser", code: fault.AuthResponse,
		},
		"a page that is late": {
			fault: func(g *Gateway) { g.Misbehave(StageSignIn, &Misdeed{Kind: Late, Delay: time.Minute, Times: 1}) },
			who:   surfer{name: "alice", words: [][]string{{"wonderland"}}}, asked: "browser, banner",
		},
		"a login that took too long": {
			who: surfer{name: "alice", words: [][]string{{"wonderland"}}, wait: loginFor}, asked: "browser", code: fault.AuthResponse,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, withBrowser)
				if tt.fault != nil {
					tt.fault(r.gw)
				}
				c, target := r.connector()
				target.Group = "admins"
				tt.who.r = r
				tun, err := c.Open(t.Context(), target, &tt.who)
				if got := strings.Join(tt.who.asked, ", "); got != tt.asked {
					t.Errorf("asked %s", got)
				}
				if tt.code != "" {
					wantCode(t, err, tt.code)
				} else if err != nil {
					t.Fatal(err)
				} else {
					_ = tun.Close(protocol.CloseUser)
				}
			})
		})
	}
}

// TestBrowserGroupIsNoOtherWayIn: no password by form, no token that was not handed out, none twice.
func TestBrowserGroupIsNoOtherWayIn(t *testing.T) {
	r := newRealRig(t, withBrowser)
	keys, err := strap.New()
	if err != nil {
		t.Fatal(err)
	}
	pub, dh := keys.Announce()
	var last *authxml.Response
	post := func(r2 *authxml.Request, headers bool) *authxml.Response {
		t.Helper()
		doc, err := r2.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		q, err := http.NewRequest(http.MethodPost, "https://vpn.example.com/", strings.NewReader(string(doc)))
		if err != nil {
			t.Fatal(err)
		}
		if headers {
			q.Header.Set(strap.HeaderPubkey, pub)
			q.Header.Set(strap.HeaderDHPubkey, dh)
		}
		c := r.dial()
		defer c.raw.Close()
		if err := q.Write(c.tls); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(c.r, q)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusOK {
			return nil
		}
		if last, err = authxml.ParseResponse(b); err != nil {
			t.Fatal(err)
		}
		return last
	}
	begin := func() *authxml.Response {
		return post(&authxml.Request{Type: authxml.TypeInit, GroupSelect: "admins", Capabilities: []string{authxml.MethodExternalBrowser}}, true)
	}
	answer := func(name, value string) *authxml.Response {
		return post(&authxml.Request{Type: authxml.TypeReply, Opaque: last.Opaque, Fields: []authxml.Field{{Name: name, Value: redact.NewString(value)}}}, true)
	}
	for what, q := range map[string]*authxml.Request{
		"no capability": {Type: authxml.TypeInit, GroupSelect: "admins"},
		"no key":        {Type: authxml.TypeInit, GroupSelect: "admins", Capabilities: []string{authxml.MethodExternalBrowser}},
	} {
		if got := post(q, what == "no capability"); got.SSO != nil || got.Form != nil || got.Error == "" {
			t.Errorf("%s: %+v", what, got)
		}
	}
	if got := begin(); got.SSO == nil || got.SSO.Mode != authxml.BrowserExternal {
		t.Fatalf("%+v", got)
	}
	if got := answer(ssoField, ""); got.Error == "" {
		t.Error("nothing was taken for a token")
	}
	if got := answer(ssoField, "guessed"); got.Error == "" {
		t.Error("a guess was taken for a token")
	}
	begin()
	response, _ := r.walk(last.SSO.Login, "alice", "wonderland")
	token, err := keys.Open(redact.NewString(response))
	if err != nil {
		t.Fatal(err)
	}
	first := last
	begin()
	if got := answer(ssoField, string(token.Reveal())); got.Error == "" {
		t.Error("a token was good for another login")
	}
	last = first
	if got := answer(ssoField, string(token.Reveal())); got.Type != authxml.TypeComplete {
		t.Errorf("the token was refused: %+v", got)
	}
	last = first
	if got := answer(ssoField, string(token.Reveal())); got != nil && got.Type == authxml.TypeComplete {
		t.Error("the token was good twice")
	}
	post(&authxml.Request{Type: authxml.TypeInit, Capabilities: []string{authxml.MethodExternalBrowser}}, true)
	got := post(&authxml.Request{Type: authxml.TypeReply, Opaque: last.Opaque, GroupSelect: "admins", Fields: []authxml.Field{
		{Name: "username", Value: redact.NewString("alice")}, {Name: "password", Value: redact.NewString("wonderland")},
	}}, true)
	if got == nil || got.Type == authxml.TypeComplete || got.SSO == nil {
		t.Errorf("a password was enough: %+v", got)
	}
	if status, _, body := r.surf(pageProvider+"?ctx=", nil); status != http.StatusNotFound || strings.Contains(body, "<form") {
		t.Errorf("a page without a login: %d %s", status, body)
	}
	if status, _, body := r.surf(pageProvider+"?ctx="+url.QueryEscape(`"><script>`), nil); status != http.StatusNotFound || strings.Contains(body, "<script") {
		t.Errorf("a page with a script: %d %s", status, body)
	}
}
