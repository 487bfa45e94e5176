package login

import (
	"net/url"
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/authxml"
	"github.com/holdfast-vpn/holdfast/protocol/strap"
)

// FuzzConversation: whatever a gateway sends, a conversation ends or asks; it never panics and never sends a line it should not.
func FuzzConversation(f *testing.F) {
	for _, name := range []string{"wrong-password-2", "wrong-password-6", "wrong-password-8", "otp-2step-8", "radius-challenge-6", "banner-profile-split-2", "banner-profile-split-8"} {
		f.Add(recorded(f, name).Body, recorded(f, "otp-2step-6").Body, "", "webvpn=a", 200)
	}
	f.Add([]byte(`<auth><form action="//evil/"><select name="group_list"><option/></select></form></auth>`), []byte(""), "//x/../y", "a=b;c", 302)
	f.Add(samlReply("https://idp.example/x?y#z", "external", `<input type="text" name="username"/>`).Body, samlReply("/+CSCOE+/saml", "external", "").Body, "", "a=b", 200)
	keys, err := strap.New()
	if err != nil {
		f.Fatal(err)
	}
	_, dh := keys.Announce()
	sealed, err := strap.Seal(dh, redact.NewString("token"))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, first, second []byte, location, cookie string, status int) {
		c := NewConversation(target(func(t *protocol.Target) { t.User = "alice" }))
		c.Bind(keys)
		act, err := c.Start()
		for i := 0; err == nil && act.Done == nil && i < 60; i++ {
			switch {
			case act.Send != nil:
				if !printable(act.Send.Path) || !strings.HasPrefix(act.Send.Path, "/") || !validHost(c.Target().Host) {
					t.Fatalf("request to %q at %q", act.Send.Path, c.Target().Host)
				}
				r := Reply{Status: 200, Body: [][]byte{first, second}[i%2]}
				if i%3 == 2 {
					r.Status, r.Location = status, location
				}
				if k, ok := parseSetCookie(cookie); ok {
					r.Cookies = append(r.Cookies, k)
				}
				act, err = c.Reply(r)
			default:
				a := protocol.Answer{Accept: true, Values: map[string]redact.Secret{}}
				seen := map[string]bool{}
				for _, in := range act.Ask.Fields {
					if seen[in.Name] || !authxml.ValidName(in.Name[:min(len(in.Name), 64)]) {
						t.Fatalf("field name %q", in.Name)
					}
					seen[in.Name] = true
					a.Values[in.Name] = redact.NewString("1")
				}
				if b := act.Ask.Browser; b != nil {
					u, err := url.Parse(b.URL)
					if err != nil || u.Scheme != "https" || u.User != nil || u.Hostname() == "" || !printable(b.URL) || strings.ContainsAny(b.URL, `"\`) || len(b.URL) > maxURL || b.Gateway != "vpn.example" && location == "" {
						t.Fatalf("%+v: %v", b, err)
					}
					a.Values[protocol.ResponseField] = redact.NewString(sealed)
				}
				act, err = c.Answer(a)
			}
		}
		if err != nil && fault.As(err).Code == fault.Internal {
			t.Fatal(err)
		}
	})
}
