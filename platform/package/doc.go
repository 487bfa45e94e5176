// Package pack makes the Debian packages. Its folder cannot lend it the name, which is a word of Go.
//
//	go run ./platform/cmd/pack --arch arm64     makes dist/holdfast_VERSION_arm64.deb; so does task package
//	go run ./platform/cmd/pack holdfast-tray    makes dist/holdfast-tray_VERSION_amd64.deb, for this machine's processor: the tray needs cgo
//
// Beside the Go files, this folder holds what the packages are made of:
//
//	nfpm.yaml                  which file goes where, and the fields of the package
//	units/                     the agent, with as few rights as a session needs, and what systemd runs when it has given up on it
//	holdfast.sysusers          the group of those who may use the agent
//	postinst prerm postrm      start, restart, stop and rescue, clean up
//	tray/                      the tray: what desktops show of it, in their languages, when it starts, its manual
//
// An upgrade restarts the agent and never stops it first, so that no time is lost between the two. A removal stops it and runs the rescue while there is still a program to run; a purge
// removes what the agent kept. The version, and the time of every file, are those of the commit that is built: the same commit gives the same bytes.
//
// nfpm, which writes the package, is a tool of .tools/go.mod: nothing of the product imports it.
package pack
