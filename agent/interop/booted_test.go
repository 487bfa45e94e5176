package interop

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// bootedScript runs in a booted Debian as the last of its services. It is a user's session: every step leaves a file in /out.
const bootedScript = `#!/bin/sh
names() { for n in web.corp.example split.corp.example other.lab.example; do echo "$n $(getent ahostsv4 $n | head -n 1 | cut -d ' ' -f 1)"; done >/out/$1; resolvectl status holdfast0 >/out/$1.link 2>&1; }
state() { /bin-under-test/holdfast --json state >/out/$1.json; }
exec >/out/log 2>&1
set -x
resolvectl dns wan0 192.0.2.1
resolvectl default-route wan0 yes
systemd-run --unit=agent --collect /bin-under-test/holdfastd run --log-level debug
for i in $(seq 100); do [ -S /run/holdfast/agent.sock ] && break; sleep 0.05; done
names before
/bin-under-test/holdfast connect vpn.lab.example --user ` + account + ` --group staff --password-stdin --ca /pki/ca --no-input </pki/password
echo $? >/out/exit
state connected
names connected
systemd-inhibit --list --no-pager --no-legend >/out/locks
systemctl restart systemd-resolved
sleep 1
names restarted
systemctl kill --signal=KILL agent
sleep 0.5
/bin-under-test/holdfast rescue
names rescued
journalctl --no-pager -u agent >/out/agent.log
systemctl poweroff
`

const bootedUnit = `[Unit]
Wants=systemd-resolved.service
After=systemd-resolved.service
[Service]
Type=oneshot
ExecStart=/bin/sh /out/script
[Install]
WantedBy=multi-user.target
`

// TestBooted connects, everything through the tunnel and with split DNS, inside a whole Debian that systemd has booted, with its own bus, its own resolved under its own unit's restrictions, libnss-resolve, and its own logind.
func TestBooted(t *testing.T) {
	t.Parallel()
	testenv.Require(t, "booted", "systemd-nspawn")
	w := newContainedWorld(t)
	if w == nil {
		return
	}
	w.startOcserv(t, ocserv{lines: []string{"route = default", "split-dns = corp.example"}})
	out, pki := filepath.Join(w.dir, "out"), filepath.Join(w.dir, "pkiboot")
	ca, err := os.ReadFile(w.pki.ca)
	if err = errors.Join(err, os.Mkdir(out, 0o755), os.Mkdir(pki, 0o755), os.WriteFile(pki+"/ca", ca, 0o644), os.WriteFile(pki+"/password", []byte(password+"\n"), 0o600),
		os.WriteFile(out+"/script", []byte(bootedScript), 0o755)); err != nil {
		t.Fatal(err)
	}
	root := testenv.BootRoot(t, bootedUnit)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "systemd-nspawn", "-q", "--register=no", "--keep-unit", "--network-namespace-path=/run/netns/client", "--capability=CAP_NET_ADMIN",
		"--bind=/dev/net/tun", "--bind="+out+":/out", "--bind-ro="+pki+":/pki", "--bind-ro="+os.Getenv(binEnv)+":/bin-under-test", "-D", root, "-b")
	cmd.Env = append(os.Environ(), "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1", "SYSTEMD_NSPAWN_API_VFS_WRITABLE=network")
	console, err := cmd.CombinedOutput()
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(out, name))
		if err != nil && !errors.Is(err, io.EOF) {
			t.Errorf("%v", err)
		}
		return string(b)
	}
	if err != nil || read("exit") != "0\n" {
		t.Fatalf("%v, connect %q\n%s\n%s\n%s", err, read("exit"), console, read("log"), read("agent.log"))
	}
	var s ipc.State
	if err := json.Unmarshal([]byte(read("connected.json")), &s); err != nil || s.DNS == nil || s.DNS.Backend != "systemd-resolved" {
		t.Errorf("%v: %+v", err, s.DNS)
	}
	for step, want := range map[string]string{
		"before":    "web.corp.example \nsplit.corp.example 192.0.2.99\nother.lab.example 198.51.100.1\n",
		"connected": "web.corp.example 10.99.0.2\nsplit.corp.example 10.99.0.2\nother.lab.example 198.51.100.1\n",
		"restarted": "web.corp.example 10.99.0.2\nsplit.corp.example 10.99.0.2\nother.lab.example 198.51.100.1\n",
		"rescued":   "web.corp.example \nsplit.corp.example 192.0.2.99\nother.lab.example 198.51.100.1\n",
	} {
		if got := read(step); got != want {
			t.Errorf("%s:\n%s%s", step, got, read(step+".link"))
		}
	}
	if locks := read("locks"); !strings.Contains(locks, "Holdfast") || !strings.Contains(locks, "delay") {
		t.Errorf("logind knows of no lock of ours:\n%s", locks)
	}
	if t.Failed() {
		t.Logf("%s\n%s", strings.TrimSpace(read("log")), read("agent.log"))
	}
}
