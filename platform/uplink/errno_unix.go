//go:build unix

package uplink

import "syscall"

// What the system says when there is no connection. EACCES and EPERM come from a prohibit route or a packet filter.
var (
	refused = []syscall.Errno{syscall.ECONNREFUSED, syscall.ECONNRESET}
	noPath  = []syscall.Errno{syscall.ENODEV, syscall.ENETDOWN, syscall.EADDRNOTAVAIL}
	noRoute = []syscall.Errno{syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.EACCES, syscall.EPERM}
	silent  = []syscall.Errno{syscall.ETIMEDOUT}
)

// hostsFile is hosts(5).
func hostsFile() string { return "/etc/hosts" }
