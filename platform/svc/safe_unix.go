//go:build unix

package svc

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// privileged is nil for root.
func privileged() error {
	if os.Geteuid() != 0 {
		return fault.New(fault.PolRoot, nil)
	}
	return nil
}

// safe is nil where nobody but root can put another program in the place of this one.
func safe(program string) error {
	for path := program; ; path = filepath.Dir(path) {
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return fault.Newf(fault.HostService, err, "%s is missing: install both programs in one folder", path)
		}
		if err != nil {
			return refused(err)
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok || stat.Uid != 0 || info.Mode()&fs.ModeSymlink != 0 || !closed(info.Mode(), stat.Gid) {
			return fault.Newf(fault.HostService, nil, "others than root could replace %s", path).Hint("sudo install holdfastd holdfast /usr/local/bin/ and use them there")
		}
		if path == filepath.Dir(path) {
			return nil
		}
	}
}

// closed reports whether only root may write. Debian's group staff owns /usr/local in older releases and is trusted like root there (Debian policy 9.1.2); macOS has wheel, which is
// group 0.
func closed(mode fs.FileMode, gid uint32) bool {
	if mode&0o002 != 0 {
		return false
	}
	return mode&0o020 == 0 || gid == 0 || mode.IsDir() && isStaff(gid)
}

// isStaff is never true on macOS, where everybody is in a group of that name.
func isStaff(gid uint32) bool {
	if gid != 50 {
		return false
	}
	g, err := user.LookupGroupId(strconv.Itoa(int(gid)))
	return err == nil && g.Name == "staff"
}
