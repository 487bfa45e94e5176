package login

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// olderReply is a document of a gateway without aggregate authentication.
func olderReply(auth string) Reply {
	return Reply{Status: 200, Body: []byte(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<auth id="main"><title>SSL VPN Service</title>` + auth + `</auth>`)}
}

const olderForm = `<form method="post" action="/+webvpn+/index.html"><input type="text" name="username" label="USERNAME:"/><input type="password" name="password" label="PASSWORD:"/>` +
	`<select name="group_list" label="GROUP:"><option value="staff" selected="true">Staff</option><option value="guests">Guests</option></select>` +
	`<input type="submit" name="Login" value="Login"/><input type="hidden" name="tgroup" value=""/></form>`

// TestOlderLogin plays logins of gateways that know no aggregate authentication.
func TestOlderLogin(t *testing.T) {
	success := Reply{Status: 200, Body: []byte(`<auth id="success"><title>SSL VPN Service</title></auth>`)}
	page := Reply{Status: 200, Body: []byte("<html><script>document.location.replace('/')</script></html>")}
	user := func(t *protocol.Target) { t.User, t.Group = "alice", "Guests" }
	const asked = `ask form "" password:password
form https://vpn.example/+webvpn+/index.html username=alice&password=p%26+%2B%C3%A9&group_list=guests&tgroup= cookie:webvpncontext
`
	for name, tc := range map[string]struct {
		target  func(*protocol.Target)
		answers answers
		replies []Reply
		want    string
		token   string
	}{
		"it answers the document with status 404": {target: user, answers: answers{"password": {"p& +é"}},
			replies: []Reply{{Status: 404}, olderReply(olderForm).with("webvpncontext=1"), success.with("webvpn=" + canaryToken)},
			want:    "init https://vpn.example/\nGET https://vpn.example/\n" + asked, token: canaryToken},
		"with a page": {target: user, answers: answers{"password": {"p& +é"}},
			replies: []Reply{page, olderReply(olderForm).with("webvpncontext=1"), success.with("webvpn=" + canaryToken)},
			want:    "init https://vpn.example/\nGET https://vpn.example/\n" + asked, token: canaryToken},
		"with its own form at once": {target: user, answers: answers{"password": {"p& +é"}},
			replies: []Reply{olderReply(olderForm).with("webvpncontext=1"), success.with("webvpn=" + canaryToken)},
			want:    "init https://vpn.example/\n" + asked, token: canaryToken},
		"its pages lead on, the last one with the cookie": {target: user, answers: answers{"password": {"p& +é"}},
			replies: []Reply{{Status: 405}, Reply{Status: 302, Location: "/+webvpn+/index.html"}.with("webvpnlogin=1"), olderReply(olderForm).with("webvpnlogin=", "webvpncontext=1"),
				Reply{Status: 302, Location: "/+CSCOE+/portal.html"}.with("webvpn=" + canaryToken)},
			want: "init https://vpn.example/\nGET https://vpn.example/\nGET https://vpn.example/+webvpn+/index.html cookie:webvpnlogin\n" + asked, token: canaryToken},
		"the cookie comes with a page": {target: user, answers: answers{"password": {"p& +é"}},
			replies: []Reply{{Status: 404}, olderReply(olderForm).with("webvpncontext=1"), page.with("webvpn=" + canaryToken)},
			want:    "init https://vpn.example/\nGET https://vpn.example/\n" + asked, token: canaryToken},
		"a challenge, then a new PIN and its repetition, under the gateway's names": {
			answers: answers{"answer": {"1"}, "whichpin": {"22"}, "verify_pin": {"22"}},
			replies: []Reply{{Status: 404}, olderReply(form("", "answer")), olderReply(form("", "whichpin", "verify_pin")), success.with("webvpn=" + canaryToken)},
			want: `init https://vpn.example/
GET https://vpn.example/
ask form "" password:answer
form https://vpn.example/auth answer=1
ask form "" password:whichpin password:verify_pin
form https://vpn.example/auth whichpin=22&verify_pin=22
`, token: canaryToken},
		"ocserv's, as recorded, with a one-time code": {target: func(t *protocol.Target) { t.User, t.Group = "alice", "staff" },
			answers: answers{"password": {"p1"}, "password2": {"326944"}},
			replies: []Reply{recorded(t, "older-2"), recorded(t, "older-4").with("webvpncontext=1"), recorded(t, "older-6").with("webvpncontext=1"), recorded(t, "older-8").with("webvpn=" + canaryToken)},
			want: `init https://vpn.example/
form https://vpn.example/auth username=alice&group_list=staff
ask form "Please enter your password." password:password
form https://vpn.example/auth password=p1 cookie:webvpncontext
ask form "Please enter your OTP password." password:password2
form https://vpn.example/auth password=326944 cookie:webvpncontext
`, token: canaryToken},
		"another host is asked in the newer way first": {target: user,
			replies: []Reply{{Status: 404}, {Status: 302, Location: "https://gw2.example/x"}},
			want:    "init https://vpn.example/\nGET https://vpn.example/\ninit https://gw2.example/x\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, out, err := drive(t, NewConversation(target(tc.target)), tc.answers, tc.replies...)
			if err != nil {
				t.Fatalf("%v after\n%s", err, got)
			}
			if got != tc.want {
				t.Errorf("got\n%s\nwant\n%s", got, tc.want)
			}
			token := ""
			if out != nil {
				token = string(out.Token.Reveal())
			}
			if token != tc.token {
				t.Errorf("token %q, want %q", token, tc.token)
			}
		})
	}
}

func TestOlderLoginRefusals(t *testing.T) {
	page := Reply{Status: 200, Body: []byte("<html>canary</html>")}
	around := make([]Reply, 30)
	for i := range around {
		around[i] = Reply{Status: 302, Location: "/a"}
	}
	around[0] = Reply{Status: 404}
	for name, tc := range map[string]struct {
		replies []Reply
		code    fault.Code
		says    string
	}{
		"a page to both":                       {[]Reply{page, page}, fault.NetNotVPN, ""},
		"a page where a session's cookie is":   {[]Reply{page.with("webvpn=" + canaryToken), page.with("webvpn=" + canaryToken)}, fault.NetNotVPN, ""}, // nobody has logged in
		"a page after the answers":             {[]Reply{{Status: 404}, olderReply(olderForm), page}, fault.NetNotVPN, ""},
		"a scan of this machine":               {[]Reply{{Status: 404}, olderReply(`<csdLinux stuburl="/CACHE/sdesktop"/>` + olderForm)}, fault.AuthUnsupported, "without host scan"},
		"success and no cookie":                {[]Reply{{Status: 404}, olderReply(olderForm), {Status: 200, Body: []byte(`<auth id="success"/>`)}}, fault.NetMalformed, "token"},
		"redirects without end":                {around, fault.NetRedirect, "10"},
		"not now":                              {[]Reply{{Status: 503}}, fault.GwUnavailable, ""},
		"not allowed":                          {[]Reply{{Status: 403}}, fault.AuthRefused, ""},
		"a page once the newer kind was heard": {[]Reply{xmlReply(form("", "password")), page}, fault.NetNotVPN, ""},
	} {
		t.Run(name, func(t *testing.T) {
			log, _, err := drive(t, NewConversation(target(nil)), answers{"username": {"a"}, "password": {canaryPassword}}, tc.replies...)
			f := wantFault(t, err, tc.code)
			if text := f.Sentence() + strings.Join(f.Hints, "\n"); !strings.Contains(text, tc.says) {
				t.Errorf("%q does not say %q after\n%s", text, tc.says, log)
			}
		})
	}
}

// TestOlderLoginOnTheWire: one connection, the headers of each kind of request, and the form as a web server reads it.
func TestOlderLoginOnTheWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		w.gateway(addr1, w.ca.leaf(t, nil), func(n int, r *http.Request, body string) (string, time.Duration) {
			switch n {
			case 0:
				return "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n", 0
			case 1:
				if r.Method != http.MethodGet || r.Header.Get("X-Aggregate-Auth") != "" || r.Header.Get("Content-Type") != "" || r.Header.Get("X-Transcend-Version") != "1" || body != "" {
					t.Errorf("%s %v %q", r.Method, r.Header, body)
				}
				return http200(string(olderReply(olderForm).Body), "Set-Cookie: webvpncontext=1"), 0
			}
			form, err := url.ParseQuery(body)
			if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || r.Header.Get("X-Aggregate-Auth") != "" || r.URL.Path != "/+webvpn+/index.html" {
				t.Errorf("%s %v %q, %v", r.Method, r.Header, body, err)
			}
			if form.Get("username") != "alice" || form.Get("password") != "a+b&c=d \u00e9" || form.Get("group_list") != "staff" || len(form) != 4 {
				t.Errorf("%v", form)
			}
			return http200(`<auth id="success"/>`, "Set-Cookie: webvpn="+canaryToken+"; path=/; secure"), 0
		})
		target := w.target()
		target.Group = "staff"
		res, err := Run(t.Context(), w.pc.Dialer(), target, &asker{answers: answers{"password": {"a+b&c=d \u00e9"}}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Conn.Close()
		if _, conns := w.seen(); conns != 1 || string(res.Token.Reveal()) != canaryToken || res.User != "alice" || res.Group != "Staff" {
			t.Errorf("%d connections, %+v", conns, res)
		}
	})
}

// FuzzForm: what is escaped is read back as it was, by a parser that is not ours.
func FuzzForm(f *testing.F) {
	f.Add([]byte("a+b&c=d é\x00\r\n%41"))
	f.Fuzz(func(t *testing.T, value []byte) {
		form, err := url.ParseQuery("a=" + string(appendEscaped(nil, value)) + "&b=1")
		if err != nil || form.Get("a") != string(value) || form.Get("b") != "1" || len(form) != 2 {
			t.Fatalf("%q became %v, %v", value, form, err)
		}
	})
}
