//go:build unix

package browser

import (
	"errors"
	"os/exec"
	"syscall"
)

// detach gives a program a session of its own: what is typed at our terminal, Ctrl-C for one, is not for the browser.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// absent reports whether listening failed because this machine does not have the address.
func absent(err error) bool {
	return errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)
}
