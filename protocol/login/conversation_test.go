package login

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/authxml"
)

// Secrets of the tests. None may show up in an error.
const (
	canaryPassword = "canary-password-1"
	canaryToken    = "canary-token-2"
)

// wantFault checks an error's code, and that nothing secret is in any of its texts.
func wantFault(t *testing.T, err error, code fault.Code) *fault.Error {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s", code)
	}
	f := fault.As(err)
	text := fmt.Sprint(err, f.Sentence(), f.AllHints()) + fmt.Sprintf("%+v %#v", err, f)
	if strings.Contains(text, "canary") {
		t.Errorf("a secret is in the error: %s", text)
	}
	if f.Code != code {
		t.Fatalf("%s (%v), want %s", f.Code, err, code)
	}
	return f
}

// recorded is a gateway's document from a recorded exchange.
func recorded(t testing.TB, name string) Reply {
	doc, err := os.ReadFile("../authxml/testdata/" + name + "-gateway.xml")
	if err != nil {
		t.Fatal(err)
	}
	return Reply{Status: 200, Body: doc}
}

// xmlReply is a document with the given content of auth.
func xmlReply(auth string) Reply {
	return Reply{Status: 200, Body: []byte(`<config-auth client="vpn" type="auth-request"><auth id="main">` + auth + `</auth></config-auth>`)}
}

// form is the content of auth for a form with password inputs of these names; user* are text.
func form(before string, names ...string) string {
	s := before + `<form method="post" action="/auth">`
	for _, n := range names {
		kind := "password"
		if strings.HasPrefix(n, "user") {
			kind = "text"
		}
		s += `<input type="` + kind + `" name="` + n + `" label="` + n + `:"/>`
	}
	return s + `</form>`
}

// secondLogin is a form whose first group has two logins.
func secondLogin(editable string) string {
	return `<form><input type="password" name="password"/><input type="text" name="secondary_username" second-auth="1"/><input type="password" name="secondary_password" second-auth="1"/>` +
		`<select name="group_list"><option value="one" second-auth="1" secondary_username="bob" secondary_username_editable="` + editable + `"/><option value="two"/></select></form>`
}

func done(cookies ...Cookie) Reply {
	return Reply{Status: 200, Cookies: cookies, Body: []byte(`<config-auth client="vpn" type="complete"><auth id="success"><title>SSL VPN Service</title></auth></config-auth>`)}
}

func (r Reply) with(cookies ...string) Reply {
	for _, s := range cookies {
		c, ok := parseSetCookie(s)
		if !ok {
			panic(s)
		}
		r.Cookies = append(r.Cookies, c)
	}
	return r
}

var webvpn = Cookie{tokenCookie, redact.NewString(canaryToken)}

// answers maps a field's name to its values, one for each time it is asked. accept and decline answer banners.
type answers map[string][]string

// drive plays a conversation: replies come in order, questions are answered from a. It returns what was done, one line per action.
func drive(t *testing.T, c *Conversation, a answers, replies ...Reply) (string, *Outcome, error) {
	t.Helper()
	var log strings.Builder
	act, err := c.Start()
	for err == nil {
		switch {
		case act.Done != nil:
			return log.String(), act.Done, nil
		case act.Send != nil:
			fmt.Fprintln(&log, describePost(t, c, act.Send))
			if len(replies) == 0 {
				return log.String(), nil, nil
			}
			act, err = c.Reply(replies[0])
			replies = replies[1:]
		default:
			fmt.Fprintln(&log, describeForm(act.Ask))
			act, err = c.Answer(answer(t, act.Ask, a))
		}
	}
	return log.String(), nil, err
}

