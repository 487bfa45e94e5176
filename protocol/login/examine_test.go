package login

import (
	"crypto/x509"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// TestExamineAndGreet: the certificate is told also where it is refused, and a greeting is one request that answers nothing.
func TestExamineAndGreet(t *testing.T) {
	reply := func(raw string) script {
		return func(int, *http.Request, string) (string, time.Duration) { return raw, 0 }
	}
	date := "Date: Sat, 01 Jan 2000 00:00:00 GMT"
	for name, tt := range map[string]struct {
		leaf    func(*x509.Certificate)
		answer  script
		refused fault.Code // of the certificate
		code    fault.Code // of the greeting
		older   bool       // it is asked in the older way too
		want    Greeting
	}{
		"a form":     {answer: reply(http200(authDoc(form("<message>Who?</message>", "username")), date)), want: Greeting{Asks: "it asks for a login", Date: time.Unix(946684800, 0)}},
		"a banner":   {answer: reply(http200(authDoc("<banner>Mind the step</banner>" + form("", "username")))), want: Greeting{Asks: "it shows a banner first"}},
		"a browser":  {answer: reply(http200(string(samlReply("https://idp.example:8443/sso", "external", "").Body))), want: Greeting{Asks: "it asks for a sign-in in a browser at idp.example:8443"}},
		"a redirect": {answer: reply("HTTP/1.1 302 Found\r\nLocation: https://gw2.example:8443/staff?t=1\r\nContent-Length: 0\r\n\r\n"), want: Greeting{Elsewhere: "gw2.example:8443/staff"}},
		"a page":     {answer: reply(http200("<html></html>")), code: fault.NetNotVPN, older: true},
		"an older form": {answer: func(n int, _ *http.Request, _ string) (string, time.Duration) {
			return []string{"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", http200(string(olderReply(olderForm).Body))}[n], 0
		}, want: Greeting{Asks: "it asks for a login"}, older: true},
		"404 and gone":  {answer: reply("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"), code: fault.NetNotVPN},
		"forbidden":     {answer: reply("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"), code: fault.NetHTTPRefused},
		"hangs up":      {answer: reply(""), code: fault.NetLost},
		"a certificate": {answer: reply(http200(`<config-auth client="vpn" type="auth-request"><client-cert-request/></config-auth>`)), want: Greeting{Asks: "it asks for a client certificate"}},
		"out of date":   {leaf: func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, refused: fault.TLSExpired},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.end()
				w.gateway(addr1, w.ca.leaf(t, tt.leaf), tt.answer)
				at := netip.AddrPortFrom(addr1, 443)
				raw, err := w.pc.Dialer().DialTCP(t.Context(), at, anyPath)
				if err != nil {
					t.Fatal(err)
				}
				target := w.target()
				c, leaf, err := Examine(t.Context(), raw, at, target.Host, target.Trust)
				if leaf == nil || leaf.NotAfter.IsZero() {
					t.Error("the certificate is not told")
				}
				if tt.refused != "" {
					wantFault(t, err, tt.refused)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				g, err := Greet(t.Context(), c, target, Options{})
				if tt.code != "" {
					wantFault(t, err, tt.code)
				} else if err != nil || g.Asks != tt.want.Asks || g.Elsewhere != tt.want.Elsewhere || !g.Date.Equal(tt.want.Date) {
					t.Errorf("%+v, %v", g, err)
				}
				posts, conns := w.seen()
				if tt.older && len(posts) == 2 && strings.HasPrefix(posts[1], "GET ") {
					posts = posts[:1]
				}
				if len(posts) != 1 || conns != 1 || !strings.Contains(posts[0], `type="init"`) || strings.Contains(posts[0], "alice") {
					t.Errorf("%d connections, sent %q", conns, posts)
				}
			})
		})
	}
}
