package agent

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/profile"
	"github.com/holdfast-vpn/holdfast/protocol"
)

const testProfile = `<AnyConnectProfile xmlns="http://schemas.xmlsoap.org/encoding/"><ServerList>
<HostEntry><HostName>Head Office</HostName><HostAddress>vpn.example.com</HostAddress><UserGroup>staff</UserGroup>
<BackupServerList><HostAddress>backup.example.com:8443</HostAddress></BackupServerList></HostEntry>
<HostEntry><HostName>Lab</HostName><HostAddress>lab.example.com</HostAddress><PrimaryProtocol>IPsec</PrimaryProtocol></HostEntry>
</ServerList></AnyConnectProfile>`

func testStore(t *testing.T) *profile.Store {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "corp.xml"), []byte(testProfile), 0o600); err != nil {
		t.Fatal(err)
	}
	s, warnings := profile.Load(dir)
	if len(s.Hosts()) != 2 {
		t.Fatalf("profile not read: %v", warnings)
	}
	return s
}

func TestResolve(t *testing.T) {
	store := testStore(t)
	c, err := resolve(ipc.ConnectRequest{Target: "head office", User: "alice"}, catalog{machine: store})
	if err != nil {
		t.Fatal(err)
	}
	if c.name != "Head Office" || c.profile != "corp.xml" || len(c.servers) != 2 || c.policy.Backups != 1 {
		t.Errorf("got %+v", c)
	}
	if s := c.servers[0]; s.Host != "vpn.example.com" || s.Port != 443 || s.Path != "/staff" || s.User != "alice" {
		t.Errorf("target %+v", s)
	}
	if s := c.servers[1]; s.Host != "backup.example.com" || s.Port != 8443 || s.Path != "/staff" {
		t.Errorf("backup %+v", s)
	}
	if !c.policy.AutoReconnect || !c.policy.DisconnectOnSuspend {
		t.Errorf("a profile that is silent: %+v", c.policy)
	}

	c, err = resolve(ipc.ConnectRequest{Target: "https://gw.example.net:4443/admins"}, catalog{machine: store})
	if err != nil {
		t.Fatal(err)
	}
	if s := c.servers[0]; s.Host != "gw.example.net" || s.Port != 4443 || s.Path != "/admins" || c.profile != "" || c.policy.DisconnectOnSuspend {
		t.Errorf("without a profile: %+v, %+v", s, c.policy)
	}
}

func TestResolveRefuses(t *testing.T) {
	store := testStore(t)
	tests := []struct {
		name string
		req  ipc.ConnectRequest
		code fault.Code
	}{
		{"http", ipc.ConnectRequest{Target: "http://vpn.example.com"}, fault.UseTarget},
		{"a file", ipc.ConnectRequest{Target: "file:///etc/shadow"}, fault.UseTarget},
		{"a password in the URL", ipc.ConnectRequest{Target: "https://a:b@vpn.example.com"}, fault.UseTarget},
		{"a host that wants IPsec", ipc.ConnectRequest{Target: "Lab"}, fault.UseNotYet},
		{"ikev1", ipc.ConnectRequest{Target: "gw", Protocol: "ikev1"}, fault.UseNotYet},
		{"no such protocol", ipc.ConnectRequest{Target: "gw", Protocol: "l2tp"}, fault.UseBad},
		{"a CA that is none", ipc.ConnectRequest{Target: "gw", CAPEM: "-----BEGIN NOTHING-----"}, fault.UseBad},
		{"a short pin", ipc.ConnectRequest{Target: "gw", Pins: []string{"sha256:abcd"}}, fault.UseBad},
		{"a pin of no kind", ipc.ConnectRequest{Target: "gw", Pins: []string{strings.Repeat("a", 64)}}, fault.UseBad},
		{"pins without end", ipc.ConnectRequest{Target: "gw", Pins: make([]string, 1000)}, fault.UseBad},
		{"a long group", ipc.ConnectRequest{Target: "gw", Group: strings.Repeat("g", 5000)}, fault.UseBad},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := resolve(tt.req, catalog{machine: store})
			if err == nil || fault.As(err).Code != tt.code {
				t.Errorf("got %v, want %s", err, tt.code)
			}
		})
	}
}

