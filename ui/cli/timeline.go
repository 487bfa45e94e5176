package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
)

func (a *app) timelineCommand() *cobra.Command {
	var follow bool
	var save string
	cmd := &cobra.Command{
		Use:   "timeline",
		Short: "Show what happened and why",
		Long: "Show every transition of the session: when, the phase that was entered, the event, the reason with\nits evidence, what was done, and what it cost in milliseconds.\n\n" +
			"--save writes what the agent was told and what it decided since your session began, one JSON object per line,\nwith addresses and interfaces and without any secret.",
		Example: "  holdfast timeline --follow\n  holdfast timeline --json > timeline.json\n  holdfast timeline --save lost.holdfast && holdfast replay lost.holdfast",
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if follow && save != "" {
				return usage("--follow and --save do not go together")
			}
			if save != "" {
				return a.saveRecord(cmd.Context(), save)
			}
			for e, err := range a.agent().Timeline(cmd.Context(), follow) {
				switch {
				case err != nil:
					return err
				case a.json:
					printJSON(a.Out, e)
				default:
					fmt.Fprintln(a.Out, entryLine(e))
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what happens; end with Ctrl-C")
	cmd.Flags().StringVar(&save, "save", "", "write the record to this `FILE`, for holdfast replay")
	return cmd
}

// saveRecord writes a file that only this user can read, whole or not at all.
func (a *app) saveRecord(ctx context.Context, path string) error {
	steps := 0
	err := save("--save", path, func(w io.Writer) (err error) {
		steps, err = a.agent().Recording(ctx, w)
		return err
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(a.Err, "%s written to %s; go through it with: holdfast replay %s\n", count(steps, "step"), path, path)
	return nil
}

// entryLine is an entry as one line whose columns stand under each other.
func entryLine(e ipc.Entry) string {
	text := fmt.Sprintf("%s  %-14s %-20s %9s", e.At.Local().Format("15:04:05.000"), line(e.Phase), line(e.Event), cost(e.TookMS))
	if why := because(e); why != "" {
		text += "  " + why
	}
	if len(e.Effects) > 0 {
		text += "  → " + line(strings.Join(e.Effects, ", "))
	}
	return text
}

// because is the reason with its evidence.
func because(e ipc.Entry) string {
	reason, evidence := line(e.Reason), line(e.Evidence)
	if reason == "" || evidence == "" {
		return reason + evidence
	}
	return reason + " (" + evidence + ")"
}

func cost(ms float64) string {
	switch {
	case ms == 0:
		return "-"
	case ms < 10:
		return fmt.Sprintf("%.1f ms", ms)
	case ms >= 10_000:
		return fmt.Sprintf("%.1f s", ms/1000)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

// writeWhy prints the last entries as cause, evidence, decision and cost.
func writeWhy(w io.Writer, entries []ipc.Entry) {
	fmt.Fprintln(w)
	if len(entries) == 0 {
		fmt.Fprintln(w, "Nothing has happened yet.")
		return
	}
	fmt.Fprintln(w, "What happened last:")
	for _, e := range entries {
		fmt.Fprintf(w, "  %s  %s, now %s\n", e.At.Local().Format("15:04:05.000"), line(e.Event), line(e.Phase))
		t := newTable(w)
		t.row("                cause", line(e.Cause()))
		t.row("                evidence", line(e.Evidence))
		t.row("                decision", strings.TrimSpace(line(e.Decision())+prefixed("  → ", line(strings.Join(e.Effects, ", ")))))
		if e.TookMS > 0 {
			t.row("                cost", cost(e.TookMS))
		}
		t.end()
	}
}
