package pack

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// debsEnv hands the built packages to the child that testenv.Namespace starts: there is no network to build with in there.
const debsEnv = "HOLDFAST_PACK_DEBS"

// installUnit runs testdata/install.
const installUnit = `[Unit]
Wants=systemd-resolved.service
After=systemd-resolved.service
[Service]
Type=oneshot
ExecStart=/bin/bash /script/install
[Install]
WantedBy=multi-user.target
`

// worst is the exposure that systemd-analyze may find in the agent's unit, of 10. What is left of it is what a session needs.
const worst = "3.5"

// TestInstall installs, upgrades and purges the packages on a whole Debian that systemd has booted. Under its unit's restrictions the agent makes tunnels; upgraded or killed under a
// download it goes on with the session; when it is stopped, or systemd gives up on it, everything is taken back; and nothing is left of them in the end.
func TestInstall(t *testing.T) {
	testenv.Require(t, "netns", "overlay", "tun", "booted", "systemd-nspawn", "tray")
	debs := os.Getenv(debsEnv)
	if debs == "" {
		debs = t.TempDir()
		for _, c := range []struct{ name, version string }{{"holdfast", "1.0"}, {"holdfast", "2.0"}, {"holdfast-tray", "1.0"}} {
			if _, err := Deb(t.Context(), Options{Package: c.name, Root: "../..", Arch: runtime.GOARCH, Out: debs, Version: c.version, Log: os.Stderr}); err != nil {
				t.Fatal(err)
			}
		}
		t.Setenv(debsEnv, debs)
	}
	if !testenv.Namespace(t) {
		return
	}
	out := boot(t, debs)
	read := func(name string) string {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Error(err)
		}
		return string(b)
	}
	const running = "active\nenabled\nstate 0\n660 root:holdfast\n"
	for name, want := range map[string]string{
		"install.exit": "0\n", "upgrade.exit": "0\n", "purge.exit": "0\n", "tray.exit": "0\n", "tray.files": trayFiles, "version": "2.0", "verify": "exit 0\n", "units": "", "left": "",
		"installed": running, "upgraded": running, "killed": running,
		"connected.exit": "0\n", "again.exit": "0\n", "doomed.exit": "0\n", "last.exit": "0\n",
		"connected.kept": "1\n", "killed.kept": "1\n", "ended.kept": "0\n", "ended.vault": "", "rescued.vault": "",
		"ended.host": read("before.host"), "stopped.host": read("before.host"), "rescued.host": read("plain.host"), "after.host": read("plain.host"),
	} {
		if got := read(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if needed := read("needed"); !strings.Contains(needed, "holdfast-tray depends on holdfast") {
		t.Errorf("dpkg removes what the tray needs, and says %q", needed)
	}
	if group := read("group"); !strings.HasSuffix(group, ":\n") {
		t.Errorf("somebody is in the group: %q", group)
	}
	if first, second, third := read("installed.pid"), read("upgraded.pid"), read("killed.pid"); first == second || second == third {
		t.Errorf("processes %s%s%s", first, second, third)
	}
	if rescue := read("rescue.log"); !strings.Contains(rescue, "undone: ") {
		t.Errorf("the rescue said %q", rescue)
	}
	for session, backend := range map[string]string{"connected": "systemd-resolved", "again": "systemd-resolved", "doomed": "resolv.conf", "last": "resolv.conf"} {
		var s struct {
			Interface string
			DNS       struct{ Backend string }
		}
		if err := json.Unmarshal([]byte(read(session+".json")), &s); err != nil || s.Interface != "holdfast0" || s.DNS.Backend != backend {
			t.Errorf("%s: %v: %+v", session, err, s)
		}
		if page := read(session + ".page"); !strings.Contains(page, "200 OK") {
			t.Errorf("%s: the page is %q", session, page)
		}
	}
	if got := read("service"); got != service {
		t.Errorf("the service commands said:\n%s", got)
	}
	if shown := read("service.shown"); !strings.Contains(shown, "path=/usr/local/bin/holdfastd ; argv[]=/usr/local/bin/holdfastd run ;") || !strings.Contains(shown, "/etc/systemd/system/holdfastd.service\n") {
		t.Errorf("systemd runs %s", shown)
	}
	if verify, units := read("service.verify"), read("service.units"); verify != "" || units != "" {
		t.Errorf("the units of holdfastd install: %q; after uninstall: %q", verify, units)
	}
	if first, second := read("service.pid"), read("service.pid2"); first == second || first == "0\n" {
		t.Errorf("holdfastd restart: processes %s%s", first, second)
	}
	survived(t, read)
	if followed := read("followed"); strings.Count(followed, "the agent was restarted") != 2 || strings.Count(followed, "connect-requested") != 1 {
		t.Errorf("who watched saw:\n%s", followed)
	}
	exposure(t, read("security"))
	if t.Failed() {
		t.Logf("%s\n%s", read("log"), read("agent.log"))
	}
}

// trayFiles are what the tray's package brings: nothing of it is run with privilege or as a service.
const trayFiles = `644 root:root /etc/xdg/autostart/holdfast-tray.desktop
755 root:root /usr/bin/holdfast-tray
644 root:root /usr/share/applications/holdfast-tray.desktop
644 root:root /usr/share/doc/holdfast-tray/changelog.gz
644 root:root /usr/share/doc/holdfast-tray/copyright
644 root:root /usr/share/icons/hicolor/128x128/apps/holdfast.png
644 root:root /usr/share/icons/hicolor/48x48/apps/holdfast.png
644 root:root /usr/share/icons/hicolor/scalable/apps/holdfast.svg
644 root:root /usr/share/man/man1/holdfast-tray.1.gz
644 root:root /usr/share/metainfo/io.github.holdfast_vpn.Holdfast.metainfo.xml
`

// service is what the service commands say: without a package, from a program that others could replace, beside a package, and without privilege.
const service = `not installed
error: the Holdfast agent is not reachable: there is no service (AGENT-001)
hint: install it with: sudo holdfastd install
hint: start it with: sudo holdfastd start, or in the foreground: sudo holdfastd run
exit 3
installed; start it with: holdfastd start
exit 0
error: the service cannot be changed: it is installed already (HOST-011)
hint: to renew it: holdfastd uninstall, then holdfastd install
hint: the system's log may say more: journalctl, or the event viewer
exit 1
stopped
error: the Holdfast agent is not reachable: the service is stopped (AGENT-001)
hint: start it with: sudo holdfastd start, or in the foreground: sudo holdfastd run
exit 3
started
exit 0
running
exit 0
restarted
exit 0
running
exit 0
stopped
exit 0
stopped
error: the Holdfast agent is not reachable: the service is stopped (AGENT-001)
hint: start it with: sudo holdfastd start, or in the foreground: sudo holdfastd run
exit 3
started
exit 0
uninstalled
exit 0
error: the service is not installed (HOST-013)
hint: install it with: sudo holdfastd install
exit 1
error: the service cannot be changed: others than root could replace /opt/theirs/holdfastd (HOST-011)
hint: sudo install holdfastd holdfast /usr/local/bin/ and use them there
hint: the system's log may say more: journalctl, or the event viewer
exit 1
error: a package takes care of the service (HOST-012)
hint: start it with: systemctl enable --now holdfastd
hint: use systemctl for what holdfastd start, stop and restart do not do
exit 1
error: a package takes care of the service (HOST-012)
hint: remove it with: apt remove holdfast
hint: use systemctl for what holdfastd start, stop and restart do not do
exit 1
running
exit 0
restarted
exit 0
error: this needs root (POL-003)
hint: run it with sudo
exit 7
`

// survived compares the session after an upgrade and after a crash, each under a download, with the one before.
func survived(t *testing.T, read func(string) string) {
	t.Helper()
	type session struct {
		State     string
		Addresses []string
		Session   struct{ Started time.Time }
		Last      struct {
			Code     int
			OutageMS int `json:"outage_ms"`
		} `json:"last_reconnect"`
	}
	state := func(name string) (s session) {
		t.Helper()
		if err := json.Unmarshal([]byte(read(name+".json")), &s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return s
	}
	was := state("connected")
	for _, name := range []string{"upgraded", "killed"} {
		is := state(name)
		if is.State != "connected" || !slices.Equal(is.Addresses, was.Addresses) || is.Session.Started.Sub(was.Session.Started).Abs() > time.Second {
			t.Errorf("%s: the session was %+v and is %+v", name, was, is)
		}
		var bytes int
		if _, err := fmt.Sscan(read(name+".bytes"), &bytes); err != nil || bytes < 2000000 {
			t.Errorf("%s: the download brought %d bytes, %v", name, bytes, err)
		}
		t.Logf("%s under a download: %d bytes came; taken up again in %d ms", name, bytes, is.Last.OutageMS)
	}
}

// boot runs the script on a Debian and returns the folder of what it saw.
func boot(t *testing.T, debs string) string {
	t.Helper()
	out := t.TempDir()
	scripts, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	root := testenv.BootRoot(t, installUnit)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "systemd-nspawn", "-q", "--register=no", "--keep-unit", "--private-network", "--bind=/dev/net/tun",
		"--bind="+out+":/out", "--bind-ro="+debs+":/debs", "--bind-ro="+scripts+":/script", "-D", root, "-b")
	cmd.Env = append(os.Environ(), "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1", "SYSTEMD_NSPAWN_API_VFS_WRITABLE=network")
	if console, err := cmd.CombinedOutput(); err != nil {
		log, _ := os.ReadFile(filepath.Join(out, "log"))
		t.Fatalf("%v\n%s\n%s", err, console, log)
	}
	return out
}

// exposure prints what systemd thinks of the unit, and holds it below worst.
func exposure(t *testing.T, table string) {
	t.Helper()
	_, verdict, _ := strings.Cut(table, "Overall exposure level for holdfastd.service: ")
	score, _, _ := strings.Cut(verdict, " ")
	t.Logf("exposure by systemd-analyze security: %s of 10", score)
	if len(score) != len(worst) || score > worst {
		t.Errorf("exposure %q, at most %s\n%s", score, worst, table)
	}
}
