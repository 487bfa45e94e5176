package login

import (
	"slices"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol/authxml"
)

// The older login, version 1, is that of gateways without aggregate authentication: the first page is fetched by GET, forms come as auth elements without config-auth
// around them, answers go back as a web form under the gateway's own names, and the cookie webvpn is the end of it. A gateway shows that it knows no other by answering
// the first document with a bare auth element, with a web page or with the status of something it does not have. What is no gateway at all does that too: it
// costs one more request to find out, in which nobody has typed anything yet.

// mayBeOlder reports whether the gateway has been told nothing but the first document, and has not shown that it understood.
func (c *Conversation) mayBeOlder() bool { return !c.older && !c.spoke && len(c.sent) == 0 }

// foreign reports the statuses that say of a request that it is not known, rather than not allowed or not now.
func foreign(status int) bool {
	return slices.Contains([]int{400, 404, 405, 406, 415, 500, 501}, status)
}

// asOlder begins again in the older way, on the same page.
func (c *Conversation) asOlder() (Action, error) {
	c.older = true
	return c.get(), nil
}

// get fetches a page.
func (c *Conversation) get() Action {
	return Action{Send: &Post{Kind: Get, Path: c.at.path, Cookies: slices.Clone(c.jar)}}
}

// admitted reports whether an answer that is no document ends an older login all the same: it brings the session's cookie.
func (c *Conversation) admitted(r Reply) bool {
	brings := func(k Cookie) bool { return k.Name == tokenCookie && !k.Value.Empty() }
	if !c.older || len(c.sent) == 0 || !slices.ContainsFunc(r.Cookies, brings) {
		return false
	}
	c.resp = &authxml.Response{Type: authxml.TypeComplete}
	return true
}

// postForm sends the round's answers as a web form, every field under the gateway's name.
func (c *Conversation) postForm(fields []authxml.Field, answers []redact.Secret) Action {
	c.sent = append(c.sent, answers...)
	size := 0
	for _, f := range fields {
		size += len(f.Name) + 3*f.Value.Len() + 2
	}
	b := make([]byte, 0, size) // grows nowhere: no copy of a password is left behind
	for i, f := range fields {
		if i > 0 {
			b = append(b, '&')
		}
		b = appendEscaped(append(append(b, f.Name...), '='), f.Value.Reveal())
	}
	p := &Post{Kind: PostForm, Path: c.at.path, Cookies: slices.Clone(c.jar), Body: redact.New(b), Answers: true}
	clear(b)
	return Action{Send: p}
}

// appendEscaped appends a value as application/x-www-form-urlencoded has it.
func appendEscaped(b, value []byte) []byte {
	const hex = "0123456789ABCDEF"
	for _, c := range value {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.', c == '~':
			b = append(b, c)
		case c == ' ':
			b = append(b, '+')
		default:
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b
}
