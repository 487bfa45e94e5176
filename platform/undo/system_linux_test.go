package undo

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// safeDir is an existing folder whose parents are safe. The network's lock stands in another one, not in the machine's.
func safeDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	lockFolder = t.TempDir()
	t.Cleanup(func() { lockFolder = "/run" })
	return dir
}

func codeOf(err error) fault.Code {
	if err == nil {
		return ""
	}
	return fault.As(err).Code
}

func TestOpenChecksItsDirectories(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(t *testing.T, base string)
		want    fault.Code
	}{
		{"missing ones are made", func(*testing.T, string) {}, ""},
		{"existing ones are tightened", func(t *testing.T, base string) { mkdir(t, base+"/state", 0o755); mkdir(t, base+"/run", 0o755) }, ""},
		{"a sticky folder above", func(t *testing.T, base string) { mkdir(t, base, 0o777|os.ModeSticky) }, ""},
		{"a link to a directory of ours", func(t *testing.T, base string) {
			mkdir(t, base+"/elsewhere", 0o700)
			must(t, os.Symlink(base+"/elsewhere", base+"/state"))
		}, fault.HostDir},
		{"a dangling link", func(t *testing.T, base string) { must(t, os.Symlink(base+"/elsewhere", base+"/run")) }, fault.HostDir},
		{"a file", func(t *testing.T, base string) { must(t, os.WriteFile(base+"/state", nil, 0o600)) }, fault.HostDir},
		{"group may write", func(t *testing.T, base string) { mkdir(t, base+"/state", 0o770) }, fault.HostDir},
		{"others may write", func(t *testing.T, base string) { mkdir(t, base+"/run", 0o707) }, fault.HostDir},
		{"sticky does not help the directory itself", func(t *testing.T, base string) { mkdir(t, base+"/run", 0o777|os.ModeSticky) }, fault.HostDir},
		{"others may write above", func(t *testing.T, base string) { mkdir(t, base, 0o777) }, fault.HostDir},
		{"the journal is a link", func(t *testing.T, base string) {
			mkdir(t, base+"/state", 0o700)
			must(t, os.Symlink("/etc/passwd", base+"/state/"+fileName))
		}, fault.HostUndo},
		{"the lock is a link", func(t *testing.T, base string) {
			mkdir(t, base+"/state", 0o700)
			must(t, os.Symlink("/etc/passwd", base+"/state/"+lockName))
		}, fault.HostDir},
	} {
		t.Run(c.name, func(t *testing.T) {
			base := safeDir(t)
			c.prepare(t, base)
			j, err := Open(base+"/state", base+"/run", Options{})
			if codeOf(err) != c.want {
				t.Fatalf("Open: %v, want code %q", err, c.want)
			}
			if err != nil {
				return
			}
			defer j.Close()
			for name, mode := range map[string]os.FileMode{"state": 0o700, "run": 0o711} {
				if info, err := os.Stat(filepath.Join(base, name)); err != nil || info.Mode().Perm() != mode {
					t.Errorf("%s: %v, %v; want mode %o", name, info.Mode(), err, mode)
				}
			}
		})
	}
}

func TestOpenRefusesForeignOwners(t *testing.T) {
	testenv.Require(t, "uid")
	const other = 65534
	for _, name := range []string{"state", "run", "."} {
		t.Run(name, func(t *testing.T) {
			base := safeDir(t)
			mkdir(t, base+"/state", 0o700)
			mkdir(t, base+"/run", 0o700)
			must(t, os.Chown(filepath.Join(base, name), other, other))
			j, err := Open(base+"/state", base+"/run", Options{})
			if codeOf(err) != fault.HostDir {
				t.Fatalf("Open: %v, %v", j, err)
			}
			if !strings.Contains(err.Error(), "65534") {
				t.Errorf("the error does not name the owner: %v", err)
			}
		})
	}
}

func TestOneAtATime(t *testing.T) {
	base := safeDir(t)
	first, err := Open(base+"/state", base+"/run", Options{})
	must(t, err)
	for _, dirs := range [][2]string{{"state", "run"}, {"state", "run2"}, {"state2", "run"}} {
		if _, err := Open(base+"/"+dirs[0], base+"/"+dirs[1], Options{}); codeOf(err) != fault.HostLocked {
			t.Errorf("second Open of %v: %v", dirs, err)
		}
	}
	must(t, first.Close())
	second, err := Open(base+"/state", base+"/run", Options{})
	must(t, err)
	must(t, second.Close())
}

