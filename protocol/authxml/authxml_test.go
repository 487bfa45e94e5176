package authxml

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/redact"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestExchangesFromGateways parses documents recorded between openconnect and ocserv and compares what was understood with a golden.
func TestExchangesFromGateways(t *testing.T) {
	files, err := filepath.Glob("testdata/*.xml")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d recorded documents, %v", len(files), err)
	}
	var got strings.Builder
	for _, f := range files {
		doc, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "== %s\n", filepath.Base(f))
		if strings.HasSuffix(f, "-client.xml") {
			r, err := ParseRequest(doc)
			if err != nil {
				t.Fatalf("%s: %v", f, err)
			}
			describeRequest(&got, r)
		} else {
			r, err := ParseResponse(doc)
			if err != nil {
				t.Fatalf("%s: %v", f, err)
			}
			describeResponse(&got, r)
		}
	}
	const golden = "testdata/understood.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("differs from %s:\n%s", golden, got.String())
	}
}

// describeRequest writes what a request says, its test-only secrets included.
func describeRequest(w *strings.Builder, r *Request) {
	fmt.Fprintf(w, "%s version=%q device=%q capabilities=%q access=%q select=%q\n", r.Type, r.Version, r.DeviceID, r.Capabilities, r.GroupAccess, r.GroupSelect)
	for _, f := range r.Fields {
		fmt.Fprintf(w, "  %s=%q\n", f.Name, f.Value.Reveal())
	}
}

func describeResponse(w *strings.Builder, r *Response) {
	fmt.Fprintf(w, "%s version=%q id=%q title=%q message=%q error=%q banner=%q\n", r.Type, r.Version, r.AuthID, r.Title, r.Message, r.Error, r.Banner)
	if p := r.Config.Profile; p != nil {
		fmt.Fprintf(w, "  profile %q %s %s\n", p.URI, p.HashType, p.Hash)
	}
	if r.Form == nil {
		return
	}
	fmt.Fprintf(w, "  %s %q\n", r.Form.Method, r.Form.Action)
	for _, in := range r.Form.Inputs {
		fmt.Fprintf(w, "  %s %s label=%q value=%q\n", in.Type, in.Name, in.Label, in.Value)
		for _, o := range in.Options {
			fmt.Fprintf(w, "    %q %q\n", o.Value, o.Label)
		}
	}
}

const asaPrelogin = `<?xml version="1.0" encoding="UTF-8"?>
<config-auth client="vpn" type="auth-request" aggregate-auth-version="2">
<opaque is-for="vpn-client"><x/></opaque>
<opaque is-for="sg"><tunnel-group>Staff &amp; guests</tunnel-group>
  <aggauth-handle>168179266</aggauth-handle><auth-method>single-sign-on-v2</auth-method><config-hash>1595829378234</config-hash></opaque>
<auth id="main"><title>Login</title><message id="0" param1="" param2="">Please enter your username and password.</message>
<banner></banner><unknown><form/></unknown>
<form><input type="text" name="username" label="Username:"></input><input type="password" name="password" label="Password:"/>
<input type="submit" name="Login" value="Login"/><input type="hidden" name="state" value="a &quot;b&quot;"/><input name="typeless"/>
<input type="password" name="secondary_password" label="Second:" second-auth="1"/>
<select name="group_list" label="GROUP:"><option selected="true" value="one">One</option><option noaaa="1">Two</option><option value="3" second-auth="1">Three</option></select></form></auth></config-auth>`

func TestFormOfAnASA(t *testing.T) {
	r, err := ParseResponse([]byte(asaPrelogin))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(r.Opaque), `<opaque is-for="sg"><tunnel-group>Staff &amp; guests</tunnel-group>`+"\n  <agg") || !strings.HasSuffix(string(r.Opaque), "</opaque>") {
		t.Errorf("opaque is not the element's bytes: %s", r.Opaque)
	}
	var names []string
	for _, in := range r.Form.Inputs {
		names = append(names, in.Type+" "+in.Name)
	}
	if got, want := strings.Join(names, ", "), "text username, password password, hidden state, password secondary_password, select group_list"; got != want {
		t.Errorf("inputs %s, want %s", got, want)
	}
	if v := r.Form.Inputs[2].Value; v != `a "b"` {
		t.Errorf("hidden value %q", v)
	}
	if !r.Form.Inputs[3].SecondAuth {
		t.Error("second-auth is lost")
	}
	o := r.Form.Inputs[4].Options
	if len(o) != 3 || !o[0].Selected || o[1].Value != "Two" || !o[1].NoAAA || !o[2].SecondAuth {
		t.Errorf("options %+v", o)
	}
	if r.Form.Method != "POST" || r.Form.Action != "" || r.Title != "Login" {
		t.Errorf("form %q %q, title %q", r.Form.Method, r.Form.Action, r.Title)
	}
}

