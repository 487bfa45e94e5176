// Package units holds the units of systemd, for the two who install them: the Debian package, and `holdfastd install` where there is no package.
//
//	holdfastd.service          the agent, with as few rights as a session needs
//	holdfast-rescue.service    what systemd runs when it has given up on the agent
//
// It imports nothing: it is part of the agent.
package units

import _ "embed"

// Agent is holdfastd.service as the Debian package has it: the programs are in /usr/sbin and /usr/bin.
//
//go:embed holdfastd.service
var Agent string

// Rescue is holdfast-rescue.service, likewise.
//
//go:embed holdfast-rescue.service
var Rescue string
