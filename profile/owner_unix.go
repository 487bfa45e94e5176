//go:build unix

package profile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// trusted reports why a file, or what is in a directory, may have been written by somebody else.
func trusted(info fs.FileInfo) error {
	if info.Mode().Perm()&0o022 != 0 {
		return errors.New("group or others may write it")
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || (st.Uid != 0 && int(st.Uid) != os.Geteuid()) {
		return errors.New("it belongs to another user")
	}
	return nil
}
