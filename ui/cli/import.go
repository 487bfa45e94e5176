package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/profile"
)

// candidate is a file that is to be imported, and what came or would come of it.
type candidate struct {
	path string
	data []byte

	File   string `json:"file"`
	Hosts  int    `json:"hosts"`
	Result string `json:"result"` // new, imported, replaced, unchanged, differs, failed
	Detail string `json:"detail,omitempty"`
}

func (a *app) importCommand() *cobra.Command {
	var dry, replace bool
	cmd := &cobra.Command{
		Use:   "import [FILE|DIRECTORY ...]",
		Short: "Copy profiles, those of Cisco's client by default, into this machine's",
		Long: "Copy profiles byte for byte into this machine's, where they count for all users; that needs root.\n" +
			"Without FILE they are those of Cisco's client and its local policy. Files are read by this command, with your rights;\n" +
			"the agent gets bytes and checks them. A file that is already there is left alone; another one of that name needs --replace.",
		Example: "  holdfast profile import --dry-run\n  sudo holdfast profile import\n  sudo holdfast profile import corp.xml",
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := a.candidates(args)
			if err != nil {
				return err
			}
			var failed error
			for i := range list {
				c := &list[i]
				if dry {
					c.weigh(a.deps.ProfileDirs, replace)
				} else if err := a.importOne(cmd, c, replace); err != nil && failed == nil {
					failed = err
					c.Detail = "" // said at the end, with what to do about it
				}
			}
			a.writeImport(list, dry)
			return failed
		},
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "say what would be done, and do nothing")
	cmd.Flags().BoolVar(&replace, "replace", false, "replace a profile of that name that has other contents")
	return cmd
}

// candidates reads the files that args name. Of a directory that is every *.xml in it.
func (a *app) candidates(args []string) ([]candidate, error) {
	byDefault := len(args) == 0
	if byDefault {
		args = append(slices.Clone(a.deps.ProfileDirs[min(1, len(a.deps.ProfileDirs)):]), a.deps.PolicyFiles...)
	}
	var list []candidate
	for _, arg := range args {
		paths := []string{arg}
		info, err := os.Stat(arg)
		switch {
		case byDefault && errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, fault.Newf(fault.UseBad, err, "%v", err)
		case info.IsDir():
			if paths, err = xmlIn(arg); err != nil {
				return nil, err
			}
		}
		for _, path := range paths {
			name := filepath.Base(path)
			if slices.ContainsFunc(list, func(c candidate) bool { return byDefault && c.File == name }) {
				continue // the newer of Cisco's folders comes first
			}
			data, err := readXML(path)
			if err != nil {
				return nil, err
			}
			list = append(list, candidate{path: path, data: data, File: name})
		}
	}
	return list, nil
}

func xmlIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fault.Newf(fault.UseBad, err, "%v", err)
	}
	var paths []string
	for _, e := range entries {
		if !e.IsDir() && strings.EqualFold(filepath.Ext(e.Name()), ".xml") {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return paths, nil
}

// weigh says what an import would do: own is where profiles go, and then where else they are read.
func (c *candidate) weigh(dirs []string, replace bool) {
	var err error
	if strings.EqualFold(c.File, profile.PolicyFile) {
		_, _, err = profile.ParsePolicy(c.data)
	} else {
		var p *profile.Profile
		if p, _, err = profile.ParseFile(c.File, c.data); p != nil {
			c.Hosts = len(p.Hosts)
		}
	}
	if err != nil {
		c.Result, c.Detail = "failed", fault.As(err).Sentence()
		return
	}
	c.Result = "new"
	if len(dirs) == 0 {
		return
	}
	switch old, err := os.ReadFile(filepath.Join(dirs[0], c.File)); {
	case err != nil:
	case bytes.Equal(old, c.data):
		c.Result = "unchanged"
	case replace:
		c.Result = "replaced"
	default:
		c.Result, c.Detail = "differs", "another profile of that name is installed: --replace takes this one"
	}
}

// importOne sends one file to the agent.
func (a *app) importOne(cmd *cobra.Command, c *candidate, replace bool) error {
	err := error(nil)
	if len(c.data) > ipc.MaxProfile {
		err = fault.Newf(fault.ProfInvalid, nil, "%s is larger than %d KiB", c.File, ipc.MaxProfile>>10).Hint("copy it into " + first(a.deps.ProfileDirs) + " yourself, as root")
	}
	var done ipc.Imported
	if err == nil {
		done, err = a.agent().Import(cmd.Context(), ipc.ImportRequest{Name: c.File, Content: c.data, Replace: replace})
	}
	if err != nil {
		f := fault.As(err)
		c.Result, c.Detail = "failed", f.Sentence()
		return f
	}
	c.Result, c.Hosts = done.Result, done.Hosts
	if n := len(done.Warnings); n > 0 {
		c.Detail = count(n, "warning") + ": see holdfast profile check " + line(c.path)
	}
	return nil
}

func (a *app) writeImport(list []candidate, dry bool) {
	if a.json {
		if list == nil {
			list = []candidate{}
		}
		printJSON(a.Out, struct {
			Files []candidate `json:"files"`
		}{list})
		return
	}
	if len(list) == 0 {
		fmt.Fprintln(a.Out, "Nothing to import: there is no profile. Cisco's client would have them in:")
		for _, dir := range a.deps.ProfileDirs[min(1, len(a.deps.ProfileDirs)):] {
			fmt.Fprintf(a.Out, "  %s\n", dir)
		}
		return
	}
	t := newTable(a.Out)
	fmt.Fprintln(t.w, "FILE\tHOSTS\tRESULT")
	for _, c := range list {
		fmt.Fprintf(t.w, "%s\t%d\t%s\n", line(c.File), c.Hosts, c.Result)
	}
	t.end()
	for _, c := range list {
		if c.Detail != "" {
			fmt.Fprintf(a.Out, "%s: %s\n", line(c.File), line(c.Detail))
		}
	}
	if dry {
		fmt.Fprintf(a.Out, "Nothing was changed. They would go to %s.\n", first(a.deps.ProfileDirs))
	}
}

func (a *app) exportCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "export [NAME]",
		Short: "Write an installed profile, byte for byte",
		Long:  "Write an installed profile to standard output or a new file, byte for byte as it was imported.\nNAME is its file's name, as holdfast hosts --json shows it; without it there must be one profile only.",
		Args:  atMost(1),
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := a.named(args)
			if err != nil {
				return err
			}
			if out == "" {
				_, err := a.Out.Write(p.Bytes())
				return err
			}
			f, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
			if err == nil {
				_, err = f.Write(p.Bytes())
				err = errors.Join(err, f.Close())
			}
			if err != nil {
				return fault.Newf(fault.UseBad, err, "%v", err)
			}
			fmt.Fprintf(a.Err, "%s is written to %s\n", p.File, line(out))
			return nil
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "write to a new `FILE`")
	return cmd
}

// named finds an installed profile.
func (a *app) named(args []string) (*profile.Profile, error) {
	store, _ := profile.Load(a.deps.ProfileDirs...)
	var names []string
	for _, p := range store.Profiles {
		if len(args) == 1 && p.File == args[0] {
			return p, nil
		}
		names = append(names, p.File)
	}
	switch {
	case len(names) == 0:
		return nil, usage("no profile is installed")
	case len(args) == 1:
		return nil, usage("there is no profile %q; there is %s", line(args[0]), strings.Join(names, ", "))
	case len(names) > 1:
		return nil, usage("say which: %s", strings.Join(names, ", "))
	}
	return store.Profiles[0], nil
}

func first(list []string) string {
	if len(list) == 0 {
		return "the profile directory"
	}
	return list[0]
}
