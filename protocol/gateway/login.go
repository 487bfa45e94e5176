package gateway

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // what clients compare profiles by
	"encoding/binary"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol/authxml"
	"github.com/holdfast-vpn/holdfast/protocol/strap"
)

// What a failed login says, as an ASA does.
const loginFailed = "Login failed."

// login is one conversation, known by the handle in the opaque element.
type login struct {
	handle string
	begun  time.Time
	group  string // chosen so far
	user   *User  // whose password was right, while the challenge is open
	change Change // the open question is this
	wrong  int    // answers in a row
	offer  offer
	signIn *signIn // the open question is this
}

// offer is what a client says of itself with a login.
type offer struct {
	browser          bool   // it can have its user sign in in a browser
	pubkey, dhPubkey string // its keys, "" for none
	host             string // what it calls us
}

// offerOf reads it.
func offerOf(q *http.Request, r *authxml.Request) offer {
	return offer{
		browser: slices.Contains(r.Capabilities, authxml.MethodExternalBrowser), host: q.Host,
		pubkey: q.Header.Get(strap.HeaderPubkey), dhPubkey: q.Header.Get(strap.HeaderDHPubkey),
	}
}

// login answers a POST.
func (g *Gateway) login(q *http.Request, body []byte) reply {
	r, err := authxml.ParseRequest(body)
	if err != nil {
		return reply{status: http.StatusBadRequest}
	}
	switch r.Type {
	case authxml.TypeLogout:
		g.mu.Lock()
		s := g.sessions[string(r.SessionToken.Reveal())]
		g.mu.Unlock()
		g.end(s, "logout")
		return reply{status: http.StatusOK}
	case authxml.TypeReply:
		return g.step(handleOf(r.Opaque), r, offerOf(q, r))
	}
	l := g.begin(groupOf(g.cfg.Groups, r, q.URL.Path), offerOf(q, r))
	return g.ask(l, g.firstForm(l, ""))
}

// groupOf is the group that an init asks for: by choice, by the URL the user gave, by the path; else the first. Label and name both count.
func groupOf(groups []Group, r *authxml.Request, path string) string {
	wishes := []string{r.GroupSelect}
	if u, err := url.Parse(r.GroupAccess); err == nil {
		wishes = append(wishes, strings.Trim(u.Path, "/"))
	}
	wishes = append(wishes, strings.Trim(path, "/"))
	for _, w := range wishes {
		for _, g := range groups {
			if w != "" && (strings.EqualFold(w, g.Name) || w == g.Label) {
				return g.Name
			}
		}
	}
	if len(groups) > 0 {
		return groups[0].Name
	}
	return ""
}

// begin makes a login, in the place of the oldest when there are too many.
func (g *Gateway) begin(group string, o offer) *login {
	var b [8]byte
	_, _ = rand.Read(b[:])
	l := &login{handle: fmt.Sprint(binary.BigEndian.Uint64(b[:]) >> 1), begun: time.Now(), group: group, offer: o}
	g.mu.Lock()
	defer g.mu.Unlock()
	var oldest *login
	for h, o := range g.logins {
		if time.Since(o.begun) > loginFor {
			delete(g.logins, h)
		} else if oldest == nil || o.begun.Before(oldest.begun) {
			oldest = o
		}
	}
	if len(g.logins) >= maxLogins {
		delete(g.logins, oldest.handle)
	}
	g.logins[l.handle] = l
	return l
}

// handleOf takes the handle out of the opaque element that we gave.
func handleOf(opaque []byte) string {
	_, rest, _ := bytes.Cut(opaque, []byte("<aggauth-handle>"))
	h, _, _ := bytes.Cut(rest, []byte("</aggauth-handle>"))
	return string(h)
}

