package uplink

import (
	"path/filepath"
	"syscall"

	"golang.org/x/sys/windows"
)

// What the system says when there is no connection. WSAEACCES comes from a packet filter.
var (
	refused = []syscall.Errno{windows.WSAECONNREFUSED, windows.WSAECONNRESET}
	noPath  = []syscall.Errno{windows.WSAENETDOWN, windows.WSAEADDRNOTAVAIL}
	noRoute = []syscall.Errno{windows.WSAENETUNREACH, windows.WSAEHOSTUNREACH, windows.WSAEACCES}
	silent  = []syscall.Errno{windows.WSAETIMEDOUT}
)

// hostsFile is where the system keeps its own.
func hostsFile() string {
	dir, err := windows.GetSystemDirectory()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "drivers", "etc", "hosts")
}
