package paths

import (
	"path/filepath"
	"testing"
)

func TestDefaultsAreAbsoluteAndApart(t *testing.T) {
	d := Default()
	seen := map[string]bool{}
	for _, p := range append(append(Imports(), Policies()...), d.State, d.Runtime, d.Profile) {
		if !filepath.IsAbs(p) || p != filepath.Clean(p) || seen[p] {
			t.Errorf("%q is not absolute, not clean or there twice", p)
		}
		seen[p] = true
	}
}