func describePost(t *testing.T, c *Conversation, p *Post) string {
	t.Helper()
	switch p.Kind {
	case Get:
		return "GET https://" + c.at.authority() + p.Path + cookieNames(p)
	case PostForm:
		return "form https://" + c.at.authority() + p.Path + " " + string(p.Body.Reveal()) + cookieNames(p)
	case PostXML:
	}
	r, err := authxml.ParseRequest(p.Body.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	s := fmt.Sprintf("%s https://%s%s", r.Type, c.at.authority(), p.Path)
	if p.Anew {
		s += " anew"
	}
	if r.GroupSelect != "" {
		s += " group-select=" + r.GroupSelect
	}
	for _, f := range r.Fields {
		s += " " + f.Name + "=" + string(f.Value.Reveal())
	}
	s += cookieNames(p)
	if r.Opaque != nil {
		s += " " + string(r.Opaque)
	}
	return s
}

func cookieNames(p *Post) string {
	s := ""
	for _, k := range p.Cookies {
		s += " cookie:" + k.Name
	}
	return s
}

func describeForm(f *protocol.Form) string {
	s := fmt.Sprintf("ask %s %q", f.Kind, f.Message)
	if f.Error != "" {
		s += fmt.Sprintf(" error=%q", f.Error)
	}
	if b := f.Browser; b != nil {
		s += fmt.Sprintf(" at %s of %s for %s:%d", b.URL, b.Host, b.Gateway, b.Port)
	}
	for _, in := range f.Fields {
		s += " " + in.Type + ":" + in.Name
		if in.Value != "" {
			s += "=" + in.Value
		}
		if in.Last != "" {
			s += "~" + in.Last
		}
		for _, o := range in.Options {
			s += fmt.Sprintf("[%s|%s]", o.Value, o.Label)
		}
	}
	return s
}

func answer(t *testing.T, f *protocol.Form, a answers) protocol.Answer {
	t.Helper()
	if f.Kind == protocol.FormBanner {
		return protocol.Answer{Accept: len(a["decline"]) == 0}
	}
	out := protocol.Answer{Values: map[string]redact.Secret{}}
	for _, in := range f.Fields {
		if v := a[in.Name]; len(v) > 0 {
			out.Values[in.Name] = redact.NewString(v[0])
			a[in.Name] = v[1:]
		}
	}
	return out
}

func target(change func(*protocol.Target)) protocol.Target {
	t := protocol.Target{Name: "lab", Host: "vpn.example", Port: 443, Path: "/"}
	if change != nil {
		change(&t)
	}
	return t
}

// TestConversation plays whole logins.
func TestConversation(t *testing.T) {
	context1, context2 := "webvpncontext=abc=; Max-Age=300; Secure; HttpOnly", "webvpncontext=; expires=Thu, 01 Jan 1970 22:00:00 GMT"
	const opaque = `<opaque is-for="sg"><tunnel-group>one</tunnel-group><aggauth-handle>1</aggauth-handle></opaque>`
	asa := func(selected string) Reply {
		options := strings.Replace(`<option value="one">One</option><option value="two">Two</option>`, `"`+selected+`"`, `"`+selected+`" selected="true"`, 1)
		return Reply{Status: 200, Body: []byte(`<config-auth type="auth-request">` + strings.ReplaceAll(opaque, "one", selected) +
			`<auth id="main"><form action="/"><input type="text" name="username"/><input type="password" name="password"/><select name="group_list">` + options + `</select></form></auth></config-auth>`)}
	}
	for name, tc := range map[string]struct {
		target  func(*protocol.Target)
		answers answers
		replies []Reply
		want    string
		token   string
	}{
		"ocserv, group by value, user given: password alone is asked": {
			target:  func(t *protocol.Target) { t.User, t.Group = "alice", "staff" },
			answers: answers{"password": {"p1"}},
			replies: []Reply{recorded(t, "wrong-password-2").with(context2), recorded(t, "wrong-password-6").with(context1), done(webvpn)},
			want: `init https://vpn.example/
auth-reply https://vpn.example/auth group-select=staff username=alice
ask form "Please enter your password." password:password
auth-reply https://vpn.example/auth password=p1 cookie:webvpncontext
`, token: canaryToken},
		"ocserv, everything asked; group by label": {
			answers: answers{"username": {"alice"}, "group_list": {"Administrators"}, "password": {"p1"}},
			replies: []Reply{recorded(t, "wrong-password-2"), recorded(t, "wrong-password-6"), done(webvpn)},
			want: `init https://vpn.example/
ask form "Please enter your username." text:username select:group_list=staff[staff|Staff network][admins|Administrators]
auth-reply https://vpn.example/auth group-select=admins username=alice
ask form "Please enter your password." password:password
auth-reply https://vpn.example/auth password=p1
`, token: canaryToken},
		"ocserv, begun with what was given the last time": {
			target:  func(t *protocol.Target) { t.Last = protocol.Last{Group: "Administrators", User: "alice"} },
			answers: answers{"username": {"bob"}, "group_list": {"staff"}},
			replies: []Reply{recorded(t, "wrong-password-2")},
			want: `init https://vpn.example/
ask form "Please enter your username." text:username~alice select:group_list=staff~admins[staff|Staff network][admins|Administrators]
auth-reply https://vpn.example/auth group-select=staff username=bob
`},
		"ocserv, the last group is no longer there": {
			target:  func(t *protocol.Target) { t.Last.Group = "Guests" },
			answers: answers{"username": {"bob"}, "group_list": {"staff"}},
			replies: []Reply{recorded(t, "wrong-password-2")},
			want: `init https://vpn.example/
ask form "Please enter your username." text:username select:group_list=staff[staff|Staff network][admins|Administrators]
auth-reply https://vpn.example/auth group-select=staff username=bob
`},
		"ASA, the group of the last time: asked all the same": {
			target:  func(t *protocol.Target) { t.User, t.Last.Group = "alice", "two" },
			answers: answers{"group_list": {"2"}, "password": {"p1"}},
			replies: []Reply{asa("one"), asa("two"), done(webvpn)},
			want: `init https://vpn.example/
ask form "" select:group_list=one~two[one|One][two|Two]
init https://vpn.example/ group-select=two
ask form "" password:password
auth-reply https://vpn.example/ group-select=two username=alice password=p1 ` + strings.ReplaceAll(opaque, "one", "two") + "\n", token: canaryToken},
		"ocserv, group by number": {
			target:  func(t *protocol.Target) { t.User, t.Group = "alice", "2" },
			replies: []Reply{recorded(t, "wrong-password-2")},
			want: `init https://vpn.example/
auth-reply https://vpn.example/auth group-select=admins username=alice
`},
		"ocserv, wrong password then right: in a new attempt, nothing asked but the password": {
			target:  func(t *protocol.Target) { t.Group = "staff" },
			answers: answers{"username": {"alice"}, "password": {"wrong", "p1"}, "password2": {"123456"}},
			replies: []Reply{recorded(t, "wrong-password-2").with(context1), recorded(t, "wrong-password-6"), recorded(t, "wrong-password-8"),
				recorded(t, "wrong-password-2"), recorded(t, "wrong-password-6").with(context1), recorded(t, "otp-2step-8"), done(webvpn)},
			want: `init https://vpn.example/
ask form "Please enter your username." text:username
auth-reply https://vpn.example/auth group-select=staff username=alice cookie:webvpncontext
ask form "Please enter your password." password:password
auth-reply https://vpn.example/auth password=wrong cookie:webvpncontext
ask form "Please enter your password." error="Login failed." password:password
init https://vpn.example/ anew
auth-reply https://vpn.example/auth group-select=staff username=alice
auth-reply https://vpn.example/auth password=p1 cookie:webvpncontext
ask form "Please enter your OTP password." password:password2
auth-reply https://vpn.example/auth password=123456 cookie:webvpncontext
`, token: canaryToken},
		"ocserv, wrong password, and the new attempt asks something else: the user is asked": {
			target:  func(t *protocol.Target) { t.User = "alice" },
			answers: answers{"username": {"alice"}, "password": {"wrong", "p1"}, "answer": {"p2"}},
			replies: []Reply{xmlReply(form("", "username")), xmlReply(form("", "password")), recorded(t, "wrong-password-8"), xmlReply(form("", "answer"))},
			want: `init https://vpn.example/
auth-reply https://vpn.example/auth username=alice
ask form "" password:password
auth-reply https://vpn.example/auth password=wrong
ask form "Please enter your password." error="Login failed." password:password
init https://vpn.example/ anew
ask form "" password:answer
auth-reply https://vpn.example/auth password=p2
`},
		"ocserv, one-time code in a second form of the same name": {
			target:  func(t *protocol.Target) { t.User, t.Group = "alice", "staff" },
			answers: answers{"password": {"p1"}, "password2": {"326944"}},
			replies: []Reply{recorded(t, "otp-2step-2"), recorded(t, "otp-2step-6"), recorded(t, "otp-2step-8"), done(webvpn)},
			want: `init https://vpn.example/
auth-reply https://vpn.example/auth group-select=staff username=alice
ask form "Please enter your password." password:password
auth-reply https://vpn.example/auth password=p1
ask form "Please enter your OTP password." password:password2
auth-reply https://vpn.example/auth password=326944
`, token: canaryToken},
		"ocserv, challenge of a RADIUS server": {
			target:  func(t *protocol.Target) { t.User = "bob" },
			answers: answers{"password": {"p1"}, "secondary_password": {"123456"}},
			replies: []Reply{recorded(t, "radius-challenge-2"), recorded(t, "radius-challenge-4"), recorded(t, "radius-challenge-6"), done(webvpn)},
			want: `init https://vpn.example/
auth-reply https://vpn.example/auth username=bob
ask form "Please enter your password." password:password
auth-reply https://vpn.example/auth password=p1
ask form "Enter the one-time code from your token" password:secondary_password
auth-reply https://vpn.example/auth secondary_password=123456
`, token: canaryToken},
		"ocserv, certificate: complete at the first answer": {
			replies: []Reply{recorded(t, "cert-2").with("webvpn=" + canaryToken + "; Secure")},
			want:    "init https://vpn.example/\n", token: canaryToken},
		"banners before and after login, equal ones asked once": {
			target:  func(t *protocol.Target) { t.User, t.Group = "alice", "staff" },
			answers: answers{"password": {"p1", "p2"}},
			replies: []Reply{recorded(t, "banner-profile-split-2"), xmlReply("<banner>Pre-login notice</banner>" + form("", "password")),
				recorded(t, "banner-profile-split-8").with("webvpn=" + canaryToken)},
			want: `init https://vpn.example/
ask banner "Pre-login notice"
auth-reply https://vpn.example/auth group-select=staff username=alice
ask form "" password:password
auth-reply https://vpn.example/auth password=p1
ask banner "Welcome to the lab. Authorised use only."
`, token: canaryToken},
		"ASA, the group is the one selected: no second init": {
			target:  func(t *protocol.Target) { t.User, t.Group = "alice", "one" },
			answers: answers{"password": {"p1"}},
			replies: []Reply{asa("one"), {Status: 200, Body: []byte(`<config-auth type="complete"><session-id>1</session-id><session-token>` + canaryToken + `</session-token></config-auth>`)}},
			want: `init https://vpn.example/
ask form "" password:password
auth-reply https://vpn.example/ group-select=one username=alice password=p1 ` + opaque + "\n", token: canaryToken},
		"ASA, another group: its form is fetched": {
			target:  func(t *protocol.Target) { t.User, t.Group = "alice", "Two" },
			answers: answers{"password": {"p1"}},
			replies: []Reply{asa("one"), asa("two"), done(webvpn)},
			want: `init https://vpn.example/
init https://vpn.example/ group-select=two
ask form "" password:password
auth-reply https://vpn.example/ group-select=two username=alice password=p1 ` + strings.ReplaceAll(opaque, "one", "two") + "\n", token: canaryToken},
		"ASA, another group, which it goes on to ignore: fetched once": {
			target:  func(t *protocol.Target) { t.User, t.Group = "alice", "two" },
			answers: answers{"password": {"p1"}},
			replies: []Reply{asa("one"), asa("one"), done(webvpn)},
			want: `init https://vpn.example/
init https://vpn.example/ group-select=two
ask form "" password:password
auth-reply https://vpn.example/ group-select=two username=alice password=p1 ` + opaque + "\n", token: canaryToken},
		"ASA, no group given: asked first, alone": {
			target:  func(t *protocol.Target) { t.User = "alice" },
			answers: answers{"group_list": {"2"}, "password": {"p1"}},
			replies: []Reply{asa("one"), asa("two")},
			want: `init https://vpn.example/
ask form "" select:group_list=one[one|One][two|Two]
init https://vpn.example/ group-select=two
ask form "" password:password
auth-reply https://vpn.example/ group-select=two username=alice password=p1 ` + strings.ReplaceAll(opaque, "one", "two") + "\n"},
		"ASA, refused: the user name is asked again with what was given": {
			target:  func(t *protocol.Target) { t.User = "alice" },
			answers: answers{"username": {"alicia"}, "password": {"p1", "p2"}},
			replies: []Reply{xmlReply(form("", "username", "password")), xmlReply(form(`<error id="1">Login error.</error>`, "username", "password")), done(webvpn)},
			want: `init https://vpn.example/
ask form "" password:password
auth-reply https://vpn.example/auth username=alice password=p1
ask form "" error="Login error." text:username=alice password:password
auth-reply https://vpn.example/auth username=alicia password=p2
`, token: canaryToken},
		"refused: the user name is asked again, begun with the one that was given": {
			target:  func(t *protocol.Target) { t.Last.User = "bob" },
			answers: answers{"username": {"alice", "alice"}, "password": {"p1", "p2"}},
			replies: []Reply{xmlReply(form("", "username", "password")), xmlReply(form(`<error id="1">Login error.</error>`, "username", "password")), done(webvpn)},
			want: `init https://vpn.example/
ask form "" text:username~bob password:password
auth-reply https://vpn.example/auth username=alice password=p1
ask form "" error="Login error." text:username~alice password:password
auth-reply https://vpn.example/auth username=alice password=p2
`, token: canaryToken},
		"a refused one-time code keeps its number": {
			answers: answers{"password": {"p1"}, "password2": {"1", "2"}, "password3": {"3"}},
			replies: []Reply{xmlReply(form("", "password")), xmlReply(form("", "password")), xmlReply(form("<message>Login failed.\nAgain.</message>", "password")), xmlReply(form("", "password"))},
			want: `init https://vpn.example/
ask form "" password:password
auth-reply https://vpn.example/auth password=p1
ask form "" password:password2
auth-reply https://vpn.example/auth password=1
ask form "Again." error="Login failed." password:password2
auth-reply https://vpn.example/auth password=2
ask form "" password:password3
auth-reply https://vpn.example/auth password=3
`},
		"answers of every kind are sent as password, repetitions are not": {
			answers: answers{"answer": {"a"}, "whichpin": {"b"}, "new_password": {"c"}, "verify_password": {"c"}, "verify_pin": {"b"}},
			replies: []Reply{xmlReply(form("", "answer", "whichpin", "verify_pin"))},
			want: `init https://vpn.example/
ask form "" password:answer password:whichpin password:verify_pin
auth-reply https://vpn.example/auth password=a password=b
`},
		"a new PIN and its repetition that differ are asked again": {
			answers: answers{"whichpin": {"1", "3"}, "verify_pin": {"2", "3"}},
			replies: []Reply{xmlReply(form("", "whichpin", "verify_pin"))},
			want: `init https://vpn.example/
ask form "" password:whichpin password:verify_pin
ask form "" error="the two new PINs are not the same" password:whichpin password:verify_pin
auth-reply https://vpn.example/auth password=3
`},
		"an expired password: the new one is asked in a form of its own": {
			target:  func(t *protocol.Target) { t.User = "alice" },
			answers: answers{"password": {"old"}, "new_password": {"n"}, "verify_password": {"n"}},
			replies: []Reply{xmlReply(form("", "username", "password")), xmlReply(form("<message>Your password has expired.</message>", "new_password", "verify_password")), done(webvpn)},
			want: `init https://vpn.example/
ask form "" password:password
auth-reply https://vpn.example/auth username=alice password=old
ask form "Your password has expired." password:new_password password:verify_password
auth-reply https://vpn.example/auth password=n
`, token: canaryToken},
		"a user name that the gateway has fixed is sent as it is": {
			target:  func(t *protocol.Target) { t.User = "mallory" },
			answers: answers{"password": {"p"}},
			replies: []Reply{xmlReply(`<form><input type="text" name="username" value="alice" readonly="true"/><input type="password" name="password"/></form>`)},
			want: `init https://vpn.example/
ask form "" password:password
auth-reply https://vpn.example/ username=alice password=p
`},
		"a second login whose name the group fixes, and another that proposes it": {
			target:  func(t *protocol.Target) { t.Group = "one" },
			answers: answers{"password": {"p"}, "secondary_password": {"q"}, "password2": {"p"}, "secondary_username2": {"carol"}, "secondary_password2": {"q"}},
			replies: []Reply{xmlReply(secondLogin("false")), xmlReply(secondLogin("true"))},
			want: `init https://vpn.example/
ask form "" password:password password:secondary_password
auth-reply https://vpn.example/ group-select=one password=p secondary_username=bob secondary_password=q
ask form "" password:password2 text:secondary_username2=bob password:secondary_password2
auth-reply https://vpn.example/ group-select=one password=p secondary_username=carol secondary_password=q
`},
		"two new passwords that differ are asked again": {
			answers: answers{"new_password": {"a", "c"}, "verify_password": {"b", "c"}},
			replies: []Reply{xmlReply(form("", "new_password", "verify_password"))},
			want: `init https://vpn.example/
ask form "" password:new_password password:verify_password
ask form "" error="the two new passwords are not the same" password:new_password password:verify_password
auth-reply https://vpn.example/auth password=c
`},
		"hidden inputs go back, buttons and unknown types do not": {
			answers: answers{"password": {"p"}},
			replies: []Reply{xmlReply(`<form action="next?x=1&amp;y=2"><input type="hidden" name="state" value="a &lt;b&gt;"/><input type="password" name="password"/><input type="submit" name="Login"/><input type="checkbox" name="keep"/></form>`)},
			want: `init https://vpn.example/
ask form "" password:password
auth-reply https://vpn.example/next?x=1&y=2 state=a <b> password=p
`},
		"a form with nothing to ask answers itself; then nothing more is asked": {
			replies: []Reply{xmlReply(`<form><input type="hidden" name="state" value="1"/></form>`), xmlReply(`<authentication-complete/>`), done(webvpn)},
			want: `init https://vpn.example/
auth-reply https://vpn.example/ state=1
auth-reply https://vpn.example/
`, token: canaryToken},
		"a second login in the form only for groups that have one": {
			target:  func(t *protocol.Target) { t.Group = "one" },
			answers: answers{"password": {"p"}},
			replies: []Reply{xmlReply(`<form><input type="password" name="password"/><input type="password" name="secondary_password" second-auth="1"/>` +
				`<select name="group_list"><option value="one"/><option value="two" second-auth="1"/></select></form>`)},
			want: `init https://vpn.example/
ask form "" password:password
auth-reply https://vpn.example/ group-select=one password=p
`},
		"a group that logs in by certificate has no fields": {
			target:  func(t *protocol.Target) { t.Group = "one" },
			replies: []Reply{xmlReply(`<form><input type="text" name="username"/><input type="password" name="password"/><select name="group_list"><option noaaa="1">one</option><option>two</option></select></form>`)},
			want: `init https://vpn.example/
auth-reply https://vpn.example/ group-select=one
`},
		"the only group is no question": {
			answers: answers{"password": {"p"}},
			replies: []Reply{xmlReply(`<form><input type="password" name="password"/><select name="group_list"><option value="x">X</option></select></form>`)},
			want: `init https://vpn.example/
ask form "" password:password
auth-reply https://vpn.example/ group-select=x password=p
`},
		"another select is a field": {
			answers: answers{"pin_mode": {"Mine"}},
			replies: []Reply{xmlReply(`<form><select name="pin_mode"><option value="s">System</option><option value="m">Mine</option></select></form>`)},
			want: `init https://vpn.example/
ask form "" select:pin_mode=s[s|System][m|Mine]
auth-reply https://vpn.example/ pin_mode=m
`},
		"a redirect on the same host keeps cookies and begins again": {
			target:  func(t *protocol.Target) { t.Path = "/staff" },
			replies: []Reply{Reply{Status: 302, Location: "/other?a=1"}.with("a=1")},
			want: `init https://vpn.example/staff
init https://vpn.example/other?a=1 cookie:a
`},
		"a redirect to another host clears cookies": {
			target:  func(t *protocol.Target) { t.User = "alice"; t.Path = "/staff" },
			answers: answers{"password": {"p"}},
			replies: []Reply{xmlReply(form("", "username")).with("a=1"), {Status: 301, Location: "https://GW2.example:8443/x"}, xmlReply(form("", "username", "password"))},
			want: `init https://vpn.example/staff
auth-reply https://vpn.example/auth username=alice cookie:a
init https://gw2.example:8443/x
ask form "" password:password
auth-reply https://gw2.example:8443/auth username=alice password=p
`},
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

func TestOutcome(t *testing.T) {
	c := NewConversation(target(func(t *protocol.Target) { t.User, t.Group = "alice", "staff" }))
	_, out, err := drive(t, c, answers{"password": {"p"}}, recorded(t, "banner-profile-split-2"), recorded(t, "banner-profile-split-6"),
		recorded(t, "banner-profile-split-8").with("webvpn="+canaryToken))
	if err != nil {
		t.Fatal(err)
	}
	if out.User != "alice" || out.Group != "Staff network" || out.Banner != "Welcome to the lab. Authorised use only." || len(out.Accepted) != 2 {
		t.Errorf("%+v", out)
	}
}

func TestGroupAccessIsTheUsersAddress(t *testing.T) {
	for want, change := range map[string]func(*protocol.Target){
		"https://vpn.example/":              nil,
		"https://vpn.example:4443/staff":    func(t *protocol.Target) { t.Port, t.Path = 4443, "/staff" },
		"https://[2001:db8::1]/":            func(t *protocol.Target) { t.Host, t.Port, t.Path = "2001:db8::1", 0, "" },
		"https://[2001:db8::1]:4443/a/b?c=": func(t *protocol.Target) { t.Host, t.Port, t.Path = "2001:db8::1", 4443, "a/b?c=" },
	} {
		act, err := NewConversation(target(change)).Start()
		if err != nil {
			t.Fatal(err)
		}
		r, err := authxml.ParseRequest(act.Send.Body.Reveal())
		if err != nil || r.GroupAccess != want {
			t.Errorf("group-access %q, %v; want %q", r.GroupAccess, err, want)
		}
	}
}

func TestAnswerToNoQuestion(t *testing.T) {
	c := NewConversation(target(nil))
	if _, err := c.Start(); err != nil {
		t.Fatal(err)
	}
	_, err := c.Answer(protocol.Answer{})
	wantFault(t, err, fault.Internal)
}
