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
	cmd.AddCommand(a.debugProfileCommand(), a.debugImpairCommand())
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

func (a *app) debugImpairCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "impair SPEC",
		Short: "Break the way to the gateway on purpose, to see the session survive",
		Long: "Have the agent behave as if the network were broken, for a time; then it mends by itself. Nothing of this\n" +
			"machine is changed, and only the session of Holdfast is touched. It needs root, and a session.\n\n" +
			"  dtls=drop,30s       UDP is lost\n  tls=stall,10s       the TLS connection goes dumb\n  tls=close           the TLS connection is reset\n" +
			"  link=down,3s        there is no network\n  gateway=refuse,5s   new connections are refused\n  mtu=1280,30s        longer UDP packets are lost\n" +
			"  loss=20%,30s        packets are lost\n  latency=200ms,30s   round trips take longer\n  sleep=10s           as if the machine had slept\n" +
			"  off                 all of it ends",
		Example: "  sudo holdfast debug impair dtls=drop,30s\n  holdfast timeline --follow",
		Args:    exactly(1, "a SPEC"),
		RunE: func(cmd *cobra.Command, args []string) error {
			now, err := a.agent().Impair(cmd.Context(), ipc.ImpairRequest{Spec: args[0]})
			if err != nil {
				return err
			}
			switch {
			case a.json:
				printJSON(a.Out, now)
			case len(now.Impaired) > 0:
				fmt.Fprintln(a.Out, "impaired:", list(now.Impaired))
			default:
				fmt.Fprintln(a.Out, "nothing is impaired")
			}
			return nil
		},
	}
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
