package authxml

import (
	"strings"
	"testing"
)

// completeOfAnASA has the shape of what a real gateway sends after the login; what we do not read stands between what we do.
const completeOfAnASA = `<?xml version="1.0" encoding="UTF-8"?>
<config-auth client="vpn" type="complete" aggregate-auth-version="2"><session-id>2</session-id><session-token>a@2@b@c</session-token>
<auth id="success"><message id="0" param1="" param2=""></message></auth>
<config client="vpn" type="private"><vpn-base-config><base-package-uri>/CACHE/stc/1</base-package-uri><server-cert-hash>AA</server-cert-hash></vpn-base-config>
<opaque is-for="vpn-client"><service-profile-manifest><ServiceProfiles rev="1.0"/></service-profile-manifest>
<custom-attr><dynamic-split-exclude-domains><![CDATA[meet.example, Video.example,]]></dynamic-split-exclude-domains></custom-attr></opaque>
<vpn-core-manifest><vpn rev="1.0"><file version="4.9" id="VPNCore" is_core="yes" type="exe"><uri>binaries/update.exe</uri></file></vpn></vpn-core-manifest>
<vpn-profile-manifest><vpn rev="1.0"><file type="profile" service-type="nvm"><uri>/CACHE/stc/profiles/n.xml</uri></file>
<file type="profile" service-type="user"><uri> /CACHE/stc/profiles/Corp &amp; more.xml </uri><hash type="SHA1">35A065BC3E59CAFC7D832D79F8827A8FB31E82F1</hash></file></vpn></vpn-profile-manifest>
</config></config-auth>`

func TestConfigOfAnASA(t *testing.T) {
	r, err := ParseResponse([]byte(completeOfAnASA))
	if err != nil {
		t.Fatal(err)
	}
	want := ProfileFile{"/CACHE/stc/profiles/Corp & more.xml", "sha1", "35a065bc3e59cafc7d832d79f8827a8fb31e82f1"}
	if p := r.Config.Profile; p == nil || *p != want {
		t.Errorf("profile %+v", p)
	}
	if r.Config.DynamicExclude != "meet.example, Video.example," || r.Config.DynamicInclude != "" {
		t.Errorf("domains %q %q", r.Config.DynamicInclude, r.Config.DynamicExclude)
	}
	b, err := r.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseResponse(b)
	if err != nil || *again.Config.Profile != want || again.Config.DynamicExclude != r.Config.DynamicExclude {
		t.Errorf("written again: %+v, %v\n%s", again.Config, err, b)
	}
}

// TestManifestsWithoutAProfile: what is no profile of the user's tunnel is none.
func TestManifestsWithoutAProfile(t *testing.T) {
	for name, file := range map[string]string{
		"none":            ``,
		"another service": `<file type="profile" service-type="vpn-mgmt"><uri>/a.xml</uri></file>`,
		"another type":    `<file type="image" service-type="user"><uri>/a.png</uri></file>`,
		"no address":      `<file type="profile" service-type="user"><hash type="sha1">00</hash></file>`,
		"a long address":  `<file type="profile" service-type="user"><uri>/` + strings.Repeat("a", maxURI) + `</uri></file>`,
	} {
		r, err := ParseResponse([]byte(`<config-auth type="complete"><config><vpn-profile-manifest><vpn>` + file + `</vpn></vpn-profile-manifest></config></config-auth>`))
		if err != nil || r.Config.Profile != nil {
			t.Errorf("%s: %+v, %v", name, r.Config.Profile, err)
		}
	}
}

// TestOlderDocuments: an auth element without config-auth, and the question for a scan as old gateways put it.
func TestOlderDocuments(t *testing.T) {
	r, err := ParseResponse([]byte(`<?xml version="1.0" encoding="UTF-8"?>
<auth id="main"><title>SSL VPN Service</title><csdLinux token="T" ticket="1" stuburl="/CACHE/stub" starturl="/start" waiturl="/wait"/>
<form method="post" action="/+webvpn+/index.html"><input type="password" name="password" label="PASSWORD:"/></form></auth>`))
	if err != nil || !r.Bare || !r.HostScan || r.Form == nil || r.Form.Action != "/+webvpn+/index.html" {
		t.Fatalf("%+v, %v", r, err)
	}
	b, err := r.Append(nil)
	if err != nil || strings.Contains(string(b), "config-auth") {
		t.Fatalf("%s, %v", b, err)
	}
	if r, err = ParseResponse(b); err != nil || !r.Bare || !r.HostScan || r.Form == nil {
		t.Errorf("written again: %+v, %v", r, err)
	}
}

func TestOptionsOfSeveralLogins(t *testing.T) {
	const doc = `<config-auth type="auth-request"><auth id="main"><form><input type="text" name="username" value="alice" readonly="true"/><select name="group_list">` +
		`<option value="a" second-auth="1" secondary_username="bob" secondary_username_editable="false" override-name="password" override-label="Passcode:">A</option></select></form></auth></config-auth>`
	r, err := ParseResponse([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		o := r.Form.Inputs[1].Options[0]
		if !r.Form.Inputs[0].ReadOnly || o.SecondUser != "bob" || o.SecondUserEditable || o.OverrideName != "password" || o.OverrideLabel != "Passcode:" {
			t.Fatalf("%+v", r.Form.Inputs)
		}
		b, err := r.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		if r, err = ParseResponse(b); err != nil {
			t.Fatal(err)
		}
	}
}
