package testenv

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// BootRoot returns the root of a Debian that can be booted with systemd-nspawn, with one more unit that its multi-user target wants. What the test writes there is its own.
func BootRoot(t testing.TB, unit string) string {
	t.Helper()
	mustBeInside(t)
	dir := t.TempDir()
	upper, work, root := filepath.Join(dir, "upper"), filepath.Join(dir, "work"), filepath.Join(dir, "root")
	err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=755")
	for _, d := range []string{upper, work, root} {
		err = errors.Join(err, os.Mkdir(d, 0o755))
	}
	if err == nil {
		err = unix.Mount("overlay", root, "overlay", 0, "lowerdir="+unpacked("booted")+",upperdir="+upper+",workdir="+work)
	}
	units := filepath.Join(root, "etc/systemd/system")
	if err = errors.Join(err, os.MkdirAll(units+"/multi-user.target.wants", 0o755), os.WriteFile(units+"/holdfast-test.service", []byte(unit), 0o644),
		os.Symlink("../holdfast-test.service", units+"/multi-user.target.wants/holdfast-test.service")); err != nil {
		t.Fatalf("a root to boot: %v", err)
	}
	t.Cleanup(func() { _ = errors.Join(unix.Unmount(root, unix.MNT_DETACH), unix.Unmount(dir, unix.MNT_DETACH)) })
	return root
}
