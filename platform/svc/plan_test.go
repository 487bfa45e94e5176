package svc

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform/package/units"
)

// What is installed is the package's unit, but for one line and the line that says whose it is.
func TestUnitsAreThePackages(t *testing.T) {
	for _, c := range []struct {
		name, unit, from, to string
		make                 func(string) (string, error)
	}{
		{"the agent", units.Agent, "ExecStart=/usr/sbin/holdfastd run\n", "ExecStart=/usr/local/bin/holdfastd run\n", agentUnit},
		{"the rescue", units.Rescue, "ExecStart=/usr/bin/holdfast rescue\n", "ExecStart=/usr/local/bin/holdfast rescue\n", rescueUnit},
	} {
		program := strings.Fields(strings.TrimPrefix(c.to, "ExecStart="))[0]
		got, err := c.make(program)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if want := ours + strings.Replace(c.unit, c.from, c.to, 1); got != want || strings.Contains(got, c.from) {
			t.Errorf("%s:\n%s", c.name, got)
		}
		if ownerOf(got, true) != us || ownerOf(c.unit, true) != foreign || ownerOf("", false) != nobody {
			t.Errorf("%s: it is not told apart from the package's", c.name)
		}
		if strings.Contains(got, "{{") {
			t.Errorf("%s: a template of kardianos/service would read that", c.name)
		}
	}
}

// A path that systemd, a shell or the template would read something into, or that the service could not see, is refused.
func TestUnitRefusesPaths(t *testing.T) {
	for _, path := range []string{"holdfastd", "/opt/with space/holdfastd", "/opt/100%/holdfastd", "/opt/{{Name}}/holdfastd", "/opt/a\nUser=x/holdfastd", "/opt/$HOME/holdfastd",
		"/opt/../tmp/holdfastd", "/home/alice/holdfastd", "/root/holdfastd", "/tmp/holdfastd", "/run/user/1000/holdfastd"} {
		if unit, err := agentUnit(path); err == nil || fault.As(err).Code != fault.HostService {
			t.Errorf("%q: %v\n%s", path, err, unit)
		}
	}
}

func TestMayInstallAndUninstall(t *testing.T) {
	for _, c := range []struct {
		name               string
		f                  found
		install, uninstall fault.Code
	}{
		{"a bare machine", found{}, "", fault.HostNoService},
		{"installed", found{agent: us, rescue: us}, fault.HostService, ""},
		{"installed, the rescue lost", found{agent: us}, fault.HostService, ""},
		{"a rescue left behind", found{rescue: us}, "", fault.HostNoService},
		{"a package", found{packaged: true}, fault.HostPackaged, fault.HostPackaged},
		{"a package over ours", found{packaged: true, agent: us, rescue: us}, fault.HostPackaged, ""},
		{"an administrator's own", found{agent: foreign}, fault.HostService, fault.HostService},
		{"an administrator's own rescue", found{rescue: foreign}, fault.HostService, fault.HostNoService},
		{"a package and an administrator's own", found{packaged: true, agent: foreign}, fault.HostPackaged, fault.HostPackaged},
	} {
		for verb, got := range map[string]error{"install": c.f.mayInstall(), "uninstall": c.f.mayUninstall()} {
			want := c.install
			if verb == "uninstall" {
				want = c.uninstall
			}
			var code fault.Code
			if got != nil {
				code = fault.As(got).Code
			}
			if code != want {
				t.Errorf("%s: %s: %v, want %q", c.name, verb, got, want)
			}
		}
	}
}

// The property list is XML once the placeholders are filled, and every one of them is known to kardianos/service.
func TestPropertyList(t *testing.T) {
	filled := strings.NewReplacer("{{Name | html}}", "n", "{{Path | html}}", "/usr/local/bin/holdfastd", "{{range Arguments}}", "", "{{. | html}}", "run", "{{end}}", "").Replace(launchd)
	if strings.Contains(filled, "{{") {
		t.Fatalf("a placeholder nobody fills:\n%s", filled)
	}
	d := xml.NewDecoder(strings.NewReader(filled))
	keys := 0
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := tok.(xml.StartElement); ok && s.Name.Local == "key" {
			keys++
		}
	}
	if keys != 9 || !strings.Contains(filled, "<string>/usr/local/bin/holdfastd</string>\n\t\t<string>run</string>") {
		t.Errorf("%d keys:\n%s", keys, filled)
	}
}
