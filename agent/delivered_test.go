package agent

import (
	"crypto/sha1" //nolint:gosec // what profiles are compared by
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform/localsock"
	"github.com/holdfast-vpn/holdfast/profile"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/gateway"
)

// given is what the gateways of these tests hand over.
const given = `<AnyConnectProfile xmlns="http://schemas.xmlsoap.org/encoding/"><ClientInitialization><AutoReconnect>true<AutoReconnectBehavior>ReconnectAfterResume</AutoReconnectBehavior></AutoReconnect></ClientInitialization><ServerList>
<HostEntry><HostName>Branch</HostName><HostAddress>branch.example.com</HostAddress><PrimaryProtocol>IPsec</PrimaryProtocol></HostEntry>
<HostEntry><HostName>Itself</HostName><HostAddress>vpn.example.org</HostAddress><PrimaryProtocol>IPsec</PrimaryProtocol></HostEntry>
<HostEntry><HostName>Head Office</HostName><HostAddress>evil.example.net</HostAddress></HostEntry>
<HostEntry><HostName>other.example.com</HostName><HostAddress>evil.example.net</HostAddress></HostEntry>
</ServerList></AnyConnectProfile>`

func newDelivered(t *testing.T) delivered {
	return delivered{filepath.Join(t.TempDir(), "profiles"), slog.New(slog.DiscardHandler)}
}

