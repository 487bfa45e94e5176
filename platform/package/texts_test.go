package pack

import (
	"runtime"
	"strings"
	"testing"
)

// TestCopyright: a package names the licences of what others made and it holds: modules, and the fonts of the tray.
func TestCopyright(t *testing.T) {
	for name, r := range recipes {
		b := &builder{Options: Options{Package: name, Root: "../..", Arch: runtime.GOARCH}, recipe: r}
		text, err := b.copyright(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			part string
			want bool
		}{
			{"\nthe standard library of Go: LICENSE\n", true},
			{"\n" + module + "ui/view/fonts: OFL.txt\n\nThe fonts in this folder are parts of Noto Sans CJK", name == "holdfast-tray"},
			{"\nfyne.io/fyne/v2 v", name == "holdfast-tray"},
		} {
			if strings.Contains(string(text), c.part) != c.want {
				t.Errorf("the copyright of %s has %q: %v, want %v", name, c.part, !c.want, c.want)
			}
		}
	}
}
