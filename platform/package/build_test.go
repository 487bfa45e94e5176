package pack

import (
	"bytes"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// TestVersion: what Go calls a build sorts in Debian as the commits do.
func TestVersion(t *testing.T) {
	for _, c := range []struct{ name, module, want string }{
		{"no repository", "(devel)", "0.0.0~devel"},
		{"before the first release", "v0.0.0-20261121143015-38b1772abcde", "0.0.0~20261121143015.38b1772abcde"},
		{"with changes of one's own", "v0.0.0-20261121143015-38b1772abcde+dirty", "0.0.0~20261121143015.38b1772abcde+dirty"},
		{"release", "v1.2.3", "1.2.3"},
		{"candidate", "v1.3.0-rc.1", "1.3.0~rc.1"},
		{"after a release", "v1.2.4-0.20261121143015-38b1772abcde", "1.2.4~0.20261121143015.38b1772abcde"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := version(c.module); got != c.want || !debian.MatchString(got) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for name, o := range map[string]Options{
		"processor":                     {Package: "holdfast", Root: "../..", Arch: "riscv64", Out: t.TempDir()},
		"version":                       {Package: "holdfast", Root: "../..", Arch: "amd64", Out: t.TempDir(), Version: "1.0-1"},
		"package":                       {Package: "sandcastle", Root: "../..", Arch: "amd64", Out: t.TempDir()},
		"the tray of another processor": {Package: "holdfast-tray", Root: "../..", Arch: other(), Out: t.TempDir()},
	} {
		if path, err := Deb(t.Context(), o); err == nil {
			t.Errorf("%s: made %s", name, path)
		}
	}
}

// other is a processor that this machine does not have.
func other() string {
	if runtime.GOARCH == Arches[0] {
		return Arches[1]
	}
	return Arches[0]
}

func TestMaintainer(t *testing.T) {
	for name, r := range recipes {
		config, err := os.ReadFile("../../" + r.config)
		if err != nil || !strings.Contains(string(config), "\nmaintainer: "+maintainer+"\n") {
			t.Errorf("%s: %v: the changelog's maintainer is not that of %s", name, err, r.config)
		}
	}
}

// TestSameBytes: a checkout makes the same packages every time, for every processor.
func TestSameBytes(t *testing.T) {
	for _, c := range []struct{ name, arch string }{{"holdfast", "amd64"}, {"holdfast", "arm64"}, {"holdfast-tray", runtime.GOARCH}} {
		t.Run(c.name+"-"+c.arch, func(t *testing.T) {
			if c.name == "holdfast-tray" {
				testenv.Require(t, "tray")
			}
			var first []byte
			for range 2 {
				path, err := Deb(t.Context(), Options{Package: c.name, Root: "../..", Arch: c.arch, Out: t.TempDir(), Log: os.Stderr})
				if err != nil {
					t.Fatal(err)
				}
				deb, err := os.ReadFile(path)
				if err != nil || !bytes.HasPrefix(deb, []byte("!<arch>\ndebian-binary")) {
					t.Fatalf("%v: %.20q", err, deb)
				}
				if first == nil {
					first = deb
				} else if !bytes.Equal(first, deb) {
					t.Error("the second package is another")
				}
			}
		})
	}
}
