package gateway

import (
	"bytes"
	"crypto/rand"
	"html/template"
	"net/http"
	"net/url"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol/authxml"
	"github.com/holdfast-vpn/holdfast/protocol/strap"
)

// Where people sign in: the gateway's own addresses, as an ASA has them, and the identity provider, which is in the same box.
const (
	pageLogin    = "/+CSCOE+/saml/sp/login"
	pageDone     = "/+CSCOE+/saml_ac_login.html"
	pageProvider = "/idp/sign-in"

	// comesBack is where the browser brings the token to: the client's listener on its own machine.
	comesBack = "http://localhost:29786/api/sso/"
	ssoField  = "sso-token"
)

// signIn is the part of a login that happens in a browser. It is under the gateway's mutex as long as its login is in the table.
type signIn struct {
	ticket string // in the addresses of the pages
	wrong  int    // passwords in a row
	user   *User  // who signed in
	token  redact.Secret
}

// random is a token of letters and digits.
func random() string { return rand.Text() }

// browses reports whether a group logs in at a web page.
func (g *Gateway) browses(group string) bool {
	for _, o := range g.cfg.Groups {
		if o.Name == group {
			return o.Browser
		}
	}
	return false
}

// firstForm is what a login begins with: the form of its group.
func (g *Gateway) firstForm(l *login, failure string) *authxml.Response {
	if g.browses(l.group) {
		return g.browserForm(l, failure)
	}
	return g.mainForm(l, failure)
}

// browserForm asks to sign in at a page, anew each time. A client that did not offer that, or announced no key to seal the token to, cannot log in to such a group.
func (g *Gateway) browserForm(l *login, failure string) *authxml.Response {
	r := &authxml.Response{AuthID: authxml.AuthMain, Title: "Login", Banner: g.cfg.PreLogin, Error: failure}
	if !l.offer.browser || l.offer.dhPubkey == "" {
		r.Error = "This group signs in in a browser, which your client did not offer."
		return r
	}
	l.signIn = &signIn{ticket: random()}
	at := "https://" + l.offer.host
	r.Message = "Please sign in in your browser."
	r.SSO = &authxml.SSO{
		Login: at + pageLogin + "?" + url.Values{"tgname": {l.group}, "ctx": {l.signIn.ticket}}.Encode(), Final: at + pageDone, Mode: authxml.BrowserExternal,
		TokenCookie: "acSamlv2Token", ErrorCookie: "acSamlv2Error",
	}
	r.Form = &authxml.Form{Method: "POST", Action: g.action(), Inputs: []authxml.Input{{Type: authxml.InputSSO, Name: ssoField}}}
	if len(g.cfg.Groups) > 1 {
		r.Form.Inputs = append(r.Form.Inputs, g.groupSelect(l))
	}
	return r
}

// signedIn takes the token that the browser brought to the client. Each is good once.
func (g *Gateway) signedIn(l *login, r *authxml.Request) reply {
	s := l.signIn
	l.signIn = nil
	if s.user == nil || s.token.Empty() || !s.token.Equal(field(r, ssoField)) || !s.user.in(l.group) {
		return g.refused(l, g.browserForm)
	}
	l.user, l.wrong = s.user, 0
	return g.known(l)
}

// pages serves the browser. ok is false for what is none of its pages.
func (g *Gateway) pages(q *http.Request, body []byte) (r reply, ok bool) {
	read := q.Method == http.MethodGet || q.Method == http.MethodHead
	switch {
	case read && q.URL.Path == pageLogin:
		to := url.URL{Path: pageProvider, RawQuery: url.Values{"ctx": {q.URL.Query().Get("ctx")}}.Encode()}
		return reply{status: http.StatusFound, location: to.String()}, true
	case read && q.URL.Path == pageProvider:
		return g.provider(q.URL.Query().Get("ctx"), nil), true
	case q.Method == http.MethodPost && q.URL.Path == pageProvider:
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return reply{status: http.StatusBadRequest}, true
		}
		return g.provider(form.Get("ctx"), form), true
	case read && q.URL.Path == pageDone:
		return show(http.StatusOK, pageText{Title: g.cfg.Name, Text: "You have signed in. You may close this tab."}), true
	}
	return reply{}, false
}

