package undo

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// openDirectory opens one of our directories without following a link, makes it if it is missing, refuses it if others could have put things into it or could
// put another in its place, gives it its mode, and takes its lock.
func openDirectory(path string, mode fs.FileMode) (*directory, error) {
	bad := func(err error) error { return fault.Newf(fault.HostDir, err, "%s", path) }
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, bad(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, bad(err)
	}
	if err := checkAncestors(path); err != nil {
		return nil, bad(err)
	}
	if err := os.Mkdir(path, mode); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, bad(err)
	}
	root, err := openChecked(path)
	if err != nil {
		return nil, bad(err)
	}
	if err := root.Chmod(".", mode); err != nil {
		return nil, errors.Join(bad(err), root.Close())
	}
	lock, err := takeLock(root)
	if err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = fault.New(fault.HostLocked, nil)
		} else {
			err = bad(err)
		}
		return nil, errors.Join(err, root.Close())
	}
	return &directory{root: root, lock: lock}, nil
}

// openChecked opens a directory and checks the one it got: what Lstat saw must be what was opened, so a link or a swap in between is found.
func openChecked(path string) (*os.Root, error) {
	seen, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !seen.IsDir() {
		return nil, errors.New("not a directory, or a link to one")
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	opened, err := root.Stat(".")
	switch {
	case err != nil:
	case !os.SameFile(seen, opened):
		err = errors.New("it changed while it was opened")
	case uid(opened) != os.Geteuid():
		err = fmt.Errorf("it belongs to uid %d", uid(opened))
	case opened.Mode().Perm()&0o022 != 0:
		err = fmt.Errorf("group or others may write to it (mode %o)", opened.Mode().Perm())
	}
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return root, nil
}

// checkAncestors refuses a place where somebody else could put another directory under the name of ours: each folder above it belongs to root or to us and only
// its owner may write to it, or it is sticky. Links above it are resolved: whoever may make them there is trusted by the same rule.
func checkAncestors(path string) error {
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return err
	}
	for ; ; dir = filepath.Dir(dir) {
		info, err := os.Lstat(dir)
		if err != nil {
			return err
		}
		if owner := uid(info); owner != 0 && owner != os.Geteuid() {
			return fmt.Errorf("%s above it belongs to uid %d", dir, owner)
		}
		if info.Mode().Perm()&0o022 != 0 && info.Mode()&fs.ModeSticky == 0 {
			return fmt.Errorf("group or others may write to %s above it", dir)
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

func uid(info fs.FileInfo) int { return int(info.Sys().(*syscall.Stat_t).Uid) }

// takeLock locks the directory's lock file until the file is closed, by us or by our end.
func takeLock(root *os.Root) (*os.File, error) {
	f, err := root.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
