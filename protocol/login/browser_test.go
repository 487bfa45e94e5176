package login

import (
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/authxml"
	"github.com/holdfast-vpn/holdfast/protocol/strap"
)

const canarySSO = "canarySSOtoken"

// samlReply is how an ASA asks for a browser: elements beside the form, and a field that nobody fills in.
func samlReply(login, mode, inputs string) Reply {
	const opaque = `<opaque is-for="sg"><tunnel-group>saml</tunnel-group></opaque>`
	return Reply{Status: 200, Body: []byte(`<config-auth type="auth-request">` + opaque + `<auth id="main"><message>Sign in.</message><sso-v2-login>` + login + `</sso-v2-login>` +
		`<sso-v2-login-final>https://vpn.example/+CSCOE+/saml_ac_login.html</sso-v2-login-final><sso-v2-token-cookie-name>acSamlv2Token</sso-v2-token-cookie-name>` +
		`<sso-v2-browser-mode>` + mode + `</sso-v2-browser-mode><form>` + inputs + `<input type="sso" name="sso-token"></input></form></auth></config-auth>`)}
}

// bound is a conversation with keys, and what seals to them.
func bound(t *testing.T, to protocol.Target) (*Conversation, func(token string) string) {
	t.Helper()
	keys, err := strap.New()
	if err != nil {
		t.Fatal(err)
	}
	c := NewConversation(to)
	c.Bind(keys)
	_, dh := keys.Announce()
	return c, func(token string) string {
		text, err := strap.Seal(dh, redact.NewString(token))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
}

// TestBrowser plays logins that a browser has a part in.
func TestBrowser(t *testing.T) {
	const page = "https://idp.example:8443/sso?a=1&amp;b=%22x%22#part"
	groups := `<select name="group_list"><option value="saml" selected="true">Web</option><option value="staff">Staff</option></select>`
	plain := Reply{Status: 200, Body: []byte(`<config-auth type="auth-request"><opaque is-for="sg"><tunnel-group>staff</tunnel-group></opaque><auth id="main"><form>` +
		`<input type="password" name="password"/>` + strings.Replace(strings.Replace(groups, ` selected="true"`, "", 1), `"staff"`, `"staff" selected="true"`, 1) + `</form></auth></config-auth>`)}
	const opaque = ` <opaque is-for="sg"><tunnel-group>saml</tunnel-group></opaque>`
	const ask = `ask browser "Sign in." at https://idp.example:8443/sso?a=1&b=%22x%22#part of idp.example:8443 for vpn.example:29786 text:response` + "\n"
	for name, tc := range map[string]struct {
		target  func(*protocol.Target)
		answers answers
		replies []Reply
		want    string
	}{
		"the browser alone": {
			answers: answers{protocol.ResponseField: {canarySSO}},
			replies: []Reply{samlReply(page, "external", ""), done(webvpn)},
			want:    "init https://vpn.example/\n" + ask + "auth-reply https://vpn.example/ sso-token=" + canarySSO + opaque + "\n",
		},
		"a group, a name, then the browser": {
			target:  func(t *protocol.Target) { t.Group = "Web" },
			answers: answers{protocol.ResponseField: {canarySSO}, "username": {"alice"}},
			replies: []Reply{samlReply(page, "External", `<input type="text" name="username"/>`+groups), done(webvpn)},
			want: "init https://vpn.example/\n" + `ask form "Sign in." text:username` + "\n" + ask +
				"auth-reply https://vpn.example/ group-select=saml username=alice sso-token=" + canarySSO + opaque + "\n",
		},
		"another group than the one that wants a browser of ours": {
			target:  func(t *protocol.Target) { t.Group = "staff" },
			answers: answers{"password": {"p1"}},
			replies: []Reply{samlReply(page, "", groups), plain, done(webvpn)},
			want: "init https://vpn.example/\ninit https://vpn.example/ group-select=staff\nask form \"\" password:password\n" +
				`auth-reply https://vpn.example/ group-select=staff password=p1 <opaque is-for="sg"><tunnel-group>staff</tunnel-group></opaque>` + "\n",
		},
		"refused, and asked again": {
			answers: answers{protocol.ResponseField: {"first", "second"}},
			replies: []Reply{samlReply(page, "external", ""), {Status: 200, Body: []byte(strings.Replace(string(samlReply(page, "external", "").Body), "<message>", "<error>Nobody knows you.</error><message>", 1))}, done(webvpn)},
			want: "init https://vpn.example/\n" + ask + "auth-reply https://vpn.example/ sso-token=first" + opaque + "\n" +
				strings.Replace(ask, `"Sign in."`, `"Sign in." error="Nobody knows you."`, 1) + "auth-reply https://vpn.example/ sso-token=second" + opaque + "\n",
		},
		"a page on the gateway itself": {
			replies: []Reply{samlReply("/+CSCOE+/saml/sp/login?tgname=saml", "external", "")},
			answers: answers{protocol.ResponseField: {canarySSO}},
			want: "init https://vpn.example/\n" + `ask browser "Sign in." at https://vpn.example/+CSCOE+/saml/sp/login?tgname=saml of vpn.example for vpn.example:29786 text:response` + "\n" +
				"auth-reply https://vpn.example/ sso-token=" + canarySSO + opaque + "\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, seal := bound(t, target(tc.target))
			for i, token := range tc.answers[protocol.ResponseField] {
				tc.answers[protocol.ResponseField][i] = seal(token)
			}
			log, _, err := drive(t, c, tc.answers, tc.replies...)
			if err != nil || log != tc.want {
				t.Errorf("%v\n%s\nwant\n%s", err, log, tc.want)
			}
		})
	}
}