// provider is the identity provider: it asks for a name and a password and, when they are right, sends the browser to the client with a token.
func (g *Gateway) provider(ticket string, answer url.Values) reply {
	g.mu.Lock()
	defer g.mu.Unlock()
	var l *login
	for _, o := range g.logins {
		if o.signIn != nil && o.signIn.ticket == ticket && time.Since(o.begun) < loginFor {
			l = o
		}
	}
	if l == nil {
		return show(http.StatusNotFound, pageText{Title: g.cfg.Name, Text: "This sign-in is over. Go back to your VPN client and begin again."})
	}
	p := pageText{Title: g.cfg.Name, Ticket: ticket}
	if answer == nil {
		return show(http.StatusOK, p)
	}
	u := g.find(answer.Get("username"))
	if u == nil || !u.Password.Equal(redact.NewString(answer.Get("password"))) {
		if l.signIn.wrong++; l.signIn.wrong >= maxTries {
			l.signIn.ticket = random()
			return show(http.StatusForbidden, pageText{Title: g.cfg.Name, Text: "That was wrong too often. Go back to your VPN client and begin again."})
		}
		p.Error = "The name or the password is wrong."
		return show(http.StatusOK, p)
	}
	l.signIn.user, l.signIn.token = u, redact.NewString(random())
	sealed, err := strap.Seal(g.sealTo(l), l.signIn.token)
	if err != nil {
		return show(http.StatusBadRequest, pageText{Title: g.cfg.Name, Text: "Your VPN client has announced no key that can be used."})
	}
	back := "https://" + l.offer.host + pageDone
	next := comesBack + url.QueryEscape(sealed) + "?return=" + url.QueryEscape(back)
	return show(http.StatusOK, pageText{Title: g.cfg.Name, Text: "Back to your VPN client.", Next: template.URL(next)}) //nolint:gosec // of our own making
}

// sealTo is the key that a token is sealed to: the client's, unless the gateway misbehaves. g.mu is held.
func (g *Gateway) sealTo(l *login) string {
	m := g.wrong[StageSeal]
	if m == nil {
		return l.offer.dhPubkey
	}
	if m.Times > 0 {
		if m.Times--; m.Times == 0 {
			delete(g.wrong, StageSeal)
		}
	}
	other, err := strap.New()
	if err != nil {
		return ""
	}
	_, key := other.Announce()
	return key
}

// pageText is what a page of the browser shows: a form with Ticket, on to Next, or Text alone.
type pageText struct {
	Title, Text, Error string
	Ticket             string
	Next               template.URL
}

var pageShown = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{{- if .Next}}
<meta http-equiv="refresh" content="0; url={{.Next}}">
{{- end}}
<meta name="color-scheme" content="light dark">
<title>{{.Title}}</title>
<style>
body { margin: 0; min-height: 100vh; display: grid; place-items: center; font: 1.125rem/1.5 system-ui, sans-serif; }
main { width: 20rem; max-width: calc(100vw - 4rem); padding: 2rem; }
h1 { font-size: 1.5rem; margin: 0 0 1rem; }
label, input, button { display: block; width: 100%; box-sizing: border-box; font: inherit; }
input { margin-top: .25rem; padding: .5rem; }
button { margin-top: 1.5rem; padding: .5rem; }
#error { color: light-dark(#b3261e, #f2b8b5); }
</style>
</head>
<body>
<main>
<h1>{{.Title}}</h1>
{{- if .Error}}
<p id="error">{{.Error}}</p>
{{- end}}
{{- if .Text}}
<p id="text">{{if .Next}}<a href="{{.Next}}">{{.Text}}</a>{{else}}{{.Text}}{{end}}</p>
{{- end}}
{{- if .Ticket}}
<form method="post" action="` + pageProvider + `">
<input type="hidden" name="ctx" value="{{.Ticket}}">
<p><label>Name <input name="username" autocomplete="username" autofocus required></label></p>
<p><label>Password <input name="password" type="password" autocomplete="current-password" required></label></p>
<p><button type="submit">Sign in</button></p>
</form>
{{- end}}
</main>
</body>
</html>
`))

// show makes a page.
func show(status int, p pageText) reply {
	var b bytes.Buffer
	if err := pageShown.Execute(&b, p); err != nil {
		return reply{status: http.StatusInternalServerError}
	}
	return reply{status: status, kind: "text/html; charset=utf-8", body: b.Bytes()}
}