// A second journal of the same network is refused whatever directories it names, and makes none of them: its sweep by tag would take the first one's routes.
func TestOneNetworkOneJournal(t *testing.T) {
	testenv.Require(t, "uid")
	base := safeDir(t)
	first, err := Open(base+"/state", base+"/run", Options{})
	must(t, err)
	if j, err := Open(base+"/state2", base+"/run2", Options{}); codeOf(err) != fault.HostLocked {
		t.Errorf("with other directories: %v, %v", j, err)
	}
	for _, name := range []string{"state2", "run2"} {
		if _, err := os.Lstat(filepath.Join(base, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, first.Close())
	second, err := Open(base+"/state2", base+"/run2", Options{})
	must(t, err)
	must(t, second.Close())
}

// A lock that others could hold, or that leads elsewhere, is none.
func TestUnsafeNetworkLock(t *testing.T) {
	testenv.Require(t, "uid")
	for _, c := range []struct {
		name    string
		prepare func(t *testing.T, path string)
	}{
		{"others may open it", func(t *testing.T, path string) { must(t, os.Chmod(path, 0o644)) }},
		{"it belongs to another user", func(t *testing.T, path string) { must(t, os.Chown(path, 65534, 65534)) }},
		{"a link", func(t *testing.T, path string) {
			must(t, os.Rename(path, path+"2"))
			must(t, os.Symlink(path+"2", path))
		}},
		{"a FIFO", func(t *testing.T, path string) { must(t, os.Remove(path)); must(t, syscall.Mkfifo(path, 0o600)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			base := safeDir(t)
			j, err := Open(base+"/state", base+"/run", Options{})
			must(t, err)
			must(t, j.Close())
			locks, err := filepath.Glob(lockFolder + "/holdfast-net-*.lock")
			if err != nil || len(locks) != 1 {
				t.Fatalf("locks %v, %v", locks, err)
			}
			c.prepare(t, locks[0])
			if j, err := Open(base+"/state", base+"/run", Options{}); codeOf(err) != fault.HostDir {
				t.Errorf("Open: %v, %v", j, err)
			}
		})
	}
}

func TestPutAndGet(t *testing.T) {
	base := safeDir(t)
	open := func() *Journal {
		j, err := Open(base+"/state", base+"/run", Options{})
		must(t, err)
		return j
	}
	j := open()
	must(t, j.Put(SlotTun, Entry{Kind: KindLink}))
	must(t, j.Put(SlotRouter, Entry{Kind: KindRule, Family: 4, Priority: 18501}, Entry{Kind: KindRule, Family: 6, Priority: 18501}))
	if err := j.Put(SlotRouter, Entry{Kind: "file"}); err == nil {
		t.Error("an entry of no kind was taken")
	}
	must(t, j.Close())

	j = open()
	if got := j.Get(SlotRouter); len(got) != 2 || got[1].Family != 6 {
		t.Errorf("after a restart: %v", got)
	}
	must(t, j.Put(SlotRouter))
	must(t, j.Close())

	// a crash in the middle of an append, as a file system without our rename would leave it
	path := filepath.Join(base, "run", fileName)
	b, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, append(b, "0badc0de {\"slot\":\"rou"...), 0o600))
	j = open()
	defer j.Close()
	if got := j.Get(SlotTun); len(got) != 1 || len(j.Get(SlotRouter)) != 0 {
		t.Errorf("with a torn end: %v, %v", got, j.Get(SlotRouter))
	}
}

func TestPutFailureChangesNothing(t *testing.T) {
	base := safeDir(t)
	j, err := Open(base+"/state", base+"/run", Options{})
	must(t, err)
	defer j.Close()
	must(t, j.Put(SlotTun, Entry{Kind: KindLink}))
	must(t, os.Mkdir(filepath.Join(base, "run", newName), 0o700)) // in the way of the new file
	if err := j.Put(SlotTun); err == nil {
		t.Fatal("no error")
	}
	if got := j.Get(SlotTun); len(got) != 1 {
		t.Errorf("the slot has %v although nothing was written", got)
	}
}

func mkdir(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
	must(t, os.Chmod(path, mode))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
