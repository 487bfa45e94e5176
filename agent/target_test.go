package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/profile"
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
	c, err := resolve(ipc.ConnectRequest{Target: "head office", User: "alice"}, store)
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

	c, err = resolve(ipc.ConnectRequest{Target: "https://gw.example.net:4443/admins"}, store)
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
			_, err := resolve(tt.req, store)
			if err == nil || fault.As(err).Code != tt.code {
				t.Errorf("got %v, want %s", err, tt.code)
			}
		})
	}
}
