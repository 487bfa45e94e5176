package paths

import (
	"path/filepath"
	"slices"
	"testing"
)

func TestDefaultsAreAbsoluteAndApart(t *testing.T) {
	d := Default()
	seen := map[string]bool{}
	home, err := filepath.Abs("home")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range append(slices.Concat(Imports(), Policies(), Preferences(home)), d.State, d.Runtime, d.Profile) {
		if !filepath.IsAbs(p) || p != filepath.Clean(p) || seen[p] {
			t.Errorf("%q is not absolute, not clean or there twice", p)
		}
		seen[p] = true
	}
}
