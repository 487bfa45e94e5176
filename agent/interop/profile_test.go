package interop

import (
	"bytes"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/profile"
)

// pinnedProfile pins a key for the gateway, names a backup server, leaves AutoReconnect to the user, and allows no other host. %s is the pin.
const pinnedProfile = "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<!-- kept -->\r\n" + `<AnyConnectProfile xmlns="http://schemas.xmlsoap.org/encoding/">
	<ClientInitialization>
		<AutoReconnect UserControllable="true">true
			<AutoReconnectBehavior UserControllable="false">ReconnectAfterResume</AutoReconnectBehavior>
		</AutoReconnect>
		<IPProtocolSupport>IPv6</IPProtocolSupport>
		<AllowManualHostInput>false</AllowManualHostInput>
		<CertificatePinning>true<CertificatePinList><Pin Subject="CN=Lab CA">%s</Pin></CertificatePinList></CertificatePinning>
	</ClientInitialization>
	<ServerList>
		<HostEntry><HostName>Lab</HostName><HostAddress>vpn.lab.example</HostAddress></HostEntry>
		<HostEntry><HostName>Old lab</HostName><HostAddress>vpn4.lab.example</HostAddress></HostEntry>
	</ServerList>
</AnyConnectProfile>
`

// TestProfileInForce: a profile is imported, and what it says about pins, address families, hosts and preferences is what happens, as is what the local policy forbids.
func TestProfileInForce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	w.startOcserv(t, ocserv{lines: splitRoutes})
	a := w.startAgent()
	cisco := filepath.Join(w.dir, "cisco")
	if err := os.Mkdir(cisco, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(cisco, "lab.xml")
	offer := func(key [64]byte) {
		if err := os.WriteFile(file, fmt.Appendf(nil, pinnedProfile, hex.EncodeToString(key[:])), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	try := func(target string, more ...string) result {
		return w.cli(password+"\n", append([]string{"connect", target, "--user", account, "--group", "staff", "--password-stdin", "--ca", w.pki.ca, "--accept-banner", "--no-input"}, more...)...)
	}
	says := func(r result, exit int, text string) {
		t.Helper()
		if r.exit != exit || !strings.Contains(r.out+r.stderr, text) {
			t.Errorf("exit %d, want %d and %q\n%s%s", r.exit, exit, text, r.out, r.stderr)
		}
	}

	offer([64]byte{1})
	says(w.cli("", "profile", "import", cisco), 0, "imported")
	says(try("Lab"), 6, "TLS-004")
	spki, err := x509.MarshalPKIXPublicKey(w.pki.caKey.Public())
	if err != nil {
		t.Fatal(err)
	}
	offer(sha512.Sum512(spki))
	says(w.cli("", "profile", "import", cisco), 1, "PROF-006")
	says(w.cli("", "profile", "import", "--replace", cisco), 0, "replaced")
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(w.dir, "profile", "lab.xml")); err != nil || !bytes.Equal(got, want) {
		t.Errorf("not byte for byte: %q, %v", got, err)
	}

	says(try("vpn6.lab.example"), 7, "POL-009")
	says(try("Old lab"), 5, "NET-002") // it has no IPv6 address
	says(try("Lab"), 0, "")
	s := w.waitState(5*time.Second, "connected", func(s ipc.State) bool { return s.State == "connected" })
	if s.Profile != "lab.xml" || s.Target != "Lab" || !strings.HasPrefix(s.Gateway, "[2001:db8:100::1]") {
		t.Errorf("target %q of %q at %s", s.Target, s.Profile, s.Gateway)
	}
	w.reachesInside()
	w.leave()

	says(w.cli("", "preferences", "set", "AutoReconnectBehavior", "DisconnectOnSuspend"), 7, "POL-012")
	says(w.cli("", "preferences", "set", "AutoReconnect", "false"), 0, "AutoReconnect is false (preferences)")
	says(w.cli("", "--json", "preferences"), 0, `"AutoReconnect":{"value":"false","origin":"preferences","locked":false`)

	policy := filepath.Join(w.dir, "profile", profile.PolicyFile)
	for text, code := range map[string]string{
		"<StrictCertificateTrust>true</StrictCertificateTrust>":  "POL-011",
		"<RestrictTunnelProtocols>TLS</RestrictTunnelProtocols>": "POL-010",
		"<FipsMode>true</FipsMode>":                              "POL-013",
		"<FipsMode>of course</FipsMode>":                         "PROF-005",
	} {
		if err := os.WriteFile(policy, []byte("<AnyConnectLocalPolicy>"+text+"</AnyConnectLocalPolicy>"), 0o644); err != nil {
			t.Fatal(err)
		}
		says(try("Lab"), 7, code)
	}
	if err := os.Remove(policy); err != nil {
		t.Fatal(err)
	}
	a.stop()
}
