package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/profile"
)

// showProfile shows what one profile means, by itself.
func (a *app) showProfile(what string) error {
	p, err := a.meant(what)
	if err != nil {
		return err
	}
	a.writeShow(settingsOf(profile.Effective(nil, p)), p)
	return nil
}

// meant is the profile of a file, else the installed one of that name, else the one that holds a host of that name.
func (a *app) meant(what string) (*profile.Profile, error) {
	if _, err := os.Stat(what); errors.Is(err, fs.ErrNotExist) {
		store, _ := profile.Load(a.deps.ProfileDirs...)
		if i := slices.IndexFunc(store.Profiles, func(p *profile.Profile) bool { return p.File == what }); i >= 0 {
			return store.Profiles[i], nil
		}
		if _, p, ok := store.Find(what); ok {
			return p, nil
		}
	}
	p, _, err := readProfile(what)
	return p, err
}

// showInForce shows what a bare connect would have. Without an agent that is what the installed profiles and the local policy say.
func (a *app) showInForce(ctx context.Context) error {
	store, _ := profile.Load(a.deps.ProfileDirs...) // what is wrong with them is the agent's log's to say
	store.LoadPolicy(a.deps.PolicyFiles...)
	now, err := a.agent().Preferences(ctx)
	if err == nil {
		i := slices.IndexFunc(store.Profiles, func(p *profile.Profile) bool { return p.File == now.Profile })
		var p *profile.Profile
		if i >= 0 {
			p = store.Profiles[i]
			now.Settings = append(now.Settings, details(p)...)
		}
		a.others(store, now.Profile)
		a.writeShow(now.Settings, p)
		return nil
	}
	if code := fault.As(err).Code; code != fault.AgentUnreachable && code != fault.AgentSilent && code != fault.AgentRefused {
		return err
	}
	policy, err := store.Policy()
	if err != nil {
		return err
	}
	fmt.Fprintln(a.Err, "note: the agent does not answer; what you chose yourself is not in this")
	p := ofFirstHost(store)
	if p != nil {
		a.others(store, p.File)
	}
	a.writeShow(settingsOf(profile.Effective(policy, p)), p)
	return nil
}

// others names the profiles that are not shown.
func (a *app) others(store *profile.Store, shown string) {
	for _, p := range store.Profiles {
		if p.File != shown {
			fmt.Fprintf(a.Err, "note: there is also %s: holdfast profile show %s\n", p.File, p.File)
		}
	}
}

// ofFirstHost is the profile that holds the first host, else the first one, else nil.
func ofFirstHost(store *profile.Store) *profile.Profile {
	if hosts := store.Hosts(); len(hosts) > 0 {
		if _, p, ok := store.Find(hosts[0].Name); ok {
			return p
		}
	}
	if len(store.Profiles) == 0 {
		return nil
	}
	return store.Profiles[0]
}

func settingsOf(v profile.Values) []ipc.Setting {
	var list []ipc.Setting
	for _, r := range v.Rows() {
		list = append(list, ipc.Setting{Name: r.Name, Value: r.Value, Origin: r.Origin, Locked: r.Locked, Why: r.Why, User: r.User, Status: r.Status.String()})
	}
	return list
}

// details are the rows of lists and groups, which the agent leaves out.
func details(p *profile.Profile) []ipc.Setting {
	return slices.DeleteFunc(settingsOf(profile.Effective(nil, p)), func(s ipc.Setting) bool { return !strings.Contains(s.Name, "/") })
}

// writeShow prints values, and the hosts of the profile that they are of; nil is none.
func (a *app) writeShow(rows []ipc.Setting, p *profile.Profile) {
	if a.json {
		printJSON(a.Out, policyJSON(rows))
		return
	}
	if p == nil {
		fmt.Fprint(a.Out, "No profile is in force: these are the values without one.\n\n")
	}
	writeRows(a.Out, rows)
	if p != nil {
		writeProfileHosts(a.Out, p)
	}
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
