package main

import (
	"fmt"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/platform/systemd"
)

// serviceManager is the only variable that the agent reads from here on.
const serviceManager = systemd.Socket

// harden keeps the memory of this process, where tokens are, out of core files and away from debuggers of the same user. It forgets the environment, from which the
// standard library would take roots to trust (SSL_CERT_FILE) and old cryptography (GODEBUG). A reader of the log that goes away does not take the agent with it: without that, a
// write to standard output or standard error ends a Go program by SIGPIPE, and nothing of the host is taken back.
func harden() error {
	notify := os.Getenv(serviceManager)
	os.Clearenv()
	if notify != "" {
		if err := os.Setenv(serviceManager, notify); err != nil {
			return err
		}
	}
	signal.Ignore(unix.SIGPIPE)
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("core files could not be turned off: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("the process stays dumpable: %w", err)
	}
	return nil
}
