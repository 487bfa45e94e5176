//go:build !windows && !darwin

package tray

import (
	"os"
	"path/filepath"
	"testing"
)

// TestSessionDir: a runtime directory counts where it is this user's alone. In any other somebody else could hold the lock, or answer in our place, and there would be no icon.
func TestSessionDir(t *testing.T) {
	root := t.TempDir()
	mine := filepath.Join(root, "mine")
	shared := filepath.Join(root, "shared")
	link := filepath.Join(root, "link")
	file := filepath.Join(root, "file")
	for dir, mode := range map[string]os.FileMode{mine: 0o700, shared: 0o777} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(mine, link); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	foreign := "/" // root's, who is not asked
	if os.Geteuid() == 0 {
		foreign = filepath.Join(root, "foreign")
		if err := os.Mkdir(foreign, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(foreign, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("XDG_STATE_HOME", filepath.Join(root, "state"))
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	for _, dir := range []string{mine, shared, foreign} {
		if dir != "/" {
			if err := os.WriteFile(filepath.Join(dir, "bus"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for what, tt := range map[string]struct {
		dir string
		ok  bool
	}{
		"one's own": {mine, true}, "one's own with a slash": {mine + "/", true}, "everybody's": {shared, false}, "somebody else's": {foreign, false},
		"a link": {link, false}, "a link with a slash": {link + "/", false}, "a file": {file, false}, "nothing": {filepath.Join(root, "nothing"), false}, "a relative one": {"mine", false}, "none": {"", false},
	} {
		t.Setenv("XDG_RUNTIME_DIR", tt.dir)
		want := StateDir()
		if tt.ok {
			want = mine
		}
		if got := SessionDir(); got != want {
			t.Errorf("%s: %s", what, got)
		}
		if got := runtimeBus(); (got != "") != tt.ok {
			t.Errorf("%s: the bus is %q", what, got)
		}
	}
}
