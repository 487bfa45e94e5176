//go:build unix

package resolvconf

import (
	"errors"
	"io/fs"
	"syscall"
)

// openNonblock keeps open from waiting for the other end of a pipe; openNoFollow refuses a link.
const (
	openNonblock = syscall.O_NONBLOCK
	openNoFollow = syscall.O_NOFOLLOW
)

func owner(info fs.FileInfo) (uid, gid int) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid), int(st.Gid)
	}
	return 0, 0
}

// unmovable reports that a file cannot be renamed over: it is a mount point, or its folder is read-only.
func unmovable(err error) bool {
	return errors.Is(err, syscall.EBUSY) || errors.Is(err, syscall.EROFS)
}
