package cli

import (
	"errors"
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
		Use:   "show [FILE|NAME|HOST]",
		Short: "Show every setting with its value and where that comes from",
		Long: "Show every setting with its value, where that comes from, and whether this version acts on it.\n" +
			"Without an argument these are the values that a bare connect would have, your preferences included. Else they are those of\n" +
			"a profile alone: a FILE, an installed one by its NAME, or the one that holds a HOST.",
		Args: atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.showInForce(cmd.Context())
			}
			return a.showProfile(args[0])
		},
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