// TestBrowserOffered: with keys the gateway is offered to sign in in a browser, in each document but the last.
func TestBrowserOffered(t *testing.T) {
	c, _ := bound(t, target(nil))
	act, err := c.Start()
	if err != nil {
		t.Fatal(err)
	}
	r, err := authxml.ParseRequest(act.Send.Body.Reveal())
	if err != nil || len(r.Capabilities) != 1 || r.Capabilities[0] != authxml.MethodExternalBrowser {
		t.Errorf("%+v: %v", r, err)
	}
	if act, err = NewConversation(target(nil)).Start(); err != nil {
		t.Fatal(err)
	}
	if r, err = authxml.ParseRequest(act.Send.Body.Reveal()); err != nil || len(r.Capabilities) != 0 {
		t.Errorf("%+v: %v", r, err)
	}
}

// TestBrowserRefusals: pages that are not opened, and responses that are none of this login's.
func TestBrowserRefusals(t *testing.T) {
	for name, tc := range map[string]struct {
		reply Reply
		code  fault.Code
	}{
		"a browser of ours":        {samlReply("https://idp.example/", "", ""), fault.AuthUnsupported},
		"a mode of the future":     {samlReply("https://idp.example/", "quantum", ""), fault.AuthUnsupported},
		"no page":                  {samlReply("", "external", ""), fault.NetMalformed},
		"no elements":              {xmlReply(`<form><input type="sso" name="sso-token"/></form>`), fault.AuthUnsupported},
		"no form":                  {xmlReply(`<sso-v2-login>https://idp.example/</sso-v2-login><sso-v2-browser-mode>external</sso-v2-browser-mode>`), fault.NetMalformed},
		"a page without TLS":       {samlReply("http://idp.example/", "external", ""), fault.NetMalformed},
		"a file":                   {samlReply("file:///etc/passwd", "external", ""), fault.NetMalformed},
		"a script":                 {samlReply("javascript:alert(1)", "external", ""), fault.NetMalformed},
		"a program's own scheme":   {samlReply("ms-calculator:", "external", ""), fault.NetMalformed},
		"a name in it":             {samlReply("https://vpn.example@idp.example/", "external", ""), fault.NetMalformed},
		"two lines":                {samlReply("https://idp.example/&#10;x", "external", ""), fault.NetMalformed},
		"two lines in its part":    {samlReply("https://idp.example/#&#10;x", "external", ""), fault.NetMalformed},
		"a name beyond ASCII":      {samlReply("https://\u0456dp.example/", "external", ""), fault.NetMalformed},
		"an address without end":   {samlReply("https://idp.example/"+strings.Repeat("x", maxURL), "external", ""), fault.NetMalformed},
		"quotes without end":       {samlReply("https://idp.example/#"+strings.Repeat("&quot;", 1000), "external", ""), fault.NetTooMuch},
		"asked by the older login": {Reply{Status: 200, Body: []byte(`<auth id="main"><sso-v2-login>https://idp.example/</sso-v2-login><sso-v2-browser-mode>external</sso-v2-browser-mode><form><input type="sso" name="sso-token"/></form></auth>`)}, fault.AuthUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := bound(t, target(nil))
			log, _, err := drive(t, c, answers{}, tc.reply)
			if f := wantFault(t, err, tc.code); strings.Contains(f.Sentence(), "idp") {
				t.Errorf("%s\n%s", f.Sentence(), log)
			}
		})
	}
	c, seal := bound(t, target(nil))
	_, foreign := bound(t, target(nil))
	act, err := c.Start()
	if err != nil {
		t.Fatal(err)
	}
	if act, err = c.Reply(samlReply("https://idp.example/", "external", "")); err != nil || act.Ask == nil || act.Ask.Check == nil {
		t.Fatalf("%+v, %v", act, err)
	}
	with := func(text string) protocol.Answer {
		return protocol.Answer{Values: map[string]redact.Secret{protocol.ResponseField: redact.NewString(text)}}
	}
	for name, bad := range map[string]protocol.Answer{"nothing": {}, "noise": with("AAE="), "another login's": with(foreign("x")), "cut off": with(seal("x")[:80])} {
		if err := act.Ask.Check(bad); err == nil || fault.As(err).Code != fault.AuthResponse {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := act.Ask.Check(with(seal("x"))); err != nil {
		t.Error(err)
	}
	if _, err := c.Answer(with(foreign("canary"))); err == nil {
		t.Error("another login's response was sent")
	} else {
		wantFault(t, err, fault.AuthResponse)
	}
}