// step takes one answer of the user. The login is taken out of the table meanwhile: two requests cannot answer it at the same time.
func (g *Gateway) step(h string, r *authxml.Request, o offer) reply {
	g.mu.Lock()
	l := g.logins[h]
	delete(g.logins, h)
	g.mu.Unlock()
	if l == nil || time.Since(l.begun) > loginFor {
		l = g.begin(groupOf(g.cfg.Groups, r, ""), o)
		return g.ask(l, g.firstForm(l, "The login took too long, please begin again."))
	}
	switch {
	case l.change != ChangeNothing:
		return g.changed(l, r)
	case l.user != nil:
		return g.challenge(l, r)
	case l.signIn != nil:
		return g.signedIn(l, r)
	}
	if r.GroupSelect != "" {
		l.group = groupOf(g.cfg.Groups, r, "")
	}
	if g.browses(l.group) { // chosen in the form of another group
		return g.ask(l, g.browserForm(l, ""))
	}
	u := g.find(string(field(r, "username").Reveal()))
	if u == nil || !u.in(l.group) || g.second(l.group) != "" && !u.Second.Equal(field(r, "secondary_password")) {
		return g.refused(l, g.mainForm)
	}
	if p, _ := g.password(u); !p.Equal(field(r, "password")) {
		return g.refused(l, g.mainForm)
	}
	l.user, l.wrong = u, 0
	if u.Check != nil {
		return g.ask(l, g.challengeForm(l, ""))
	}
	return g.known(l)
}

// known goes on with a user who is who he says.
func (g *Gateway) known(l *login) reply {
	if _, l.change = g.password(l.user); l.change != ChangeNothing {
		return g.ask(l, g.changeForm(l, ""))
	}
	return g.complete(l)
}

// second is the label of a group's second password, "" when it has none.
func (g *Gateway) second(group string) string {
	for _, o := range g.cfg.Groups {
		if o.Name == group {
			return o.Second
		}
	}
	return ""
}

// challenge takes the answer to a second form. Clients rename the field answer to password.
func (g *Gateway) challenge(l *login, r *authxml.Request) reply {
	a := field(r, "answer")
	if a.Empty() {
		a = field(r, "password")
	}
	if !l.user.Check(a) {
		return g.refused(l, g.challengeForm)
	}
	return g.known(l)
}

// refused asks again, with an error, or ends the login.
func (g *Gateway) refused(l *login, form func(*login, string) *authxml.Response) reply {
	if l.wrong++; l.wrong >= maxTries {
		g.cfg.Log.Info("login refused")
		return reply{status: http.StatusUnauthorized}
	}
	return g.ask(l, form(l, loginFailed))
}

// field is the first answer of that name.
func field(r *authxml.Request, name string) redact.Secret {
	for _, f := range r.Fields {
		if f.Name == name {
			return f.Value
		}
	}
	return redact.Secret{}
}

// find looks a user up by name.
func (g *Gateway) find(name string) *User {
	for i := range g.cfg.Users {
		if g.cfg.Users[i].Name == name {
			return &g.cfg.Users[i]
		}
	}
	return nil
}

func (u *User) in(group string) bool { return len(u.Groups) == 0 || slices.Contains(u.Groups, group) }

// mainForm asks for name, password and group.
func (g *Gateway) mainForm(l *login, failure string) *authxml.Response {
	f := &authxml.Form{Method: "POST", Action: g.action(), Inputs: []authxml.Input{
		{Type: authxml.InputText, Name: "username", Label: "Username:"},
		{Type: authxml.InputPassword, Name: "password", Label: "Password:"},
	}}
	if label := g.second(l.group); label != "" {
		f.Inputs = append(f.Inputs, authxml.Input{Type: authxml.InputPassword, Name: "secondary_password", Label: label, SecondAuth: true})
	}
	if len(g.cfg.Groups) > 0 {
		f.Inputs = append(f.Inputs, g.groupSelect(l))
	}
	return &authxml.Response{AuthID: authxml.AuthMain, Title: "Login", Banner: g.cfg.PreLogin, Message: "Please enter your username and password.", Error: failure, Form: f}
}

