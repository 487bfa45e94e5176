package cli

import (
	"fmt"
	"io"
	"os"
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
	}
	all := cmd.Flags().Bool("all", false, "show every value in force, also those that are never a user's")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.showPreferences(cmd, *all) }
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
	cmd.AddCommand(set, reset, a.importPreferencesCommand())
	return cmd
}

func (a *app) showPreferences(cmd *cobra.Command, all bool) error {
	p, err := a.agent().Preferences(cmd.Context())
	if err != nil {
		return err
	}
	if a.json {
		out := map[string]policyRow{}
		for _, s := range p.Settings {
			if s.User || all {
				out[s.Name] = policyRow{s.Value, s.Origin, s.Locked, s.Why, s.Status}
			}
		}
		printJSON(a.Out, out)
		return nil
	}
	switch {
	case p.Target == "":
		fmt.Fprint(a.Out, "Without a profile, everything that can be is yours to choose.\n\n")
	case p.Profile == "":
		fmt.Fprintf(a.Out, "For %s, which no profile has.\n\n", line(p.Target))
	default:
		fmt.Fprintf(a.Out, "For %s of %s.\n\n", line(p.Target), line(p.Profile))
	}
	if all {
		writeRows(a.Out, p.Settings)
	} else {
		writePreferences(a.Out, p)
	}
	return nil
}

// importPreferencesCommand takes over what the user chose in Cisco's client. Host, group and user name are not taken: they are remembered after the first connect.
func (a *app) importPreferencesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "import [FILE]",
		Short: "Take over what you chose in Cisco's client",
		Long:  "Choose what you had chosen in Cisco's client, where the profile leaves it to you. Without FILE it is the preferences file of that client in your home directory.",
		Args:  atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, data, err := a.preferencesFile(args)
			if err != nil {
				return err
			}
			chosen, _, err := profile.ParsePreferences(data, profile.OriginUser)
			if err != nil {
				return err
			}
			type row struct {
				Name   string `json:"name"`
				Value  string `json:"value"`
				Result string `json:"result"` // chosen, or why not
			}
			rows := []row{}
			for _, c := range chosen.Choices() {
				r := row{c.Name, c.Value, "chosen"}
				err := a.agent().Prefer(cmd.Context(), ipc.Preference{Set: map[string]string{c.Name: c.Value}})
				switch f := fault.As(err); {
				case err != nil && f.Code != fault.PolLocked:
					return err
				case err != nil:
					r.Result = "locked"
				}
				rows = append(rows, r)
			}
			if a.json {
				printJSON(a.Out, map[string]any{"preferences": rows})
				return nil
			}
			fmt.Fprintf(a.Out, "From %s:\n", line(path))
			t := newTable(a.Out)
			for _, r := range rows {
				fmt.Fprintf(t.w, "  %s\t%s\t%s\n", line(r.Name), line(r.Value), r.Result)
			}
			t.end()
			if len(rows) == 0 {
				fmt.Fprintln(a.Out, "  nothing was chosen there")
			}
			return nil
		},
	}
}

// preferencesFile reads the file that args name, else the first of Cisco's that is there.
func (a *app) preferencesFile(args []string) (string, []byte, error) {
	if len(args) == 1 {
		data, err := readXML(args[0])
		return args[0], data, err
	}
	for _, path := range a.deps.PreferenceFiles {
		if _, err := os.Stat(path); err == nil {
			data, err := readXML(path)
			return path, data, err
		}
	}
	return "", nil, usage("Cisco's client has left no preferences here; give the FILE")
}

// writePreferences prints what is the user's to choose, and then what could be and is locked, with the reason.
func writePreferences(w io.Writer, p ipc.Policy) {
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
