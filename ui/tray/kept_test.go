package tray

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"fyne.io/fyne/v2"

	"github.com/holdfast-vpn/holdfast/ui/model"
)

// TestKept: what is kept comes back, in a file of the user's alone; what is damaged, or mad, is as good as nothing.
func TestKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "holdfast")
	usual := fyne.NewSize(380, 520)
	k := newKept(dir)
	if r := k.remembered(); len(r.Recent) != 0 || k.size("small", usual) != usual {
		t.Errorf("of nothing: %+v", r)
	}
	want := model.Remembered{Recent: []string{"office", "lab"}, Certificates: map[string]string{"office": "/home/a/me.p12"}}
	k.remember(want.Recent, want.Certificates)
	k.resize("small", fyne.NewSize(500, 600))
	if err := k.save(); err != nil {
		t.Fatal(err)
	}
	again := newKept(dir)
	if r := again.remembered(); !reflect.DeepEqual(r, want) || again.size("small", usual) != fyne.NewSize(500, 600) || again.size("details", usual) != usual {
		t.Errorf("kept %+v", r)
	}
	file := filepath.Join(dir, keptFile)
	if i, err := os.Stat(file); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", i, err)
	}
	if all, _ := filepath.Glob(filepath.Join(dir, "*")); len(all) != 1 {
		t.Errorf("there are %q", all)
	}
	for _, bad := range []string{"", "{", `[]`, `{"recent":7}`, `{"sizes":{"small":{"Width":1e30,"Height":5}}}`, `{"sizes":{"small":{"Width":-5,"Height":900}}}`, `{"recent":["` + strings.Repeat("x", maxKept) + `"]}`} {
		if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if k := newKept(dir); len(k.remembered().Recent) != 0 || k.size("small", usual) != usual {
			t.Errorf("of %.60q: %+v", bad, k.values)
		}
	}
	if err := newKept("").save(); err != nil {
		t.Error("who keeps nothing cannot: ", err)
	}
}
