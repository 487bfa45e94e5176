// Package svc makes the agent a service of the system: installs it, removes it, starts and stops it, and runs it where the system wants to be answered.
//
//	holdfastd install|uninstall|start|stop|restart|status --> Manager --kardianos/service--> systemd, launchd, the service control manager
//	holdfastd run --> Run --> the agent's life, ended by ctx
//	                   '-- Windows, as a service: Stop, Shutdown and PreShutdown end ctx, and the manager is told how far we are
//
// Linux needs systemd. What is installed are the units of the Debian package (platform/package/units) with the paths of this program and of holdfast beside it, under a first line that says
// whose they are; only files with that line are ever overwritten or removed. Where a package has brought its unit, install and uninstall refuse and name what to do; the other verbs work
// on whatever unit there is.
//
// A service runs as root or SYSTEM from then on, so the program must be one that nobody else can replace: on Unix it and the folders above it belong to root and nobody else may write to them (the group
// staff of Debian's /usr/local is root's equal by policy); on Windows it is below %ProgramFiles%. Anything else is refused.
//
// Errors are *fault.Error: POL-003 without privilege (status needs none), HOST-011 for what the system refuses, HOST-012 where a package has the service, HOST-013 where there is none.
//
// Plan (plan.go) is pure and has tests for all systems on any of them. Run starts one goroutine on Windows and waits for it. The package imports platform/package/units, dart/fault and
// kardianos/service.
package svc
