package testenv

import (
	"errors"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

var probes = map[string]func() error{
	"netns":   probeNetns,
	"overlay": probeOverlay,
	"tun":     probeTun,
	"uid":     asRoot,
}

// probeNetns tries what Namespace will do, in a thread that is thrown away.
func probeNetns() error {
	if err := asRoot(); err != nil {
		return err
	}
	if _, err := lookProgram("ip"); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the runtime ends the thread with the goroutine
		done <- unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNET | unix.CLONE_NEWNS)
	}()
	return <-done
}

// probeOverlay asks whether the kernel has overlayfs.
func probeOverlay() error {
	b, err := os.ReadFile("/proc/filesystems")
	if err != nil {
		return err
	}
	if !strings.Contains(string(b), "\toverlay\n") {
		return errors.New("the kernel has no overlayfs")
	}
	return nil
}

// probeTun opens the device and makes no interface.
func probeTun() error {
	f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return f.Close()
}
