package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

func (a *app) debugCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "debug", Short: "Look into the agent, for those who work on it", Args: none, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(a.debugProfileCommand())
	return cmd
}

func (a *app) debugProfileCommand() *cobra.Command {
	var req ipc.ProfilingRequest
	var out string
	cmd := &cobra.Command{
		Use:   "profile",
		Short: "Measure where the agent's processor time goes",
		Long: "Have the agent take a processor profile of itself, and write it to a file for \"go tool pprof\".\n" +
			"It holds names of functions and how often each was at work, and no data. It needs root.",
		Example: "  sudo holdfast debug profile --seconds 5 -o agent.pprof\n  go tool pprof -top agent.pprof",
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if req.Seconds < 1 || req.Seconds > ipc.MaxProfiling {
				return usage("--seconds is from 1 to %d", ipc.MaxProfiling)
			}
			if out == "" {
				return usage("-o FILE is missing")
			}
			if err := save("-o", out, func(w io.Writer) error { return a.agent().Profile(cmd.Context(), req, w) }); err != nil {
				return err
			}
			fmt.Fprintf(a.Err, "written to %s\n", out)
			return nil
		},
	}
	cmd.Flags().IntVar(&req.Seconds, "seconds", 5, "how long to measure")
	cmd.Flags().StringVarP(&out, "output", "o", "", "the `FILE` to write")
	return cmd
}

// save writes a file that only this user can read, whole or not at all. flag is what named it.
func save(flag, path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".holdfast-*") // mode 0600
	if err != nil {
		return fault.Newf(fault.UseBad, err, "%s: %v", flag, err)
	}
	failed := write(f)
	if err := f.Close(); failed == nil && err == nil {
		failed = os.Rename(f.Name(), path)
	} else {
		failed = errors.Join(failed, err)
	}
	if failed == nil {
		return nil
	}
	_ = os.Remove(f.Name())
	if known := (*fault.Error)(nil); errors.As(failed, &known) {
		return known
	}
	return fault.Newf(fault.UseBad, failed, "%s: %v", flag, failed)
}
