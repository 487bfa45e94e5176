//go:build unix

package vault

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// alone refuses a file that is not a plain one of this process's user alone.
func alone(info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.Mode().IsRegular():
		return errors.New("it is no plain file")
	case !ok || int(st.Uid) != os.Geteuid():
		return errors.New("it belongs to somebody else")
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("others may use it (mode %o)", info.Mode().Perm())
	case st.Nlink != 1:
		return errors.New("it has another name, too")
	}
	return nil
}
