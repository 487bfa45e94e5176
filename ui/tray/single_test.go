package tray

import (
	"os"
	"path/filepath"
	"testing"
)

// TestAlone: the first has the right, later ones ask it for its window, another screen has its own, and what a killed one left behind is in nobody's way.
func TestAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	take := func(session string) *Single {
		t.Helper()
		s, err := Alone(dir, session)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := take(":0")
	for range 3 {
		if take(":0") != nil {
			t.Fatal("two have the right")
		}
		<-first.Summons
	}
	other := take("../wayland-1")
	if other == nil || len(first.Summons) > 0 {
		t.Error("two screens are one")
	}
	for _, s := range []*Single{first, other} {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, open := <-first.Summons; open {
		t.Error("somebody calls after the end")
	}
	if err := os.WriteFile(filepath.Join(dir, "holdfast-tray-_0.sock"), nil, 0o600); err != nil { // in the place of a socket that nobody listens on
		t.Fatal(err)
	}
	if err := take(":0").Close(); err != nil {
		t.Error(err)
	}
	if all, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), "*")); len(all) != 1 {
		t.Errorf("files outside the folder: %q", all)
	}
	if s, err := Alone("", ""); err != nil || s == nil || s.Close() != nil {
		t.Error("without a folder nobody is alone")
	}
}
