package testenv

import (
	"runtime"
	"testing"
)

func TestRequired(t *testing.T) {
	for _, c := range []struct {
		list, feature string
		want          bool
	}{
		{"", "netns", false},
		{"netns", "netns", true},
		{"ocserv, netns", "netns", true},
		{"netns2", "netns", false},
		{"ocserv,openconnect", "openconnect", true},
	} {
		if got := required(c.list, c.feature); got != c.want {
			t.Errorf("required(%q, %q) = %v", c.list, c.feature, got)
		}
	}
}

// verdict records what Require does to a test.
type verdict struct {
	testing.TB
	said string
}

func (v *verdict) Helper()               {}
func (v *verdict) Skipf(string, ...any)  { v.said += "skip " }
func (v *verdict) Fatalf(string, ...any) { v.said += "fail " }

func TestRequire(t *testing.T) {
	const missing = "no-such-program-of-holdfast"
	present := "go"
	if runtime.GOOS == "windows" {
		present = "cmd"
	}
	for _, c := range []struct{ name, list, feature, want string }{
		{"present", "", present, ""},
		{"missing on a laptop", "", missing, "skip "},
		{"missing where it is required", "netns," + missing, missing, "fail skip "}, // a real Fatalf does not return
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv(requireEnv, c.list)
			v := &verdict{TB: t}
			Require(v, c.feature)
			if v.said != c.want {
				t.Errorf("Require said %q, want %q", v.said, c.want)
			}
		})
	}
}
