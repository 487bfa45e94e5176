package profile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// settingsOf is a profile, named corp.xml, of these settings.
func settingsOf(t *testing.T, xml string) *Profile {
	t.Helper()
	p, _, err := ParseFile("corp.xml", []byte("<AnyConnectProfile><ClientInitialization>"+xml+"</ClientInitialization></AnyConnectProfile>"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func policyOf(t *testing.T, xml string) *Policy {
	t.Helper()
	p, warned, err := ParsePolicy([]byte("<AnyConnectLocalPolicy>" + xml + "</AnyConnectLocalPolicy>"))
	if err != nil || len(warned) > 0 {
		t.Fatal(err, warned)
	}
	return p
}

func preferencesOf(t *testing.T, origin string, pairs ...string) *Preferences {
	t.Helper()
	p, _, err := ParsePreferences(nil, origin)
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		e, ok := Lookup(name)
		if !ok {
			t.Fatal(name)
		}
		if err := p.Set(e, value); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func TestEffective(t *testing.T) {
	user := func(pairs ...string) *Preferences { return preferencesOf(t, OriginUser, pairs...) }
	global := func(pairs ...string) *Preferences { return preferencesOf(t, OriginGlobal, pairs...) }
	for _, tc := range []struct {
		name, element string
		policy        *Policy
		profile       *Profile
		prefs         []*Preferences
		value, origin string
		why           string // of the lock
	}{
		{"nothing", "AutoReconnect", nil, nil, nil, "true", OriginDefault, ""},
		{"nothing, and only a profile can", "AllowManualHostInput", nil, nil, nil, "true", OriginDefault, WhyFixed},
		{"the user, without a profile", "AutoReconnect", nil, nil, []*Preferences{nil, user("AutoReconnect=false")}, "false", OriginUser, ""},
		{"a silent profile locks what the schema locks", "AutoReconnect", nil, settingsOf(t, ""), []*Preferences{nil, user("AutoReconnect=false")},
			"true", OriginDefault, "corp.xml does not leave it to the user"},
		{"a silent profile leaves the rest", "LocalLanAccess", nil, settingsOf(t, ""), []*Preferences{nil, user("LocalLanAccess=true")}, "true", OriginUser, ""},
		{"a profile", "LocalLanAccess", nil, settingsOf(t, "<LocalLanAccess>true</LocalLanAccess>"), nil, "true", "corp.xml", ""},
		{"a profile opens", "AutoReconnect", nil, settingsOf(t, `<AutoReconnect UserControllable="true">true</AutoReconnect>`), []*Preferences{user("AutoReconnect=no")}, "false", OriginUser, ""},
		{"a profile closes", "LocalLanAccess", nil, settingsOf(t, `<LocalLanAccess UserControllable="false">false</LocalLanAccess>`), []*Preferences{user("LocalLanAccess=true")},
			"false", "corp.xml", "corp.xml does not leave it to the user"},
		{"a profile cannot open what the schema never does", "AlwaysOn", nil, settingsOf(t, `<AutomaticVPNPolicy>true<AlwaysOn UserControllable="true">true</AlwaysOn></AutomaticVPNPolicy>`), nil,
			"true", "corp.xml", WhyFixed},
		{"all users", "LocalLanAccess", nil, nil, []*Preferences{global("LocalLanAccess=false"), user()}, "false", OriginGlobal, ""},
		{"the user beats all users", "LocalLanAccess", nil, nil, []*Preferences{global("LocalLanAccess=false"), user("LocalLanAccess=true")}, "true", OriginUser, ""},
		{"a value that is none", "ProxySettings", nil, settingsOf(t, "<ProxySettings>Sometimes</ProxySettings>"), nil, "Native", OriginDefault, ""},
		{"inside another", "PublicProxyServerAddress", nil, settingsOf(t, "<ProxySettings>Override</ProxySettings>"), []*Preferences{user("PublicProxyServerAddress=p.example:8080")},
			"p.example:8080", OriginUser, ""},
		{"the local policy has the last word", "BlockUntrustedServers", policyOf(t, "<StrictCertificateTrust>true</StrictCertificateTrust>"), nil,
			[]*Preferences{user("BlockUntrustedServers=false")}, "true", OriginPolicy, WhyPolicy},
		{"no updates", "AutoUpdate", policyOf(t, "<BypassDownloader>true</BypassDownloader>"), settingsOf(t, "<AutoUpdate>true</AutoUpdate>"), nil, "false", OriginPolicy, WhyPolicy},
	} {
		r, ok := Effective(tc.policy, tc.profile, tc.prefs...).Find(tc.element)
		if !ok || r.Value != tc.value || r.Origin != tc.origin || r.Why != tc.why || r.Locked != (tc.why != "") {
			t.Errorf("%s: %+v", tc.name, r)
		}
	}
	delivered := settingsOf(t, "<LocalLanAccess>true</LocalLanAccess>")
	delivered.Gateway = "vpn.example.com"
	if r, _ := Effective(nil, delivered).Find("LocalLanAccess"); r.Origin != "profile of vpn.example.com" {
		t.Errorf("delivered: %+v", r)
	}
}

func TestSettings(t *testing.T) {
	if got, want := Effective(nil, nil).Settings(), (Settings{AutoReconnect: true, LocalLAN: true, BlockUntrusted: true}); got != want {
		t.Errorf("without a profile: %+v, want %+v", got, want)
	}
	if got, want := Effective(nil, settingsOf(t, "")).Settings(), (Settings{AutoReconnect: true, DisconnectOnSuspend: true, Families: "IPv4,IPv6", BlockUntrusted: true}); got != want {
		t.Errorf("a silent profile: %+v, want %+v", got, want)
	}
	p, _, err := Parse(read(t, "testdata/every-element.xml"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := Effective(nil, p).Settings(), (Settings{LocalLAN: true, LoginTime: 21 * time.Second, Families: "IPv6,IPv4", IgnorePortals: true, BlockUntrusted: true}); got != want {
		t.Errorf("every element: %+v, want %+v", got, want)
	}
}

func TestPolicy(t *testing.T) {
	p, warned, err := ParsePolicy(read(t, "testdata/policy/every-element.xml"))
	if err != nil || len(warned) > 0 {
		t.Fatal(err, warned)
	}
	var none *Policy
	for _, tc := range []struct {
		what      string
		set, free bool // wanted with every restriction, and with none
		of        func(*Policy) bool
	}{
		{"FIPS", true, false, (*Policy).Fips},
		{"strict trust", true, false, (*Policy).StrictTrust},
		{"system roots only", true, false, (*Policy).SystemRootsOnly},
		{"IPsec is forbidden", true, false, func(p *Policy) bool { return p.Forbids(IPsec) }},
		{"SSL is forbidden", false, false, func(p *Policy) bool { return p.Forbids(SSL) }},
		{"remembers users", false, true, (*Policy).RemembersUser},
		{"remembers targets", false, true, (*Policy).RemembersTarget},
		{"remembers keys", false, true, (*Policy).RemembersKeys},
		{"takes a profile", false, true, func(p *Policy) bool { ok, _ := p.TakesProfile("vpn.corp.example"); return ok }},
	} {
		if tc.of(p) != tc.set || tc.of(none) != tc.free || tc.of(policyOf(t, "")) != tc.free {
			t.Errorf("%s: %t with, %t without", tc.what, tc.of(p), tc.of(none))
		}
	}
	for xml, want := range map[string]string{
		"": "true true", "<BypassDownloader>true</BypassDownloader>": "false false",
		"<UpdatePolicy><AllowVPNProfileUpdatesFromAnyServer>false</AllowVPNProfileUpdatesFromAnyServer><AuthorizedServerList><ServerName>*.corp.example</ServerName></AuthorizedServerList></UpdatePolicy>": "true false",
		"<UpdatePolicy><AllowVPNProfileUpdatesFromAnyServer>false</AllowVPNProfileUpdatesFromAnyServer></UpdatePolicy>":                                                                                     "false false",
	} {
		var got []string
		for _, host := range []string{"VPN.corp.example.", "vpn.other.example"} {
			ok, why := policyOf(t, xml).TakesProfile(host)
			if got = append(got, map[bool]string{true: "true", false: "false"}[ok]); ok == (why != "") {
				t.Errorf("%s: %t because %q", xml, ok, why)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", xml, got, want)
		}
	}
	for value, want := range map[string][3]bool{"Credentials": {false, true, true}, "Thumbprints": {true, true, false}, "CredentialsAndThumbprints": {false, true, false}, "All": {}, "false": {true, true, true}} {
		p := policyOf(t, "<RestrictPreferenceCaching>"+value+"</RestrictPreferenceCaching>")
		if p.RemembersUser() != want[0] || p.RemembersTarget() != want[1] || p.RemembersKeys() != want[2] {
			t.Errorf("%s: %t %t %t", value, p.RemembersUser(), p.RemembersTarget(), p.RemembersKeys())
		}
	}
	for _, bad := range []string{
		"<AnyConnectLocalPolicy>\n<StrictCertificateTrust>ture</StrictCertificateTrust></AnyConnectLocalPolicy>", "<AnyConnectLocalPolicy>\n", "<AnyConnectProfile/>",
	} {
		_, _, err := ParsePolicy([]byte(bad))
		if f := fault.As(err); err == nil || f.Code != fault.ProfPolicy || !strings.Contains(f.Detail, "line ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestPreferences(t *testing.T) {
	p, warned, err := ParsePreferences(read(t, "testdata/preferences/cisco.xml"), OriginUser)
	if err != nil {
		t.Fatal(err)
	}
	if len(warned) != 3 {
		t.Errorf("warnings %v", warned)
	}
	if got, want := fmt.Sprint(p.Choices()), "[{LocalLanAccess false} {AutoReconnect false} {AutoReconnectBehavior DisconnectOnSuspend}]"; got != want {
		t.Errorf("choices %s, want %s", got, want)
	}
	before := string(p.Bytes())
	set := func(name, value string) error {
		e, _ := Lookup(name)
		return p.Set(e, value)
	}
	if r, _ := Effective(nil, nil, p).Find("AutoReconnectBehavior"); r.Value != disconnectOnSuspend || r.Origin != OriginUser {
		t.Errorf("%+v", r)
	}
	for name, value := range map[string]string{"AlwaysOn": "false", "ProxySettings": "maybe", "LocalLanAccess": strings.Repeat("x", 5000)} {
		if err := set(name, value); fault.As(err).Code != fault.UseBad {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
	if err := set("locallanaccess", "TRUE"); err != nil {
		t.Fatal(err)
	}
	if want := strings.Replace(before, "<LocalLanAccess>false", "<LocalLanAccess>true", 1); string(p.Bytes()) != want {
		t.Errorf("got\n%s\nwant\n%s", p.Bytes(), want)
	}
	e, _ := Lookup("AutoReconnect")
	if err := p.Reset(e); err != nil {
		t.Fatal(err)
	}
	v := Effective(nil, nil, p)
	if r, _ := v.Find("AutoReconnect"); r.Origin != OriginDefault {
		t.Errorf("after a reset: %+v", r)
	}
	if r, _ := v.Find("AutoReconnectBehavior"); r.Origin != OriginUser {
		t.Errorf("what is inside goes, too: %+v", r)
	}
	again, _, err := ParsePreferences(p.Bytes(), OriginUser)
	if err != nil || len(again.values) != len(p.values) {
		t.Errorf("read again: %v, %v", again, err)
	}
	if _, _, err := ParsePreferences([]byte("<AnyConnectProfile/>"), OriginUser); fault.As(err).Code != fault.ProfInvalid {
		t.Errorf("a profile: %v", err)
	}
}

// TestNewPreferences: what we write ourselves is fit for a person to read.
func TestNewPreferences(t *testing.T) {
	p := preferencesOf(t, OriginUser, "LocalLanAccess=true", "AutoReconnectBehavior=DisconnectOnSuspend", "AutoReconnect=true")
	const want = `<?xml version="1.0" encoding="UTF-8"?>
<AnyConnectPreferences>
<ControllablePreferences>
<LocalLanAccess>true</LocalLanAccess>
<AutoReconnect>true<AutoReconnectBehavior>DisconnectOnSuspend</AutoReconnectBehavior></AutoReconnect>
</ControllablePreferences>
</AnyConnectPreferences>
`
	if got := string(p.Bytes()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, name := range []string{"AutoReconnectBehavior", "LocalLanAccess", "AutoReconnect"} {
		e, _ := Lookup(name)
		if err := p.Reset(e); err != nil {
			t.Fatal(err)
		}
	}
	if got := string(p.Bytes()); got != emptyPreferences {
		t.Errorf("after the last reset\n%s", got)
	}
}

func FuzzPreferences(f *testing.F) {
	f.Add([]byte(emptyPreferences), "LocalLanAccess", "true")
	f.Add([]byte("<AnyConnectPreferences><ControllablePreferences><AutoReconnect>true<AutoReconnectBehavior>x</AutoReconnectBehavior></AutoReconnect></ControllablePreferences></AnyConnectPreferences>"), "AutoReconnect", "false")
	f.Fuzz(func(t *testing.T, data []byte, name, value string) {
		p, _, err := ParsePreferences(data, OriginUser)
		e, ok := Lookup(name)
		if err != nil || !ok || p.Set(e, value) != nil {
			return
		}
		if r, _ := Effective(nil, nil, p).Find(name); r.Origin != OriginUser && value != "" {
			t.Fatalf("set %s to %q: %+v", name, value, r)
		}
		if err := p.Reset(e); err != nil {
			t.Fatal(err)
		}
		if r, _ := Effective(nil, nil, p).Find(name); r.Origin == OriginUser {
			t.Fatalf("reset: %+v", r)
		}
	})
}

func FuzzPolicy(f *testing.F) {
	f.Add([]byte("<AnyConnectLocalPolicy><UpdatePolicy><AuthorizedServerList><ServerName>*.x</ServerName></AuthorizedServerList></UpdatePolicy></AnyConnectLocalPolicy>"), "a.x")
	f.Fuzz(func(t *testing.T, data []byte, host string) {
		p, _, err := ParsePolicy(data)
		if err != nil {
			return
		}
		p.TakesProfile(host)
		if len(p.rows()) == 0 || len(p.servers) > maxServers {
			t.Fatal("rows", len(p.rows()), "servers", len(p.servers))
		}
	})
}

// TestNear: what a warning proposes.
func TestNear(t *testing.T) {
	_, warned, err := Parse([]byte(`<AnyConnectProfile><ClientInitialization>
<AutoReconect>true</AutoReconect>
<StrictCertificateTrust>true</StrictCertificateTrust>
<AlwaysOnn/>
<TrustedDNSDomains>x.example</TrustedDNSDomains>
<Zzzzzzzz/>
</ClientInitialization></AnyConnectProfile>`))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"did you mean AutoReconnect?", "it belongs in AnyConnectLocalPolicy.xml", "did you mean AlwaysOn?", "it belongs in ClientInitialization/AutomaticVPNPolicy", "without effect"} {
		if w := warned[i]; !strings.HasSuffix(w.Text, want) || w.Line != i+2 {
			t.Errorf("%s, want %q", w, want)
		}
	}
}
