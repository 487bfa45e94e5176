package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// harden keeps the memory of this process, where tokens are, out of core files and away from debuggers of the same user.
func harden() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("core files could not be turned off: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("the process stays dumpable: %w", err)
	}
	return nil
}
