package agent

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/gateway"
)

// surfs is a browser on the network of a world.
type surfs struct {
	t *testing.T
	w *world
	d protocol.Dialer
}

// get asks for a page, or posts a form to it, and follows where it is sent.
func (s surfs) get(address string, form url.Values) string {
	s.t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.w.ident.CAPEM)
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool}, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return s.d.DialTCP(ctx, netip.AddrPortFrom(gwAddr, 443), protocol.Path{})
	}}}
	ask := c.Get
	if form != nil {
		ask = func(string) (*http.Response, error) { return c.PostForm(address, form) }
	}
	r, err := ask(address)
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(bufio.NewReader(r.Body))
	if err != nil {
		s.t.Fatal(err)
	}
	return html.UnescapeString(string(b))
}

// signIn signs alice in at a page and returns the response that the browser is to bring.
func (s surfs) signIn(page string) redact.Secret {
	s.t.Helper()
	ticket := regexp.MustCompile(`name="ctx" value="([^"]+)"`).FindStringSubmatch(s.get(page, nil))
	if ticket == nil {
		s.t.Fatal("the page has no form")
	}
	body := s.get("https://vpn.example.com/idp/sign-in", url.Values{"ctx": {ticket[1]}, "username": {"alice"}, "password": {canary}})
	next := regexp.MustCompile(`/api/sso/([^"?]+)\?`).FindStringSubmatch(body)
	if next == nil {
		s.t.Fatalf("sent nowhere by %s", body)
	}
	text, err := url.PathUnescape(next[1])
	if err != nil {
		s.t.Fatal(err)
	}
	return redact.NewString(text)
}

// newBrowserWorld is a world whose one group signs in in a browser, at a gateway that binds sessions to keys, and a browser in it.
func newBrowserWorld(t *testing.T) (*world, surfs) {
	t.Helper()
	w := newWorldWith(t, home, func(c *gateway.Config) {
		c.Groups, c.Bound = []gateway.Group{{Name: "web", Browser: true}}, true
	})
	elsewhere := w.net.Host("desk")
	elsewhere.Uplink("eth0", netip.MustParseAddr("203.0.113.77"))
	return w, surfs{t, w, elsewhere.Dialer()}
}

// asked connects and waits for the prompt.
func (w *world) asked(t *testing.T) *ipc.Prompt {
	t.Helper()
	if _, err := w.Connect(t.Context(), alice, ipc.ConnectRequest{Target: "vpn.example.com", CAPEM: string(w.ident.CAPEM)}); err != nil {
		t.Fatal(err)
	}
	return w.until(t, "authenticating", 10*time.Second).Prompt
}

// response is the answer with what a browser brought.
func response(text redact.Secret) ipc.Answer {
	return ipc.Answer{Fields: map[string]redact.Secret{ipc.ResponseField: text}}
}

