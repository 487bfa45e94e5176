//go:build unix

package demo

import (
	"os/signal"
	"syscall"
)

// aside lets a gateway that runs in a shell's background be one: its terminal, which is not its own then, has nothing to read for it, in place of stopping it (SIGTTIN, termios(3)).
func aside() { signal.Ignore(syscall.SIGTTIN) }