func TestDelivered(t *testing.T) {
	d := newDelivered(t)
	gw := protocol.Target{Host: "vpn.example.com", Port: 443}
	if _, ok := d.kept("1000", gw); ok {
		t.Error("something is there at the start")
	}
	if err := d.keep("1000", gw, []byte("<html></html>")); fault.As(err).Code != fault.ProfInvalid {
		t.Errorf("what is no profile: %v", err)
	}
	if err := d.keep("1000", gw, []byte(given)); err != nil {
		t.Fatal(err)
	}
	if sum, ok := d.kept("1000", protocol.Target{Host: "VPN.example.com"}); !ok || sum != sha1.Sum([]byte(given)) {
		t.Errorf("%x, %v", sum, ok)
	}
	for _, who := range []struct {
		owner string
		t     protocol.Target
	}{{"1001", gw}, {"1000", protocol.Target{Host: "vpn.example.com", Port: 4443}}, {"1000", protocol.Target{Host: "vpn.example.org"}}} {
		if _, ok := d.kept(who.owner, who.t); ok {
			t.Errorf("%+v has it too", who)
		}
	}
	info, err := os.Stat(filepath.Join(d.dir, "1000", "gateway-vpn.example.com-443.xml"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

// TestDeliveredNames: whatever a gateway is called, its file is one of the user's directory.
func TestDeliveredNames(t *testing.T) {
	d := newDelivered(t)
	for _, host := range []string{"2001:db8::1", "..", "a/../../b", "C:\\x", strings.Repeat("long.", 60), "", "NUL"} {
		name := ofGateway(host, 0)
		if filepath.Base(name) != name || len(name) > 230 || !filepath.IsLocal(name) || strings.ContainsAny(name, `\/:`) {
			t.Errorf("%q is kept as %q", host, name)
		}
	}
	for _, owner := range []string{"1000", "S-1-5-21-1", "../x", "", "a b"} {
		if rel, err := filepath.Rel(d.dir, d.of(owner)); err != nil || filepath.Base(rel) != rel || rel == ".." || rel == "." {
			t.Errorf("%q is at %q", owner, d.of(owner))
		}
	}
}

func TestDeliveredIsBounded(t *testing.T) {
	d := newDelivered(t)
	for i := range maxDelivered + 5 {
		if err := d.keep("1000", protocol.Target{Host: fmt.Sprintf("gw%d.example", i)}, []byte(given)); err != nil {
			t.Fatal(err)
		}
		at := time.Unix(int64(1e9+i), 0)
		if err := os.Chtimes(filepath.Join(d.of("1000"), ofGateway(fmt.Sprintf("gw%d.example", i), 443)), at, at); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(d.store("1000").Profiles); n != maxDelivered {
		t.Errorf("%d are kept", n)
	}
	if _, ok := d.kept("1000", protocol.Target{Host: "gw4.example"}); ok {
		t.Error("the oldest is still there")
	}
	if _, ok := d.kept("1000", protocol.Target{Host: "gw5.example"}); !ok {
		t.Error("too many are gone")
	}
}

// TestCatalog: the machine's profiles come first, and a gateway's says nothing about others.
func TestCatalog(t *testing.T) {
	d := newDelivered(t)
	if err := d.keep("1000", protocol.Target{Host: "vpn.example.org"}, []byte(given)); err != nil {
		t.Fatal(err)
	}
	c := catalog{machine: testStore(t), gateways: d.store("1000")}
	for typed, want := range map[string]struct{ host, file string }{
		"head office":         {"vpn.example.com", "corp.xml"},
		"Branch":              {"branch.example.com", "gateway-vpn.example.org-443.xml"},
		"branch.example.com":  {}, // another gateway, which only its own profile speaks of
		"other.example.com":   {}, // an address: nobody gives it another meaning
		"vpn.example.org":     {"vpn.example.org", "gateway-vpn.example.org-443.xml"},
		"VPN.example.org/grp": {"vpn.example.org", "gateway-vpn.example.org-443.xml"},
		"vpn.example.org:444": {},
		"no such":             {},
	} {
		h, p, ok := c.find(typed)
		if ok != (want.host != "") || ok && (h.Target.Host != want.host || h.Profile != want.file || p.File != want.file) {
			t.Errorf("%q is %+v, %v", typed, h, ok)
		}
	}
	if h, _, _ := c.find("vpn.example.org"); h.Protocol != profile.SSL || h.Name != "Itself" {
		t.Errorf("by its address: %+v", h)
	}
	if h, _, _ := c.find("itself"); h.Protocol != profile.IPsec {
		t.Errorf("by its name: %+v", h)
	}
	if _, _, ok := (catalog{}).find("vpn.example.org"); ok {
		t.Error("an empty catalog knows something")
	}
	if n := len(c.hosts()); n != 6 {
		t.Errorf("%d hosts", n)
	}
}

// TestProfileOfTheGateway: it comes with the login, counts from the next connect on and for nobody else, and a login without it fails.
func TestProfileOfTheGateway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldWith(t, home, func(c *gateway.Config) { c.Profile = []byte(given) })
		if s := w.login(t); s.Profile != "" {
			t.Errorf("the first login has the profile %q already", s.Profile)
		}
		if err := w.Disconnect(t.Context(), alice); err != nil {
			t.Fatal(err)
		}
		w.until(t, "disconnected", 3*time.Second)
		for p, want := range map[localsock.Peer]int{alice: 4, bob: 0} {
			if hosts, err := w.Hosts(t.Context(), p); err != nil || len(hosts) != want {
				t.Errorf("%s sees %+v, %v", p.ID(), hosts, err)
			}
		}
		w.gw.Misbehave(gateway.StageProfile, &gateway.Misdeed{Kind: gateway.HTML}) // it is not asked for
		if s := w.login(t); s.Profile != "gateway-vpn.example.com-443.xml" || w.loop.status.conn.policy.DisconnectOnSuspend {
			t.Errorf("profile %q, %+v", s.Profile, w.loop.status.conn.policy)
		}
		if err := w.Disconnect(t.Context(), alice); err != nil {
			t.Fatal(err)
		}
		w.until(t, "disconnected", 3*time.Second)
		if err := os.RemoveAll(filepath.Join(w.dir, "profiles")); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Connect(t.Context(), alice, ipc.ConnectRequest{Target: "vpn.example.com", CAPEM: string(w.ident.CAPEM)}); err != nil {
			t.Fatal(err)
		}
		w.answer(t)
		if s := w.until(t, "disconnected", 10*time.Second); s.Error == nil || s.Error.Code != string(fault.ProfHash) {
			t.Errorf("a profile that is another one: %+v", s.Error)
		}
		if left := w.gw.Sessions(); len(left) != 0 {
			t.Errorf("a session that nobody will come back to is left: %v", left)
		}
		w.end(t)
	})
}

// TestPolicyAgainstProfiles: the machine's local policy says from whom a profile is taken.
func TestPolicyAgainstProfiles(t *testing.T) {
	const list = `<UpdatePolicy><AllowVPNProfileUpdatesFromAnyServer>false</AllowVPNProfileUpdatesFromAnyServer><AuthorizedServerList><ServerName>*.example.com</ServerName></AuthorizedServerList></UpdatePolicy>`
	for text, want := range map[string][2]bool{
		"": {true, true}, "<BypassDownloader>true</BypassDownloader>": {false, false}, list: {true, false},
	} {
		c, err := resolve(ipc.ConnectRequest{Target: "Head Office"}, catalog{machine: storeOf(t, "", text)})
		if err != nil {
			t.Fatal(err)
		}
		a := asker{policy: c.local}
		if got := [2]bool{a.TakesProfile(protocol.Target{Host: "vpn.example.com"}), a.TakesProfile(protocol.Target{Host: "vpn.example.org"})}; got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}