// groupSelect is the choice of a group.
func (g *Gateway) groupSelect(l *login) authxml.Input {
	sel := authxml.Input{Type: authxml.InputSelect, Name: authxml.GroupList, Label: "GROUP:"}
	for _, o := range g.cfg.Groups {
		label := o.Label
		if label == "" {
			label = o.Name
		}
		sel.Options = append(sel.Options, authxml.Option{Value: o.Name, Label: label, Selected: o.Name == l.group, SecondAuth: o.Second != ""})
	}
	return sel
}

// challengeForm asks the user's challenge.
func (g *Gateway) challengeForm(l *login, failure string) *authxml.Response {
	ask := l.user.Challenge
	if ask == "" {
		ask = "Please enter your one-time code."
	}
	return &authxml.Response{AuthID: authxml.AuthChallenge, Title: "Login", Message: ask, Error: failure, Form: &authxml.Form{
		Method: "POST", Action: g.action(), Inputs: []authxml.Input{{Type: authxml.InputPassword, Name: "answer", Label: "Answer:"}},
	}}
}

// ask sends a form and keeps the login open.
func (g *Gateway) ask(l *login, r *authxml.Response) reply {
	g.mu.Lock()
	g.logins[l.handle] = l
	g.mu.Unlock()
	r.Type = authxml.TypeRequest
	if g.cfg.Older {
		answer := g.document(r)
		answer.cookies = []string{"webvpnlogin=; path=/; secure", olderCookie + "=" + l.handle + "; path=/; secure"}
		return answer
	}
	r.Opaque = fmt.Appendf(nil, `<opaque is-for="sg"><tunnel-group>%s</tunnel-group><aggauth-handle>%s</aggauth-handle><config-hash>%d</config-hash></opaque>`,
		"DefaultWEBVPNGroup", l.handle, l.begun.UnixMilli())
	return g.document(r)
}

// complete makes the session and hands its token over, in the document as an ASA does and in the cookie as everybody does.
func (g *Gateway) complete(l *login) reply {
	s := g.newSession(l.user.Name, l.group, l.offer.pubkey)
	complete := &authxml.Response{
		Type: authxml.TypeComplete, AuthID: authxml.AuthSuccess, Banner: g.cfg.Settings.Banner,
		SessionID: fmt.Sprint(s.id), SessionToken: redact.NewString(s.token),
	}
	cookies := []string{"webvpn=" + s.token + "; path=/; secure; HttpOnly"}
	if len(g.cfg.Profile) > 0 {
		sum := fmt.Sprintf("%X", sha1.Sum(g.cfg.Profile)) //nolint:gosec // what clients compare profiles by
		complete.Config.Profile = &authxml.ProfileFile{URI: profilePath, HashType: "sha1", Hash: sum}
		cookies = append(cookies, "webvpnc=bu:/&p:t&iu:1/&fu:"+strings.TrimPrefix(profilePath, "/")+"&fh:"+sum+"; path=/; secure")
	}
	if g.cfg.Older { // such clients know the cookies alone
		complete = &authxml.Response{Type: authxml.TypeComplete, AuthID: authxml.AuthSuccess, Title: "SSL VPN Service", Banner: g.cfg.Settings.Banner}
	}
	r := g.document(complete)
	r.cookies = cookies
	return r
}

// action is where forms are answered.
func (g *Gateway) action() string {
	if g.cfg.Older {
		return olderPath
	}
	return "/"
}

// document is a reply that holds a response.
func (g *Gateway) document(r *authxml.Response) reply {
	r.Version, r.Bare = "9.20(2)", g.cfg.Older
	b, err := r.Append(nil)
	if err != nil {
		g.cfg.Log.Error("the configuration holds text that no document can", "err", err)
		return reply{status: http.StatusInternalServerError}
	}
	return reply{status: http.StatusOK, kind: "text/xml; charset=utf-8", body: b}
}
