package tray

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/windows"
)

// takeLock takes a lock that ends with the process.
func takeLock(path string) (io.Closer, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, new(windows.Overlapped))
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return nil, errTaken
	}
	return nil, err
}

// ours reports a folder that is this user's alone. Nothing on this system names one.
func ours(string) bool { return false }
