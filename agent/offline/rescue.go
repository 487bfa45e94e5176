package offline

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/holdfast-vpn/holdfast/agent/vault"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform/undo"
)

// Rescue undoes every change of ours to this machine, by the journal in the two directories and by our tags, discards the session that an agent may have left, and names each on out. Nothing to undo is no
// error and is said. It needs root (POL-003), and is refused while an agent holds the journal (HOST-005). HOST-004 names what is left.
func Rescue(ctx context.Context, stateDir, runtimeDir string, out io.Writer) error {
	if os.Geteuid() > 0 { // -1 where there are no user ids: there the journal itself says what this system can do
		return fault.New(fault.PolRoot, nil)
	}
	kept := vault.New(stateDir, runtimeDir)
	return rescue(ctx, out, func() (journal, error) { return undo.Open(stateDir, runtimeDir, undo.Options{}) }, kept.Discard)
}

// journal is the part of undo.Journal that a rescue needs.
type journal interface {
	Recover(ctx context.Context) ([]string, error)
	Close() error
}

// rescue discards the session that was kept before it undoes anything: what no agent can take up any more needs no device.
func rescue(ctx context.Context, out io.Writer, open func() (journal, error), discard func() (bool, error)) (err error) {
	j, err := open()
	if err != nil {
		return err
	}
	defer func() {
		if cerr := j.Close(); err == nil && cerr != nil {
			err = fault.New(fault.HostUndo, cerr)
		}
	}()
	had, kept := discard()
	undone, err := j.Recover(ctx)
	if had {
		undone = append([]string{"the session that was kept"}, undone...)
	}
	if err == nil && kept != nil {
		err = fault.New(fault.HostUndo, kept)
	}
	for _, what := range undone {
		if _, werr := fmt.Fprintln(out, "undone:", what); werr != nil && err == nil {
			err = werr
		}
	}
	if err == nil && len(undone) == 0 {
		_, err = fmt.Fprintln(out, "nothing to undo")
	}
	return err
}
