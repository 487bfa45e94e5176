package pack

import (
	"encoding/xml"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// languages are those of the tray beside English, as desktop files call them.
var languages = []string{"de", "es", "fr", "ja", "zh_CN", "zh_TW"}

// entry reads the one group of a desktop file.
func entry(t *testing.T, path string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{}
	for i, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		key, value, is := strings.Cut(line, "=")
		if i == 0 && line == "[Desktop Entry]" {
			continue
		}
		if _, twice := keys[key]; !is || twice || value == "" {
			t.Errorf("%s:%d: %q", path, i+1, line)
		}
		keys[key] = value
	}
	return keys
}

// TestDesktopFiles: what desktops show of the tray is in every language, and they agree with each other and with the rules of desktop files.
func TestDesktopFiles(t *testing.T) {
	menu, auto := entry(t, "tray/holdfast-tray.desktop"), entry(t, "tray/autostart.desktop")
	for _, c := range []struct {
		name string
		keys map[string]string
		text []string
	}{
		{"menu", menu, []string{"GenericName", "Comment", "Keywords"}},
		{"autostart", auto, []string{"Comment"}},
	} {
		for _, key := range c.text {
			for _, l := range languages {
				if c.keys[key] == "" || c.keys[key+"["+l+"]"] == "" {
					t.Errorf("%s: no %s in %s", c.name, key, l)
				}
			}
		}
	}
	for _, key := range []string{"Name", "Icon", "TryExec"} {
		if menu[key] == "" || menu[key] != auto[key] {
			t.Errorf("%s: %q in the menu, %q at the start", key, menu[key], auto[key])
		}
	}
	if menu["Exec"] != "holdfast-tray" || auto["Exec"] != "holdfast-tray --background" {
		t.Errorf("%q and %q are run", menu["Exec"], auto["Exec"])
	}
	testenv.Require(t, "desktop-file-validate")
	if out, err := exec.Command("desktop-file-validate", "tray/holdfast-tray.desktop", "tray/autostart.desktop").CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
}

// TestMetainfo: the description for software centres is XML, has every language, and names what is installed.
func TestMetainfo(t *testing.T) {
	b, err := os.ReadFile("tray/holdfast-tray.metainfo.xml")
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		ID      string `xml:"id"`
		Summary []struct {
			Lang string `xml:"http://www.w3.org/XML/1998/namespace lang,attr"`
		} `xml:"summary"`
		Launchable string `xml:"launchable"`
	}
	if err := xml.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile("tray/nfpm.yaml")
	if err != nil || len(m.Summary) != len(languages)+1 || !strings.Contains(string(config), "/metainfo/"+m.ID+".metainfo.xml\n") || !strings.Contains(string(config), "/applications/"+m.Launchable+"\n") {
		t.Errorf("%v: %+v", err, m)
	}
}

// TestLinked: the package depends on what the program is linked with, and a library that no package is known for is an error.
func TestLinked(t *testing.T) {
	testenv.Require(t, "tray")
	program := t.TempDir() + "/holdfast-tray"
	if out, err := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "../../ui/cmd/holdfast-tray").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got, err := linked(program)
	if err != nil || !slices.Contains(got, "libgl1") || !slices.Contains(got, "libx11-6") || !slices.ContainsFunc(got, regexp.MustCompile(`^libc6 \(>= 2\.\d+\)$`).MatchString) {
		t.Errorf("%q, %v", got, err)
	}
	known := libraries["libX11.so.6"]
	delete(libraries, "libX11.so.6")
	defer func() { libraries["libX11.so.6"] = known }()
	if got, err := linked(program); err == nil {
		t.Errorf("without knowing X11: %q", got)
	}
	if _, err := linked("tray_test.go"); err == nil {
		t.Error("a text is a program")
	}
}
