package agent

import (
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/profile"
)

// pinned is a store of one profile that pins a key for the gateway of the world.
func pinned(t *testing.T, key [64]byte) *profile.Store {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	text := `<AnyConnectProfile><ClientInitialization><CertificatePinning>true</CertificatePinning></ClientInitialization><ServerList><HostEntry>
<HostName>Office</HostName><HostAddress>vpn.example.com</HostAddress><CertificatePinList><Pin Subject="CN=x">` + base64.StdEncoding.EncodeToString(key[:]) + `</Pin></CertificatePinList>
</HostEntry></ServerList></AnyConnectProfile>`
	if err := os.WriteFile(filepath.Join(dir, "corp.xml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	store, warnings := profile.Load(dir)
	if len(warnings) > 0 || len(store.Hosts()) != 1 {
		t.Fatal(warnings)
	}
	return store
}

// TestPinsOfAProfile: a gateway whose chain has the pinned key is connected to, and again after its line was cut; one whose chain has not is refused before anything is asked.
func TestPinsOfAProfile(t *testing.T) {
	for name, good := range map[string]bool{"the pinned key": true, "another key": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				block, _ := pem.Decode(w.ident.CAPEM)
				ca, err := x509.ParseCertificate(block.Bytes)
				if err != nil {
					t.Fatal(err)
				}
				key := sha512.Sum512(ca.RawSubjectPublicKeyInfo)
				if !good {
					key[0] ^= 1
				}
				store := pinned(t, key)
				w.cfg.Profiles = func() *profile.Store { return store }
				if _, err := w.Connect(t.Context(), alice, ipc.ConnectRequest{Target: "Office", CAPEM: string(w.ident.CAPEM)}); err != nil {
					t.Fatal(err)
				}
				if !good {
					s := w.until(t, "disconnected", 10*time.Second)
					if s.Error == nil || s.Error.Code != string(fault.TLSPin) || !strings.Contains(s.Error.Message, "the profile pins") || s.Prompt != nil {
						t.Errorf("%+v", s.Error)
					}
					w.end(t)
					return
				}
				w.answer(t)
				w.until(t, "connected", 10*time.Second)
				w.gw.DropConnections()
				time.Sleep(5 * time.Second)
				if s := w.want("connected"); s.Reconnects == nil || s.Reconnects.Tunnel+s.Reconnects.Session == 0 {
					t.Errorf("it was not cut: %+v", s.Reconnects)
				}
				if !w.ping(t, 1, 2*time.Second) {
					t.Error("no answer after the reconnect")
				}
				if err := w.Disconnect(t.Context(), alice); err != nil {
					t.Fatal(err)
				}
				w.until(t, "disconnected", 5*time.Second)
				w.end(t)
			})
		})
	}
}
