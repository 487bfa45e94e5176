// Package paths knows where things lie on each system (contract: the agent). It touches no disk.
//
//	         state                                          runtime                                     profiles
//	Linux    /var/lib/holdfast                              /run/holdfast                               /etc/holdfast/profile
//	macOS    /Library/Application Support/Holdfast/state    /var/run/holdfast                           /Library/Application Support/Holdfast/profile
//	Windows  %ProgramData%\Holdfast\state                   %ProgramData%\Holdfast\run                  %ProgramData%\Holdfast\profile
//	others   as Linux
//
// State outlives a reboot, runtime dies with the kernel where the system has such a place. The folders of Cisco's client are imports: read, never written.
// The environment is asked for ProgramData on Windows only; an unset or relative one gives its usual place.
//
// It imports the standard library only.
package paths
