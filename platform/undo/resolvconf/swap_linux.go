package resolvconf

import (
	"errors"

	"golang.org/x/sys/unix"
)

// swap exchanges two files in one step and reports whether it could: not when one of them does not exist, nor on a file system that cannot.
func swap(a, b string) (bool, error) {
	err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
	for _, cannot := range []error{unix.ENOENT, unix.EINVAL, unix.ENOSYS} {
		if errors.Is(err, cannot) {
			return false, nil
		}
	}
	return err == nil, err
}