// TestSignInInABrowser: the page goes to the owner and to nobody else, a response that is not for this login changes nothing, and the session survives reconnects and a new agent with its key.
func TestSignInInABrowser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, browser := newBrowserWorld(t)
		p := w.asked(t)
		if p == nil || p.Kind != "browser" || p.Browser == nil {
			t.Fatalf("prompt %+v", p)
		}
		b := *p.Browser
		if !strings.HasPrefix(b.URL, "https://vpn.example.com/+CSCOE+/saml/sp/login?") || b.Host != "vpn.example.com" || b.Gateway != "vpn.example.com" || b.Port != 29786 {
			t.Errorf("%+v", b)
		}
		if len(p.Fields) != 1 || p.Fields[0].Name != ipc.ResponseField || !p.Until.After(time.Now()) {
			t.Errorf("%+v until %v", p.Fields, p.Until)
		}
		if others, err := json.Marshal(ipc.Reduce(w.state())); err != nil || strings.Contains(string(others), "saml") {
			t.Errorf("others see %s", others)
		}
		ctx := t.Context()
		yes := true
		for name, c := range map[string]struct {
			who  bool // alice
			a    ipc.Answer
			code fault.Code
		}{
			"another user":          {false, response(redact.NewString("AAE=")), fault.PolNotOwner},
			"noise":                 {true, response(redact.NewString("AAE=")), fault.AuthResponse},
			"no base64":             {true, response(redact.NewString(canary)), fault.AuthResponse},
			"zeroes":                {true, response(redact.NewString(base64.StdEncoding.EncodeToString(make([]byte, 200)))), fault.AuthResponse},
			"nothing":               {true, response(redact.Secret{}), fault.AuthResponse},
			"a field that is none":  {true, ipc.Answer{Fields: map[string]redact.Secret{"sso-token": redact.NewString("x")}}, fault.UseBad},
			"a yes":                 {true, ipc.Answer{Accept: &yes}, fault.UseBad},
			"no fields of any kind": {true, ipc.Answer{Fields: map[string]redact.Secret{}}, fault.AuthResponse},
		} {
			who := alice
			if !c.who {
				who = bob
			}
			if err := w.Answer(ctx, who, p.ID, c.a); err == nil || fault.As(err).Code != c.code {
				t.Errorf("%s: %v", name, err)
			}
		}
		if s := w.want("authenticating"); s.Prompt == nil || s.Prompt.ID != p.ID {
			t.Fatalf("the prompt is gone: %+v", s)
		}
		text := browser.signIn(b.URL)
		if err := w.Answer(ctx, alice, p.ID, response(text)); err != nil {
			t.Fatal(err)
		}
		was := w.until(t, "connected", 10*time.Second)
		nothingSecret(t, w.running)
		if err := w.Answer(ctx, alice, p.ID, response(text)); err == nil || fault.As(err).Code != fault.AuthPromptGone {
			t.Errorf("a response twice: %v", err)
		}
		for n := range uint64(3) {
			w.gw.DropConnections()
			time.Sleep(5 * time.Second)
			if is := w.want("connected"); is.Reconnects.Tunnel+is.Reconnects.Session != n+1 || is.Addresses[0] != was.Addresses[0] {
				t.Errorf("after a loss %+v", is)
			}
		}
		if err := w.leave(); err != nil {
			t.Error(err)
		}
		w.begin()
		if is := w.until(t, "connected", time.Second); is.Attempt != was.Attempt || !w.ping(t, 1, time.Second) {
			t.Errorf("with a new agent %+v", is)
		}
		w.end(t)
	})
}

// TestSignInEnds: whoever asked can end it, nobody waits for ever, and what comes too late comes to nothing.
func TestSignInEnds(t *testing.T) {
	for name, tt := range map[string]struct {
		end  func(*testing.T, *world, *ipc.Prompt)
		code fault.Code
	}{
		"cancelled": {func(t *testing.T, w *world, p *ipc.Prompt) {
			if err := w.Answer(t.Context(), alice, p.ID, ipc.Answer{Cancel: true}); err != nil {
				t.Error(err)
			}
		}, fault.AuthCancelled},
		"nobody comes": {func(*testing.T, *world, *ipc.Prompt) { time.Sleep(6 * time.Minute) }, fault.AuthNobody},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, browser := newBrowserWorld(t)
				p := w.asked(t)
				text := browser.signIn(p.Browser.URL)
				tt.end(t, w, p)
				if s := w.until(t, "disconnected", 10*time.Second); s.Error == nil || s.Error.Code != string(tt.code) || s.Prompt != nil {
					t.Errorf("it ended with %+v", s)
				}
				if err := w.Answer(t.Context(), alice, p.ID, response(text)); err == nil || fault.As(err).Code != fault.AuthPromptGone {
					t.Errorf("a response that comes too late: %v", err)
				}
				w.end(t)
			})
		})
	}
}

// TestNamesOfTheResponse: protocol and clients call the one field alike.
func TestNamesOfTheResponse(t *testing.T) {
	if ipc.ResponseField != protocol.ResponseField {
		t.Errorf("%q and %q", ipc.ResponseField, protocol.ResponseField)
	}
}