func TestResponseRoundTrip(t *testing.T) {
	for name, in := range map[string]*Response{
		"form": {Type: TypeRequest, Version: "9.1", AuthID: AuthMain, Title: "T <1>", Message: "two\nlines & 100% \"quoted\"", Error: "no", Banner: "B",
			Opaque: []byte(`<opaque is-for="sg"><a>1</a></opaque>`),
			Form: &Form{Method: "POST", Action: "/+webvpn+/login?a=1&b=2", Inputs: []Input{
				{Type: InputText, Name: "username", Label: "User:", Value: "al\"ice"},
				{Type: InputPassword, Name: "secondary_password", SecondAuth: true},
				{Type: InputSelect, Name: GroupList, Label: "Group:", Options: []Option{{Value: "a<b", Label: "A", Selected: true}, {Value: "c", Label: "C", SecondAuth: true, NoAAA: true}}}}}},
		"complete": {Type: TypeComplete, AuthID: AuthSuccess, SessionID: "12", SessionToken: redact.NewString("ab12@34@cd@ef"), Banner: "hello"},
		"flags":    {Type: TypeRequest, AuthID: AuthMain, AuthComplete: true, CertRequest: true, MultiCert: true, CertAccepted: true, HostScan: true, SSO: &SSO{}},
		"browser": {Type: TypeRequest, AuthID: AuthMain, Title: "SAML",
			SSO: &SSO{Login: "https://gw/+CSCOE+/saml/sp/login?tgname=a&acsamlcap=v2", Mode: BrowserExternal, Final: "https://gw/f", TokenCookie: "acSamlv2Token",
				ErrorCookie: "acSamlv2Error", Logout: "https://gw/l", LogoutFinal: "https://gw/lf"},
			Form: &Form{Method: "POST", Inputs: []Input{{Type: InputSSO, Name: "sso-token"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			doc, err := in.Append(nil)
			if err != nil {
				t.Fatal(err)
			}
			out, err := ParseResponse(doc)
			if err != nil {
				t.Fatalf("%v\n%s", err, doc)
			}
			if a, b := reveal(in), reveal(out); a != b {
				t.Errorf("\n%s\n%s", a, b)
			}
		})
	}
}

// reveal prints a response whole, for comparison.
func reveal(r *Response) string {
	c := *r
	form := "none"
	if r.Form != nil {
		form = fmt.Sprintf("%+v", *r.Form)
	}
	sso := "none"
	if r.SSO != nil {
		sso = fmt.Sprintf("%+v", *r.SSO)
	}
	c.Form, c.SSO = nil, nil
	return fmt.Sprintf("%+v token=%q form=%s sso=%s", c, r.SessionToken.Reveal(), form, sso)
}

// samlOfAnASA is the shape in which an ASA asks for a browser: the elements beside the form, a field that no person fills in it.
const samlOfAnASA = `<?xml version="1.0" encoding="UTF-8"?>
<config-auth client="vpn" type="auth-request" aggregate-auth-version="2">
<opaque is-for="sg"><tunnel-group>SAML</tunnel-group><auth-method>single-sign-on-v2</auth-method><auth-method>single-sign-on-external-browser</auth-method></opaque>
<auth id="main">
<title>Login</title>
<message>Please complete the authentication process in the AnyConnect Login window.</message>
<banner></banner>
<sso-v2-login> https://vpn.example.com/+CSCOE+/saml/sp/login?tgname=SAML&#x26;acsamlcap=v2
</sso-v2-login>
<sso-v2-login-final>https://vpn.example.com/+CSCOE+/saml_ac_login.html</sso-v2-login-final>
<sso-v2-token-cookie-name>acSamlv2Token</sso-v2-token-cookie-name>
<sso-v2-error-cookie-name>acSamlv2Error</sso-v2-error-cookie-name>
<sso-v2-browser-mode>external</sso-v2-browser-mode>
<form>
<input type="sso" name="sso-token"></input>
</form>
</auth>
</config-auth>`

func TestBrowserOfAnASA(t *testing.T) {
	r, err := ParseResponse([]byte(samlOfAnASA))
	if err != nil {
		t.Fatal(err)
	}
	want := SSO{
		Login: "https://vpn.example.com/+CSCOE+/saml/sp/login?tgname=SAML&acsamlcap=v2", Mode: BrowserExternal,
		Final: "https://vpn.example.com/+CSCOE+/saml_ac_login.html", TokenCookie: "acSamlv2Token", ErrorCookie: "acSamlv2Error",
	}
	if r.SSO == nil || *r.SSO != want {
		t.Errorf("%+v", r.SSO)
	}
	if len(r.Form.Inputs) != 1 || r.Form.Inputs[0].Type != InputSSO || r.Form.Inputs[0].Name != "sso-token" {
		t.Errorf("%+v", r.Form)
	}
	// A field for it alone is asked for, too, by whoever says nothing else.
	r, err = ParseResponse([]byte(`<config-auth type="auth-request"><auth id="main"><form><input type="SSO" name="sso-token"/></form></auth></config-auth>`))
	if err != nil || r.SSO == nil || *r.SSO != (SSO{}) {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestRequestRoundTrip(t *testing.T) {
	in := &Request{Type: TypeReply, Version: "v9", DeviceID: "linux-64", Capabilities: []string{"x"}, GroupSelect: "a&b", CertFail: true,
		Opaque: []byte("<opaque><a/>\n</opaque>"),
		Fields: []Field{{"username", redact.NewString("al<ice")}, {"password", redact.NewString(` p&"'ä `)}, {"password", redact.NewString("2")}}}
	doc, err := in.Append([]byte("before"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := ParseRequest([]byte(strings.TrimPrefix(string(doc), "before")))
	if err != nil {
		t.Fatal(err)
	}
	if out.Type != in.Type || !out.CertFail || out.GroupSelect != in.GroupSelect || string(out.Opaque) != string(in.Opaque) || len(out.Fields) != 3 {
		t.Errorf("%+v", out)
	}
	for i := range in.Fields {
		if out.Fields[i].Name != in.Fields[i].Name || !out.Fields[i].Value.Equal(in.Fields[i].Value) {
			t.Errorf("field %d came back as %s=%q", i, out.Fields[i].Name, out.Fields[i].Value.Reveal())
		}
	}
	logout := &Request{Type: TypeLogout, SessionToken: redact.NewString("tok")}
	if doc, err = logout.Append(nil); err != nil {
		t.Fatal(err)
	}
	if out, err = ParseRequest(doc); err != nil || string(out.SessionToken.Reveal()) != "tok" {
		t.Errorf("logout: %+v, %v", out, err)
	}
}

func TestRefusedDocuments(t *testing.T) {
	auth := func(inner string) string {
		return `<config-auth type="auth-request"><auth id="main">` + inner + `</auth></config-auth>`
	}
	for name, tc := range map[string]struct {
		doc  string
		want error
	}{
		"empty":                     {"", ErrNotXML},
		"text":                      {"Service unavailable", ErrNotXML},
		"json":                      {`{"a":1}`, ErrNotXML},
		"web page":                  {"<!DOCTYPE html><html><br></html>", ErrHTML},
		"web page, old":             {"<HTML><body>", ErrHTML},
		"web page after a comment":  {"<!-- x -->\n<html>", ErrHTML},
		"xhtml":                     {`<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "x"><html/>`, ErrHTML},
		"another root":              {`<rss/>`, ErrRoot},
		"entity bomb":               {`<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><config-auth type="complete">&b;</config-auth>`, ErrDTD},
		"outside reference":         {`<!DOCTYPE config-auth SYSTEM "file:///etc/passwd"><config-auth type="complete"/>`, ErrDTD},
		"unknown entity":            {auth("<message>&nbsp;</message>"), ErrMalformed},
		"cut short":                 {`<config-auth type="auth-request"><auth id="main">`, ErrMalformed},
		"crossed tags":              {auth("<a><b></a></b>"), ErrMalformed},
		"two roots":                 {`<config-auth type="complete"/><config-auth type="complete"/>`, ErrMalformed},
		"text after the root":       {`<config-auth type="complete"/>x`, ErrMalformed},
		"NUL":                       {auth("<message>a\x00b</message>"), ErrMalformed},
		"control character":         {auth("<message>&#27;[2J</message>"), ErrMalformed},
		"no UTF-8":                  {auth("<message>\xff</message>"), ErrMalformed},
		"another encoding":          {`<?xml version="1.0" encoding="UTF-16"?><config-auth type="complete"/>`, ErrMalformed},
		"no type":                   {`<config-auth/>`, ErrMalformed},
		"a client's type":           {`<config-auth type="init"/>`, ErrMalformed},
		"field name with a space":   {auth(`<form><input type="text" name="a b"/></form>`), ErrMalformed},
		"field name that is markup": {auth(`<form><input type="text" name="a&gt;&lt;b"/></form>`), ErrMalformed},
		"field name too long":       {auth(`<form><input type="text" name="` + strings.Repeat("a", 65) + `"/></form>`), ErrMalformed},
		"too many fields":           {auth("<form>" + strings.Repeat(`<input type="text" name="a"/>`, 65) + "</form>"), ErrTooMuch},
		"too many options":          {auth(`<form><select name="a">` + strings.Repeat("<option>1</option>", 513) + "</select></form>"), ErrTooMuch},
		"too many elements":         {auth(strings.Repeat("<a/>", 5000)), ErrTooMuch},
		"too deep":                  {auth(strings.Repeat("<a>", 40) + strings.Repeat("</a>", 40)), ErrTooMuch},
		"too large":                 {auth("<message>" + strings.Repeat("a", MaxSize) + "</message>"), ErrTooMuch},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ParseResponse([]byte(tc.doc)); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}

func TestRefusedRequests(t *testing.T) {
	for name, tc := range map[string]struct {
		doc  string
		want error
	}{
		"bare auth":       {`<auth/>`, ErrRoot},
		"a server's type": {`<config-auth type="complete"/>`, ErrMalformed},
		"too many fields": {`<config-auth type="auth-reply"><auth>` + strings.Repeat("<a>1</a>", 65) + `</auth></config-auth>`, ErrTooMuch},
		"field name":      {`<config-auth type="auth-reply"><auth><ä>1</ä></auth></config-auth>`, ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ParseRequest([]byte(tc.doc)); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}

func TestValuesThatCannotBeWritten(t *testing.T) {
	for name, r := range map[string]*Request{
		"NUL":             {Type: TypeReply, Fields: []Field{{"password", redact.NewString("canary\x00")}}},
		"line end":        {Type: TypeReply, Fields: []Field{{"password", redact.NewString("canary\n")}}},
		"escape":          {Type: TypeReply, Fields: []Field{{"password", redact.NewString("canary\x1b[2J")}}},
		"no UTF-8":        {Type: TypeReply, Fields: []Field{{"password", redact.NewString("canary\xff")}}},
		"not a character": {Type: TypeReply, Fields: []Field{{"password", redact.NewString("canary\uffff")}}},
		"name":            {Type: TypeReply, Fields: []Field{{"pass word", redact.NewString("canary")}}},
		"group":           {Type: TypeReply, GroupSelect: "a\x01"},
		"opaque twice":    {Type: TypeReply, Opaque: []byte("<opaque/><opaque/>")},
		"opaque markup":   {Type: TypeReply, Opaque: []byte("</config-auth>")},
		"opaque other":    {Type: TypeReply, Opaque: []byte("<auth/>")},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := r.Append([]byte("kept"))
			if !errors.Is(err, ErrValue) || string(b) != "kept" {
				t.Errorf("%q, %v", b, err)
			}
			if strings.Contains(string(b[:cap(b)]), "canary") || strings.Contains(err.Error(), "canary") {
				t.Error("the value is still there")
			}
		})
	}
}

func TestBareAuth(t *testing.T) {
	r, err := ParseResponse([]byte(`<auth id="main"><form method="post" action="/auth"><input type="text" name="username"/></form></auth>`))
	if err != nil || r.Type != TypeRequest || r.Form == nil || r.Form.Action != "/auth" {
		t.Errorf("%+v, %v", r, err)
	}
	r, err = ParseResponse([]byte(`<auth id="success"><title>SSL VPN Service</title></auth>`))
	if err != nil || r.Type != TypeComplete {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestErrorWithoutAuth(t *testing.T) {
	r, err := ParseResponse([]byte(`<config-auth type="complete"><error id="24" param1="" param2="">Authentication failed.</error></config-auth>`))
	if err != nil || r.Error != "Authentication failed." {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestMessageParameters(t *testing.T) {
	for name, tc := range map[string]struct{ element, want string }{
		"one":              {`<message param1="Bob">Hello %s.</message>`, "Hello Bob."},
		"two":              {`<message param1="a" param2="b">%s and %s</message>`, "a and b"},
		"three":            {`<message param1="a" param2="b">%s %s %s</message>`, "a b %s"},
		"none given":       {`<message>100 %s</message>`, "100 %s"},
		"one missing":      {`<message param2="b">%s</message>`, "%s"},
		"stops at percent": {`<message param1="a">5% %s</message>`, "5% %s"},
		"not again":        {`<message param1="%s" param2="b">%s-%s</message>`, "%s-b"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := ParseResponse([]byte(`<config-auth type="auth-request"><auth>` + tc.element + `</auth></config-auth>`))
			if err != nil || r.Message != tc.want {
				t.Errorf("%q, %v; want %q", r.Message, err, tc.want)
			}
		})
	}
}

func TestCleanText(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"lines stay":            {"a\nb\r\nc", "a\nb\nc"},
		"empty lines":           {"\n\n a \n\n\n b\n\n", "a\n\nb"},
		"control characters":    {"a\x1b[31mb\tc\x07", "a [31mb c"},
		"text that turns round": {"a\u202eb\u200bc", "a b c"},
		"nothing to see":        {"\u200b \n \x00", ""},
		"long line":             {strings.Repeat("ä", 500), strings.Repeat("ä", 500)},
		"too long":              {strings.Repeat("x", 5000), strings.Repeat("x", 4000)},
		"too many lines":        {strings.Repeat("x\n", 100), strings.Repeat("x\n", 60) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := CleanText(tc.in); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}
