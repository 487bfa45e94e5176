package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/profile"
)

func (a *app) profileCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "profile",
		Short: "Check AnyConnect profiles, show what they mean, import and export them",
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
	cmd.AddCommand(check, show, a.importCommand(), a.exportCommand())
	return cmd
}

// readXML reads a file that the user names, with the user's rights.
func readXML(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Newf(fault.UseBad, err, "%v", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, profile.MaxSize+1))
	if err != nil {
		return nil, fault.Newf(fault.UseBad, err, "%v", err)
	}
	return data, nil
}

func readProfile(path string) (*profile.Profile, []profile.Warning, error) {
	data, err := readXML(path)
	if err != nil {
		return nil, nil, err
	}
	return profile.ParseFile(filepath.Base(path), data)
}

func (a *app) checkProfile(path string) error {
	data, err := readXML(path)
	if err != nil {
		return err
	}
	name, hosts := filepath.Base(path), 0
	p, warnings, err := profile.ParseFile(name, data)
	if errors.Is(err, profile.ErrNotProfile) {
		if _, warned, perr := profile.ParsePolicy(data); !errors.Is(perr, profile.ErrNotPolicy) {
			p, warnings, err = nil, warned, perr
		}
	}
	if err != nil {
		return err
	}
	if p != nil {
		hosts = len(p.Hosts)
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
		}{true, hosts, texts})
		return nil
	}
	for _, w := range warnings {
		writeWarning(a.Out, w)
	}
	if p == nil {
		fmt.Fprintf(a.Out, "%s is a local policy and can be used: %s.\n", line(name), count(len(warnings), "warning"))
		return nil
	}
	fmt.Fprintf(a.Out, "%s can be used: %s, %s.\n", p.File, count(hosts, "host"), count(len(warnings), "warning"))
	if n := idle(p); n > 0 {
		fmt.Fprintf(a.Out, "Without effect in this version: %s. See them with: holdfast profile show %s\n", count(n, "setting"), line(path))
	}
	return nil
}

// writeWarning says where, and on a line of its own what and how to mend it.
func writeWarning(w io.Writer, warned profile.Warning) {
	text, where := warned.Text, warned
	where.Text = ""
	if at := strings.TrimSuffix(where.String(), ": "); at != "" {
		fmt.Fprintf(w, "warning: %s\n    %s\n", line(at), line(text))
		return
	}
	fmt.Fprintf(w, "warning: %s\n", line(text))
}

// idle counts what the profile sets and this version does not act on.
func idle(p *profile.Profile) int {
	n := 0
	for _, r := range profile.Effective(nil, p).Rows() {
		if r.Origin != profile.OriginDefault && r.Status != profile.Honoured {
			n++
		}
	}
	return n
}

func (a *app) showProfile(args []string) error {
	var p *profile.Profile
	var policy *profile.Policy
	if len(args) == 1 {
		var err error
		if p, _, err = readProfile(args[0]); err != nil {
			return err
		}
	} else {
		var err error
		if p, policy, err = a.installed(); err != nil {
			return err
		}
	}
	var rows []ipc.Setting
	for _, r := range profile.Effective(policy, p).Rows() {
		rows = append(rows, ipc.Setting{Name: r.Name, Value: r.Value, Origin: r.Origin, Locked: r.Locked, Why: r.Why, User: r.User, Status: r.Status.String()})
	}
	if a.json {
		printJSON(a.Out, policyJSON(rows))
		return nil
	}
	if p == nil {
		fmt.Fprint(a.Out, "No profile is installed: these are the values without one.\n\n")
	}
	writeRows(a.Out, rows)
	if p != nil {
		writeProfileHosts(a.Out, p)
	}
	return nil
}

// installed is the profile that holds the first host, else the first one, else nil, and the machine's local policy. What is wrong with the others is the agent's log's
// to say.
func (a *app) installed() (*profile.Profile, *profile.Policy, error) {
	store, _ := profile.Load(a.deps.ProfileDirs...)
	store.LoadPolicy(a.deps.PolicyFiles...)
	policy, err := store.Policy()
	if err != nil || len(store.Profiles) == 0 {
		return nil, policy, err
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
	return chosen, policy, nil
}

// policyRow is one element of `profile show --json`.
type policyRow struct {
	Value  string `json:"value"`
	Origin string `json:"origin"`
	Locked bool   `json:"locked"`
	Why    string `json:"why,omitempty"` // it is locked
	Status string `json:"status"`
}

func policyJSON(rows []ipc.Setting) map[string]policyRow {
	out := map[string]policyRow{}
	for _, r := range rows {
		out[r.Name] = policyRow{r.Value, r.Origin, r.Locked, r.Why, r.Status}
	}
	return out
}

// longValue is how many columns a value has beside its element; a longer one stands on the next line.
const longValue = 21

// writeRows prints values under a heading for each place that they come from, so that a line fits a terminal of 80 columns: what somebody decided first, then the
// defaults. What stands in lists and groups has a path instead of a name and comes last.
func writeRows(w io.Writer, rows []ipc.Setting) {
	var origins []string
	of := map[string][]ipc.Setting{}
	var paths []ipc.Setting
	name := 0
	for _, r := range rows {
		if strings.Contains(r.Name, "/") {
			paths = append(paths, r)
			continue
		}
		if of[r.Origin] == nil && r.Origin != profile.OriginDefault {
			origins = append(origins, r.Origin)
		}
		of[r.Origin] = append(of[r.Origin], r)
		name = max(name, len(r.Name))
	}
	for i, origin := range append(origins, profile.OriginDefault) {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%-*s  %-*s  %-6s  %s\n", name, "FROM "+line(origin), longValue, "VALUE", "LOCKED", "STATUS")
		for _, r := range of[origin] {
			writeRow(w, r, name)
		}
	}
	if len(paths) > 0 {
		fmt.Fprintf(w, "\nIn lists and groups of the profile:\n")
	}
	for _, r := range paths {
		fmt.Fprintf(w, "%s\n    = %s (%s)\n", line(r.Name), or(line(r.Value), "-"), r.Status)
	}
}

func writeRow(w io.Writer, r ipc.Setting, name int) {
	locked := "no"
	if r.Locked {
		locked = "yes"
	}
	value, below := or(line(r.Value), "-"), ""
	if utf8.RuneCountInString(value) > longValue {
		value, below = "", value
	}
	fmt.Fprintf(w, "%-*s  %-*s  %-6s  %s\n", name, line(r.Name), longValue, value, locked, r.Status)
	if below != "" {
		fmt.Fprintf(w, "    %s\n", below)
	}
}

func writeProfileHosts(w io.Writer, p *profile.Profile) {
	if len(p.Hosts) == 0 {
		return
	}
	fmt.Fprintln(w)
	t := newTable(w)
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
