package gateway

import (
	"net/http"
	"net/url"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol/authxml"
)

// The login before aggregate authentication: pages by GET, answers as a web form, the login's handle in a cookie.
const (
	olderPath   = "/+webvpn+/index.html"
	olderCookie = "webvpncontext"
)

// olderLogin answers a request where Config.Older is set. The first page sends on to that of the form, as old gateways do.
func (g *Gateway) olderLogin(q *http.Request, body []byte) reply {
	switch {
	case q.Method == http.MethodGet && q.URL.Path == olderPath:
		l := g.begin(groupOf(g.cfg.Groups, &authxml.Request{}, ""), offerOf(q, &authxml.Request{}))
		return g.ask(l, g.mainForm(l, ""))
	case q.Method == http.MethodGet:
		return reply{status: http.StatusFound, location: olderPath, cookies: []string{"webvpnlogin=1; path=/; secure"}}
	case q.URL.Path != olderPath || q.Header.Get("Content-Type") != "application/x-www-form-urlencoded":
		return reply{status: http.StatusNotFound, kind: "text/html"}
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return reply{status: http.StatusBadRequest}
	}
	r := &authxml.Request{Type: authxml.TypeReply, GroupSelect: form.Get(authxml.GroupList)}
	for name := range form {
		if authxml.ValidName(name) {
			r.Fields = append(r.Fields, authxml.Field{Name: name, Value: redact.NewString(form.Get(name))})
		}
	}
	handle, err := q.Cookie(olderCookie)
	if err != nil {
		return g.step("", r, offerOf(q, r))
	}
	return g.step(handle.Value, r, offerOf(q, r))
}
