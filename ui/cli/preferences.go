package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/profile"
)

func (a *app) preferencesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "preferences",
		Short: "Show and change the settings that are yours to choose",
		Long: "Show the settings that can be yours to choose, with the value in force, where it comes from, and why some are locked.\n" +
			"They are for the host that a bare connect would take. A change counts from the next connect on.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("there is no command preferences %q", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return a.showPreferences(cmd) },
	}
	set := &cobra.Command{
		Use:     "set NAME VALUE",
		Short:   "Choose a value",
		Example: "  holdfast preferences set LocalLanAccess true",
		Args:    exactly(2, "a NAME and a VALUE"),
	}
	reset := &cobra.Command{
		Use:   "reset NAME",
		Short: "Take a choice back",
		Args:  exactly(1, "a NAME"),
	}
	for c, request := range map[*cobra.Command]func([]string) ipc.Preference{
		set:   func(args []string) ipc.Preference { return ipc.Preference{Set: map[string]string{args[0]: args[1]}} },
		reset: func(args []string) ipc.Preference { return ipc.Preference{Reset: args} },
	} {
		global := c.Flags().Bool("global", false, "for all users of this machine (root only)")
		c.RunE = func(cmd *cobra.Command, args []string) error {
			r := request(args)
			r.Global = *global
			name := args[0]
			if e, ok := profile.Lookup(name); ok {
				name = e.Name()
			}
			return a.prefer(cmd, r, name)
		}
	}
	cmd.AddCommand(set, reset)
	return cmd
}

func (a *app) showPreferences(cmd *cobra.Command) error {
	p, err := a.agent().Preferences(cmd.Context())
	if err != nil {
		return err
	}
	if a.json {
		out := map[string]policyRow{}
		for _, s := range p.Settings {
			if s.User {
				out[s.Name] = policyRow{s.Value, s.Origin, s.Locked, s.Why, s.Status}
			}
		}
		printJSON(a.Out, out)
		return nil
	}
	writePreferences(a.Out, p)
	return nil
}

// writePreferences prints what is the user's to choose, and then what could be and is locked, with the reason.
func writePreferences(w io.Writer, p ipc.Policy) {
	switch {
	case p.Target == "":
		fmt.Fprint(w, "Without a profile, everything here is yours to choose.\n\n")
	case p.Profile == "":
		fmt.Fprintf(w, "For %s, which no profile has.\n\n", line(p.Target))
	default:
		fmt.Fprintf(w, "For %s of %s.\n\n", line(p.Target), line(p.Profile))
	}
	t := newTable(w)
	fmt.Fprintln(t.w, "YOURS TO CHOOSE\tVALUE\tFROM\tSTATUS")
	for _, s := range p.Settings {
		if s.User && !s.Locked {
			fmt.Fprintf(t.w, "%s\t%s\t%s\t%s\n", line(s.Name), or(line(s.Value), "-"), line(s.Origin), line(s.Status))
		}
	}
	t.end()
	why := ""
	for _, s := range p.Settings {
		if !s.User || !s.Locked {
			continue
		}
		if s.Why != why {
			t.end()
			why = s.Why
			fmt.Fprintf(w, "\nLocked: %s\n", line(why))
			t = newTable(w)
		}
		fmt.Fprintf(t.w, "  %s\t%s\t%s\n", line(s.Name), or(line(s.Value), "-"), line(s.Status))
	}
	t.end()
}

// prefer changes one value, and says what is then in force.
func (a *app) prefer(cmd *cobra.Command, r ipc.Preference, name string) error {
	if err := a.agent().Prefer(cmd.Context(), r); err != nil {
		return err
	}
	p, err := a.agent().Preferences(cmd.Context())
	if err != nil {
		return err
	}
	for _, s := range p.Settings {
		if !strings.EqualFold(s.Name, name) {
			continue
		}
		if a.json {
			printJSON(a.Out, map[string]policyRow{s.Name: {s.Value, s.Origin, s.Locked, s.Why, s.Status}})
			return nil
		}
		fmt.Fprintf(a.Out, "%s is %s (%s) from the next connect on.\n", line(s.Name), or(line(s.Value), "empty"), line(s.Origin))
		if s.Status != "honoured" {
			fmt.Fprintln(a.Out, "This version does not act on it: see docs/compatibility.md.")
		}
		return nil
	}
	return fault.New(fault.AgentProtocol, nil)
}
