package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/profile"
)

func (a *app) profileCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "profile",
		Short: "Check an AnyConnect profile, or show what it means",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("there is no command profile %q", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	check := &cobra.Command{
		Use:   "check FILE",
		Short: "Say whether a profile can be used and what in it cannot",
		Args:  exactly(1, "a FILE"),
		RunE:  func(_ *cobra.Command, args []string) error { return a.checkProfile(args[0]) },
	}
	show := &cobra.Command{
		Use:   "show [FILE]",
		Short: "Show every setting with its value and where that comes from",
		Long:  "Show every setting with its value, where that comes from, and whether this version acts on it.\nWithout FILE it is the installed profile that holds the first host, as a bare connect uses it.",
		Args:  atMost(1),
		RunE:  func(_ *cobra.Command, args []string) error { return a.showProfile(args) },
	}
	cmd.AddCommand(check, show)
	return cmd
}

// readProfile reads a file that the user names, with the user's rights.
func readProfile(path string) (*profile.Profile, []profile.Warning, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fault.Newf(fault.UseBad, err, "%v", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, profile.MaxSize+1))
	if err != nil {
		return nil, nil, fault.Newf(fault.ProfInvalid, err, "%v", err)
	}
	return profile.ParseFile(filepath.Base(path), data)
}

func (a *app) checkProfile(path string) error {
	p, warnings, err := readProfile(path)
	if err != nil {
		return err
	}
	if a.json {
		texts := []string{}
		for _, w := range warnings {
			texts = append(texts, w.String())
		}
		printJSON(a.Out, struct {
			Valid    bool     `json:"valid"`
			Hosts    int      `json:"hosts"`
			Warnings []string `json:"warnings"`
		}{true, len(p.Hosts), texts})
		return nil
	}
	for _, w := range warnings {
		fmt.Fprintf(a.Out, "warning: %s\n", w)
	}
	fmt.Fprintf(a.Out, "%s can be used: %s, %s.\n", p.File, count(len(p.Hosts), "host"), count(len(warnings), "warning"))
	if n := idle(p); n > 0 {
		fmt.Fprintf(a.Out, "Without effect in this version: %s. See them with: holdfast profile show %s\n", count(n, "setting"), line(path))
	}
	return nil
}

// idle counts what the profile sets and this version does not act on.
func idle(p *profile.Profile) int {
	n := 0
	for _, r := range profile.Effective(p) {
		if r.Origin != profile.OriginDefault && r.Status == profile.NotYet {
			n++
		}
	}
	return n
}

func (a *app) showProfile(args []string) error {
	var p *profile.Profile
	if len(args) == 1 {
		var err error
		if p, _, err = readProfile(args[0]); err != nil {
			return err
		}
	} else {
		p = a.installed()
	}
	if a.json {
		printJSON(a.Out, policyJSON(p))
		return nil
	}
	writePolicy(a.Out, p)
	return nil
}

// installed is the profile that holds the first host, else the first one, else nil. What is wrong with the others is the agent's log's to say.
func (a *app) installed() *profile.Profile {
	store, _ := profile.Load(a.deps.ProfileDirs...)
	if len(store.Profiles) == 0 {
		return nil
	}
	chosen := store.Profiles[0]
	if hosts := store.Hosts(); len(hosts) > 0 {
		if _, p, ok := store.Find(hosts[0].Name); ok {
			chosen = p
		}
	}
	for _, p := range store.Profiles {
		if p != chosen {
			fmt.Fprintf(a.Err, "note: there is also %s; give its path to see it\n", p.File)
		}
	}
	return chosen
}

// policyRow is one element of `profile show --json`.
type policyRow struct {
	Value  string `json:"value"`
	Origin string `json:"origin"`
	Locked bool   `json:"locked"`
	Status string `json:"status"`
}

func policyJSON(p *profile.Profile) map[string]policyRow {
	out := map[string]policyRow{}
	for _, r := range profile.Effective(p) {
		out[r.Name] = policyRow{r.Value, r.Origin, r.Locked, r.Status.String()}
	}
	return out
}

func writePolicy(w io.Writer, p *profile.Profile) {
	if p == nil {
		fmt.Fprint(w, "No profile is installed: these are the values without one.\n\n")
	}
	t := newTable(w)
	fmt.Fprintln(t.w, "ELEMENT\tVALUE\tORIGIN\tLOCKED\tSTATUS")
	var rest []profile.Row // paths: they would make the first column wide
	for _, r := range profile.Effective(p) {
		if strings.Contains(r.Name, "/") {
			rest = append(rest, r)
			continue
		}
		locked := "no"
		if r.Locked {
			locked = "yes"
		}
		fmt.Fprintf(t.w, "%s\t%s\t%s\t%s\t%s\n", r.Name, or(r.Value, "-"), r.Origin, locked, r.Status)
	}
	t.end()
	if len(rest) > 0 {
		fmt.Fprint(w, "\nAlso in the profile, not yet in force:\n")
	}
	for _, r := range rest {
		fmt.Fprintf(w, "%s = %s\n", r.Name, or(r.Value, "-"))
	}
	if p == nil || len(p.Hosts) == 0 {
		return
	}
	fmt.Fprintln(w)
	t = newTable(w)
	fmt.Fprintln(t.w, "HOST\tGATEWAY\tPROTOCOL\tBACKUPS")
	for _, h := range p.Hosts {
		backups := ""
		for _, b := range h.Backups {
			backups += " " + b.String()
		}
		protocol := string(h.Protocol)
		if h.Protocol == profile.IPsec {
			protocol += " (not yet)"
		}
		fmt.Fprintf(t.w, "%s\t%s\t%s\t%s\n", h.Name, h.Target, protocol, or(backups, " -")[1:])
	}
	t.end()
}
