package sysbus

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// redial is the time between two looks at a bus that is there and of no use.
const redial = 5 * time.Second

// Await returns when it may be worth to dial again after the bus was not to be had, or has gone: when its socket appears; where there is one, or that cannot be told, after five seconds; or when ctx
// ends. A machine without a bus is not asked again and again.
func Await(ctx context.Context) { await(ctx, Path) }

func await(ctx context.Context, path string) {
	if exists(path) || !appears(ctx, path) {
		t := time.NewTimer(redial)
		defer t.Stop()
		select {
		case <-ctx.Done():
		case <-t.C:
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// appears waits until there is something at path, and reports whether it could (inotify(7)). What is watched is the nearest folder above it that there is.
func appears(ctx context.Context, path string) bool {
	for ctx.Err() == nil && !exists(path) {
		fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
		if err != nil {
			return false
		}
		f := os.NewFile(uintptr(fd), "inotify") // not blocking: the runtime's poller waits, and Close ends a Read
		stop := context.AfterFunc(ctx, func() { _ = f.Close() })
		ok := next(f, fd, path)
		stop()
		_ = f.Close()
		if !ok {
			return ctx.Err() != nil
		}
	}
	return true
}

// next waits for the next change on the way to path, or returns at once if there was one before anybody watched.
func next(f *os.File, fd int, path string) bool {
	dir := filepath.Dir(path)
	for !exists(dir) {
		dir = filepath.Dir(dir)
	}
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_CREATE|unix.IN_MOVED_TO|unix.IN_DELETE_SELF|unix.IN_MOVE_SELF); err != nil {
		return !exists(dir)
	}
	if exists(path) || dir != filepath.Dir(path) && exists(nearer(dir, path)) {
		return true
	}
	_, err := f.Read(make([]byte, 16*(unix.SizeofInotifyEvent+unix.NAME_MAX+1)))
	return err == nil
}

// nearer is the element of path below dir.
func nearer(dir, path string) string {
	for filepath.Dir(path) != dir {
		path = filepath.Dir(path)
	}
	return path
}