// storeOf is a store of one profile, and a local policy if there is one.
func storeOf(t *testing.T, settings, policy string) *profile.Store {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(testProfile, "<ServerList>", "<ClientInitialization>"+settings+"</ClientInitialization><ServerList>", 1)
	files := map[string]string{"corp.xml": text}
	if policy != "" {
		files[profile.PolicyFile] = "<AnyConnectLocalPolicy>" + policy + "</AnyConnectLocalPolicy>"
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, warnings := profile.Load(dir)
	if len(s.Hosts()) != 2 {
		t.Fatalf("profile not read: %v", warnings)
	}
	return s
}

// TestProfileCounts: each element that docs/compatibility.md calls honoured and that resolve acts on, by one value and by another.
func TestProfileCounts(t *testing.T) {
	key := strings.Repeat("ab", 64)
	for _, tc := range []struct {
		name, one, other string
		of               func(*connection) any
		want, not        any
	}{
		{"AutoReconnect", "<AutoReconnect>true</AutoReconnect>", "<AutoReconnect>false</AutoReconnect>",
			func(c *connection) any { return c.policy.AutoReconnect }, true, false},
		{"AutoReconnectBehavior", "<AutoReconnect>true<AutoReconnectBehavior>DisconnectOnSuspend</AutoReconnectBehavior></AutoReconnect>",
			"<AutoReconnect>true<AutoReconnectBehavior>ReconnectAfterResume</AutoReconnectBehavior></AutoReconnect>",
			func(c *connection) any { return c.policy.DisconnectOnSuspend }, true, false},
		{"LocalLanAccess", "<LocalLanAccess>true</LocalLanAccess>", "<LocalLanAccess>false</LocalLanAccess>",
			func(c *connection) any { return c.localLAN }, true, false},
		{"IPProtocolSupport", "<IPProtocolSupport>IPv6</IPProtocolSupport>", "<IPProtocolSupport>IPv4,IPv6</IPProtocolSupport>",
			func(c *connection) any { return c.servers[1].Families }, protocol.OnlyIPv6, protocol.IPv4First},
		{"AuthenticationTimeout", "<AuthenticationTimeout>120</AuthenticationTimeout>", "<AuthenticationTimeout>12</AuthenticationTimeout>",
			func(c *connection) any { return c.budget }, 2 * time.Minute, machine.DefaultBudget},
		{"CertificatePinning", "<CertificatePinning>true<CertificatePinList><Pin>" + key + "</Pin><Pin>?</Pin></CertificatePinList></CertificatePinning>",
			"<CertificatePinning>false<CertificatePinList><Pin>" + key + "</Pin></CertificatePinList></CertificatePinning>",
			func(c *connection) any { return len(c.servers[1].Trust.Require) }, 2, 0},
	} {
		for settings, want := range map[string]any{tc.one: tc.want, tc.other: tc.not} {
			c, err := resolve(ipc.ConnectRequest{Target: "Head Office"}, catalog{machine: storeOf(t, settings, "")})
			if err != nil {
				t.Fatal(err)
			}
			if got := tc.of(c); got != want {
				t.Errorf("%s: %v, want %v", tc.name, got, want)
			}
		}
	}
	c, err := resolve(ipc.ConnectRequest{Target: "Head Office", TimeoutMS: 5000}, catalog{machine: storeOf(t, "<AuthenticationTimeout>120</AuthenticationTimeout>", "")})
	if err != nil || c.budget != 5*time.Second {
		t.Errorf("--timeout: %v, %v", c, err)
	}
}

// TestProfilesMergeByHost: of several profiles all hosts can be connected to, and the one that holds the host says how.
func TestProfilesMergeByHost(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"a.xml": "<AutoReconnect>false</AutoReconnect><BackupServerList><HostAddress>spare.a.example</HostAddress></BackupServerList>",
		"b.xml": "<IPProtocolSupport>IPv6</IPProtocolSupport>",
	} {
		host := "<ServerList><HostEntry><HostName>Both</HostName><HostAddress>" + name + ".example</HostAddress></HostEntry><HostEntry><HostName>Only " + name + "</HostName><HostAddress>only." + name +
			".example</HostAddress></HostEntry></ServerList>"
		text = "<AnyConnectProfile><ClientInitialization>" + text + "</ClientInitialization>" + host + "</AnyConnectProfile>"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	store, _ := profile.Load(dir)
	for target, want := range map[string]struct {
		profile  string
		servers  int
		again    bool
		families protocol.Families
	}{
		"Both": {"a.xml", 2, false, protocol.IPv4First}, "Only a.xml": {"a.xml", 2, false, protocol.IPv4First}, "only b.xml": {"b.xml", 1, true, protocol.OnlyIPv6},
		"https://b.xml.example": {"b.xml", 1, true, protocol.OnlyIPv6}, "other.example": {"", 1, true, protocol.AnyFamily},
	} {
		c, err := resolve(ipc.ConnectRequest{Target: target}, catalog{machine: store})
		if err != nil {
			t.Fatal(err)
		}
		if c.profile != want.profile || len(c.servers) != want.servers || c.policy.AutoReconnect != want.again || c.servers[0].Families != want.families {
			t.Errorf("%s: %+v", target, c)
		}
	}
}

// TestPolicyCounts: what the machine's local policy and the profile forbid.
func TestPolicyCounts(t *testing.T) {
	pin := []string{"sha256:" + strings.Repeat("0a", 32)}
	ca := certificatePEM(t)
	for _, tc := range []struct {
		name, settings, policy string
		req                    ipc.ConnectRequest
		code                   fault.Code
	}{
		{"manual entry", "<AllowManualHostInput>true</AllowManualHostInput>", "", ipc.ConnectRequest{Target: "gw.example.net"}, ""},
		{"no manual entry", "<AllowManualHostInput>false</AllowManualHostInput>", "", ipc.ConnectRequest{Target: "gw.example.net"}, fault.PolManual},
		{"no manual entry, of a host of the profile", "<AllowManualHostInput>false</AllowManualHostInput>", "", ipc.ConnectRequest{Target: "https://vpn.example.com/staff"}, ""},
		{"a pin", "", "", ipc.ConnectRequest{Target: "Head Office", Pins: pin}, ""},
		{"a pin, strict", "", "<StrictCertificateTrust>true</StrictCertificateTrust>", ipc.ConnectRequest{Target: "Head Office", Pins: pin}, fault.PolTrust},
		{"a CA, strict", "", "<StrictCertificateTrust>true</StrictCertificateTrust>", ipc.ConnectRequest{Target: "Head Office", CAPEM: ca}, fault.PolTrust},
		{"a CA, system roots only", "", "<RestrictServerCertStore>true</RestrictServerCertStore>", ipc.ConnectRequest{Target: "Head Office", CAPEM: ca}, fault.PolTrust},
		{"a pin, system roots only", "", "<RestrictServerCertStore>true</RestrictServerCertStore>", ipc.ConnectRequest{Target: "Head Office", Pins: pin}, ""},
		{"neither, strict", "", "<StrictCertificateTrust>true</StrictCertificateTrust>", ipc.ConnectRequest{Target: "Head Office"}, ""},
		{"TLS is forbidden", "", "<RestrictTunnelProtocols>TLS</RestrictTunnelProtocols>", ipc.ConnectRequest{Target: "Head Office"}, fault.PolTunnel},
		{"TLS is forbidden, and asked for", "", "<RestrictTunnelProtocols>TLS</RestrictTunnelProtocols>", ipc.ConnectRequest{Target: "Lab", Protocol: "ssl"}, fault.PolTunnel},
		{"IPsec is forbidden", "", "<RestrictTunnelProtocols>IPSec</RestrictTunnelProtocols>", ipc.ConnectRequest{Target: "Lab"}, fault.PolTunnel},
		{"IPsec is forbidden, TLS asked for", "", "<RestrictTunnelProtocols>IPSec</RestrictTunnelProtocols>", ipc.ConnectRequest{Target: "Head Office"}, ""},
		{"FIPS", "", "<FipsMode>true</FipsMode>", ipc.ConnectRequest{Target: "Head Office"}, fault.PolFips},
		{"a policy that nobody can read", "", "<FipsMode>perhaps</FipsMode>", ipc.ConnectRequest{Target: "Head Office"}, fault.ProfPolicy},
	} {
		_, err := resolve(tc.req, catalog{machine: storeOf(t, tc.settings, tc.policy)})
		if got := fault.As(err); err == nil != (tc.code == "") || err != nil && got.Code != tc.code {
			t.Errorf("%s: %v, want %s", tc.name, err, tc.code)
		}
	}
}

// TestPolicyOnMemory: RestrictPreferenceCaching says what of a login is kept on disk.
func TestPolicyOnMemory(t *testing.T) {
	for caching, want := range map[string]string{"false": "Head Office alice", "Thumbprints": "Head Office alice", "Credentials": "Head Office ", "All": ""} {
		synctest.Test(t, func(t *testing.T) {
			store := storeOf(t, "", "<RestrictPreferenceCaching>"+caching+"</RestrictPreferenceCaching>")
			r := start(t, &scripted{open: func(context.Context, protocol.Target, protocol.Prompter) (protocol.Tunnel, error) {
				return newWire(), nil
			}})
			r.cfg.Profiles = func() *profile.Store { return store }
			r.connect(alice, "Head Office")
			r.want("connected")
			got := ""
			if l, ok := recall(r.dir).of("1000"); ok {
				got = l.Host + " " + l.User
			}
			if got != want {
				t.Errorf("%s: kept %q, want %q", caching, got, want)
			}
			if err := r.stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestLocalLanAccess: the local network stays reachable where the gateway offers it and the user's side wants it.
func TestLocalLanAccess(t *testing.T) {
	for _, tc := range []struct {
		settings string
		offered  bool
		want     bool
	}{
		{"<LocalLanAccess>true</LocalLanAccess>", true, true}, {"<LocalLanAccess>true</LocalLanAccess>", false, false},
		{"<LocalLanAccess>false</LocalLanAccess>", true, false}, {"", true, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			store := storeOf(t, tc.settings, "")
			w := newWire()
			w.set.LocalLAN = tc.offered
			r := start(t, &scripted{open: func(context.Context, protocol.Target, protocol.Prompter) (protocol.Tunnel, error) { return w, nil }})
			r.cfg.Profiles = func() *profile.Store { return store }
			r.connect(alice, "Head Office")
			r.want("connected")
			if got := r.m.Routes().LocalLAN; got != tc.want {
				t.Errorf("%q, offered %t: %t", tc.settings, tc.offered, got)
			}
			if err := r.stop(); err != nil {
				t.Error(err)
			}
		})
	}
}
