package agent

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform/localsock"
	"github.com/holdfast-vpn/holdfast/profile"
)

// fileName is what an imported profile may be called: a plain name, no path, nothing hidden.
var fileName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9 ._()-]{0,120}\.[xX][mM][lL]$`)

// Import implements ipc.Policies. The profile is kept byte for byte; one that cannot be used is not taken. A profile.PolicyFile becomes the machine's local policy.
func (a *Agent) Import(_ context.Context, p localsock.Peer, r ipc.ImportRequest) (ipc.Imported, error) {
	switch {
	case !p.Root:
		return ipc.Imported{}, fault.New(fault.PolRoot, nil)
	case a.cfg.ProfileDir == "":
		return ipc.Imported{}, fault.Newf(fault.UseNotYet, nil, "this agent has no directory for profiles")
	case !fileName.MatchString(r.Name):
		return ipc.Imported{}, fault.Newf(fault.UseBad, nil, "%q is no plain name of an .xml file", fault.Clean(r.Name))
	}
	done, err := examine(r)
	if err != nil {
		return ipc.Imported{}, err
	}
	path := filepath.Join(a.cfg.ProfileDir, r.Name)
	old, err := os.ReadFile(path) // in a directory of root's: nobody else chooses what that is
	switch {
	case err == nil && bytes.Equal(old, r.Content):
		done.Result = "unchanged"
		return done, nil
	case err == nil && !r.Replace:
		return ipc.Imported{}, fault.Newf(fault.ProfThere, nil, "%s", r.Name)
	case err == nil:
		done.Result = "replaced"
	case !errors.Is(err, fs.ErrNotExist):
		return ipc.Imported{}, fault.New(fault.HostDir, err)
	}
	err = os.MkdirAll(a.cfg.ProfileDir, 0o755)
	if err == nil {
		err = writeWhole(path, r.Content, 0o644)
	}
	if err != nil {
		return ipc.Imported{}, fault.New(fault.HostDir, err)
	}
	a.cfg.Log.Info("a profile was imported", "file", r.Name, "result", done.Result)
	return done, nil
}

// examine reads what is to be imported.
func examine(r ipc.ImportRequest) (ipc.Imported, error) {
	done := ipc.Imported{Result: "imported"}
	var warnings []profile.Warning
	var err error
	if strings.EqualFold(r.Name, profile.PolicyFile) {
		_, warnings, err = profile.ParsePolicy(r.Content)
	} else {
		var p *profile.Profile
		if p, warnings, err = profile.Parse(r.Content); p != nil {
			done.Hosts = len(p.Hosts)
		}
	}
	for _, w := range warnings {
		done.Warnings = append(done.Warnings, w.String())
	}
	return done, err
}
