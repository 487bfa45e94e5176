package native

import (
	"log/slog"

	"github.com/holdfast-vpn/holdfast/platform"
)

// Options of Host; all but Keeper are needed.
type Options struct {
	StateDir   string // survives a reboot
	RuntimeDir string // dies with the kernel
	Log        *slog.Logger
	Keeper     platform.Keeper // of the device's descriptor; nil where nobody keeps it
}

// Host opens the machine. The error is a *fault.Error: HOST-005 while another agent has it, HOST-006 for directories that are not safe, HOST-007 on a system that has
// no host yet. Close ends it; changes that are still in place stay in the journal for the next one.
func Host(o Options) (*platform.Host, error) { return host(o) }

// Guest returns a dialer for a process that has no privilege and changes nothing. It asks the name servers that the machine's own network has where it may know them,
// by the journal in stateDir, else those that any program asks. Nothing keeps its connections out of a tunnel.
func Guest(stateDir string) platform.Dialer { return guest(stateDir) }
