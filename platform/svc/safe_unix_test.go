//go:build unix

package svc

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

func TestClosed(t *testing.T) {
	for _, c := range []struct {
		mode fs.FileMode
		gid  uint32
		want bool
	}{
		{0o755, 100, true}, {0o555, 100, true}, {0o775, 0, true}, {0o775, 100, false}, {0o777, 0, false}, {0o757, 0, false}, {fs.ModeDir | 0o775, 1000, false}, {fs.ModeDir | fs.ModeSticky | 0o777, 0, false},
	} {
		if got := closed(c.mode, c.gid); got != c.want {
			t.Errorf("%v of group %d: %v", c.mode, c.gid, got)
		}
	}
}

// A program that others could replace never becomes a service.
func TestSafe(t *testing.T) {
	testenv.Require(t, "uid")
	dir, err := os.MkdirTemp("/run", "safe") // not /tmp, where everybody may write
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	program := filepath.Join(dir, "holdfastd")
	if err := os.WriteFile(program, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	check := func(name string, want fault.Code) {
		t.Helper()
		err := safe(program)
		if (err == nil) != (want == "") || err != nil && fault.As(err).Code != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	check("root's alone", "")
	for _, c := range []struct {
		name string
		do   func() error
		undo func() error
	}{
		{"a folder of another user", func() error { return os.Chown(dir, 65534, 0) }, func() error { return os.Chown(dir, 0, 0) }},
		{"a folder that all may write to", func() error { return os.Chmod(dir, 0o777) }, func() error { return os.Chmod(dir, 0o755) }},
		{"a program of another user", func() error { return os.Chown(program, 65534, 0) }, func() error { return os.Chown(program, 0, 0) }},
		{"a program that its group may write to", func() error { return os.Chown(program, 0, 65534) }, nil},
	} {
		if err := c.do(); err != nil {
			t.Fatal(err)
		}
		if c.undo == nil {
			if err := os.Chmod(program, 0o775); err != nil {
				t.Fatal(err)
			}
		}
		check(c.name, fault.HostService)
		if c.undo != nil {
			if err := c.undo(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	check("no program", fault.HostService)
}
