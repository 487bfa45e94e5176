package login

import (
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// TestConversationRefusals: what ends a login, and how it is said.
func TestConversationRefusals(t *testing.T) {
	ocserv := recorded(t, "wrong-password-2")
	again := make([]Reply, 30)
	for i := range again {
		again[i] = xmlReply(form("", "password"))
	}
	empty := make([]Reply, 30)
	for i := range empty {
		empty[i] = xmlReply("<authentication-complete/>")
	}
	around := make([]Reply, 30)
	for i := range around {
		around[i] = Reply{Status: 302, Location: "/"}
	}
	always := answers{}
	for i := range 30 {
		always[numbered("password", i+1)] = []string{"p"}
	}
	for name, tc := range map[string]struct {
		target  func(*protocol.Target)
		answers answers
		replies []Reply
		code    fault.Code
		says    string
	}{
		"a group that is not offered":       {func(t *protocol.Target) { t.Group = "guests" }, nil, []Reply{ocserv}, fault.AuthGroup, "staff (Staff network), admins (Administrators)"},
		"a group number that is too large":  {func(t *protocol.Target) { t.Group = "3" }, nil, []Reply{ocserv}, fault.AuthGroup, "groups:"},
		"a group where there is no choice":  {func(t *protocol.Target) { t.Group = "x" }, nil, []Reply{xmlReply(form("", "password"))}, fault.AuthGroup, "HOST/GROUP"},
		"an answer that is no option":       {nil, answers{"username": {"a"}, "group_list": {"x"}}, []Reply{ocserv}, fault.AuthGroup, "groups:"},
		"an answer that is missing":         {nil, answers{"group_list": {"staff"}}, []Reply{ocserv}, fault.AuthInput, "username"},
		"an answer that cannot be sent":     {nil, answers{"password": {canaryPassword + "\n"}}, again[:1], fault.UseBad, "character"},
		"banner declined":                   {nil, answers{"decline": {"1"}}, []Reply{recorded(t, "banner-profile-split-2")}, fault.PolBanner, ""},
		"error and no form":                 {nil, nil, []Reply{xmlReply("<error>Certificate Validation Failure</error>")}, fault.AuthRefused, "Certificate Validation Failure"},
		"error in a complete document":      {nil, nil, []Reply{{Status: 200, Body: []byte(`<config-auth type="complete"><error id="24">Authentication failed.</error></config-auth>`)}}, fault.AuthRefused, "Authentication failed."},
		"an error that quotes the password": {nil, answers{"password": {canaryPassword}}, []Reply{again[0], xmlReply("<error>no " + canaryPassword + "</error>")}, fault.AuthRefused, "no [secret]"},
		"a reason that quotes the password": {nil, answers{"password": {canaryPassword}}, []Reply{again[0], {Status: 503, Reason: "no " + canaryPassword}}, fault.GwUnavailable, "no [secret]"},
		"a later text that quotes the password": {nil, answers{"password": {canaryPassword}, "password2": {"second"}},
			[]Reply{again[0], again[0], {Status: 503, Reason: "no " + canaryPassword}}, fault.GwUnavailable, "no [secret]"},
		"a reason that quotes a cookie": {nil, answers{"password": {"p"}},
			[]Reply{again[0].with("session=" + canaryToken), {Status: 503, Reason: "no " + canaryToken}}, fault.GwUnavailable, "no [secret]"},
		"complete without a token":                {nil, nil, []Reply{done()}, fault.NetMalformed, "token"},
		"a token that is no cookie":               {nil, nil, []Reply{{Status: 200, Body: []byte(`<config-auth type="complete"><session-token>canary; a=b</session-token></config-auth>`)}}, fault.NetMalformed, "token"},
		"nothing asked":                           {nil, nil, []Reply{xmlReply("")}, fault.NetMalformed, ""},
		"form by GET":                             {nil, nil, []Reply{xmlReply(`<form method="get"><input type="text" name="a"/></form>`)}, fault.NetMalformed, ""},
		"form of another server":                  {nil, nil, []Reply{xmlReply(`<form action="https://evil.example/"><input type="text" name="a"/></form>`)}, fault.NetRedirect, ""},
		"form without TLS":                        {nil, nil, []Reply{xmlReply(`<form action="http://vpn.example/"><input type="text" name="a"/></form>`)}, fault.NetMalformed, ""},
		"several client certificates wanted":      {nil, nil, []Reply{{Status: 200, Body: []byte(`<config-auth type="auth-request"><multiple-client-cert-request/></config-auth>`)}}, fault.AuthUnsupported, "several"},
		"browser wanted":                          {nil, nil, []Reply{xmlReply(`<sso-v2-login>https://idp</sso-v2-login><form><input type="sso" name="sso-token"/></form>`)}, fault.AuthUnsupported, "single sign-on"},
		"host scan wanted":                        {nil, nil, []Reply{{Status: 200, Body: []byte(`<config-auth type="auth-request"><host-scan/></config-auth>`)}}, fault.AuthUnsupported, "scan"},
		"forms without end":                       {nil, always, again, fault.AuthRounds, ""},
		"empty replies without end":               {nil, nil, empty, fault.AuthRounds, ""},
		"redirects without end":                   {nil, nil, around, fault.NetRedirect, "10"},
		"redirect without TLS":                    {nil, nil, []Reply{{Status: 302, Location: "http://vpn.example/"}}, fault.NetRedirect, ""},
		"redirect with a password":                {nil, nil, []Reply{{Status: 302, Location: "https://u:canary@vpn.example/"}}, fault.NetRedirect, ""},
		"redirect to any address of this machine": {nil, nil, []Reply{{Status: 302, Location: "https://0.0.0.0/"}}, fault.NetRedirect, ""},
		"redirect to the same in IPv6":            {nil, nil, []Reply{{Status: 302, Location: "https://[::]/"}}, fault.NetRedirect, ""},
		"redirect to everybody":                   {nil, nil, []Reply{{Status: 302, Location: "https://224.0.0.1/"}}, fault.NetRedirect, ""},
		"redirect to a number":                    {nil, nil, []Reply{{Status: 302, Location: "https://2130706433/"}}, fault.NetRedirect, ""},
		"redirect to an odd address":              {nil, nil, []Reply{{Status: 302, Location: "https://127.0.0.0x1/"}}, fault.NetRedirect, ""},
		"redirect to a name with a hyphen's end":  {nil, nil, []Reply{{Status: 302, Location: "https://vpn-.example/"}}, fault.NetRedirect, ""},
		"redirect into the request":               {nil, nil, []Reply{{Status: 302, Location: "/a?b c\r\nX: canary"}}, fault.NetRedirect, ""},
		"a web page":                              {nil, nil, []Reply{{Status: 200, Body: []byte("<!doctype html><html>canary")}, {Status: 200, Body: []byte("<!doctype html><html>canary")}}, fault.NetNotVPN, ""},
		"text":                                    {nil, nil, []Reply{{Status: 200, Body: []byte("canary")}, {Status: 200, Body: []byte("canary")}}, fault.NetNotVPN, ""},
		"nothing":                                 {nil, nil, []Reply{{Status: 200}, {Status: 200}}, fault.NetNotVPN, ""},
		"other XML":                               {nil, nil, []Reply{{Status: 200, Body: []byte("<canary/>")}, {Status: 200, Body: []byte("<canary/>")}}, fault.NetNotVPN, ""},
		"malformed XML":                           {nil, nil, []Reply{{Status: 200, Body: []byte("<config-auth type='canary")}}, fault.NetMalformed, ""},
		"an entity bomb":                          {nil, nil, []Reply{{Status: 200, Body: []byte(`<!DOCTYPE a [<!ENTITY a "canary">]><config-auth>&a;</config-auth>`)}}, fault.NetMalformed, ""},
		"too many fields":                         {nil, nil, []Reply{xmlReply(form("", strings.Fields(strings.Repeat("a ", 100))...))}, fault.NetTooMuch, ""},
		"401":                                     {nil, nil, []Reply{{Status: 401}}, fault.AuthRefused, "HTTP 401"},
		"403 with a reason":                       {nil, nil, []Reply{{Status: 403, Reason: "go away"}}, fault.AuthRefused, "go away"},
		"503":                                     {nil, nil, []Reply{{Status: 503}}, fault.GwUnavailable, "HTTP 503"},
		"404 from who knows":                      {nil, nil, []Reply{{Status: 404}, {Status: 404}}, fault.NetNotVPN, "HTTP 404"},
		"404 for a group path":                    {func(t *protocol.Target) { t.Path = "/x" }, nil, []Reply{{Status: 404}, {Status: 404}}, fault.NetHTTPRefused, "HTTP 404"},
		"500 from a gateway":                      {nil, answers{"password": {"p"}}, []Reply{again[0], {Status: 500}}, fault.NetHTTPRefused, "HTTP 500"},
	} {
		t.Run(name, func(t *testing.T) {
			log, _, err := drive(t, NewConversation(target(tc.target)), tc.answers, tc.replies...)
			f := wantFault(t, err, tc.code)
			if text := f.Sentence() + strings.Join(f.Hints, "\n"); !strings.Contains(text, tc.says) {
				t.Errorf("%q does not say %q after\n%s", text, tc.says, log)
			}
		})
	}
}
