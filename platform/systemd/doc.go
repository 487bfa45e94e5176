// Package systemd is what the agent says to the service manager that runs it, and what it asks it.
//
//	Notify       sd_notify(3): one datagram to the socket in NOTIFY_SOCKET
//	Store        the file descriptor store: the tunnel device's descriptor stays open in systemd while the agent is restarted (sd_pid_notify_with_fds(3), sd_listen_fds(3))
//	Restarting   whether the job that ends this process is a restart
//
// With its descriptor in the store the device never loses its carrier: systemd-resolved goes on using the tunnel's servers, and what was sent meanwhile waits in it. systemd gives
// the store up when the unit is stopped; a link that was deleted drops out of it by itself. Without systemd, or where it says nothing, all of it does nothing.
//
// Inherit must be called before the environment is cleared. It imports golang.org/x/sys, godbus and platform/sysbus, starts no goroutine, and outside Linux does nothing.
package systemd
