package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/ui/statistics"
)

func (a *app) statsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "stats",
		Short: "Show the session's statistics",
		Long:  "Show the session's statistics under the section and row names that AnyConnect users know.",
		Args:  none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.agent().Stats(cmd.Context())
			if err != nil {
				return err
			}
			sections := statistics.Of(s, time.Now())
			if a.json {
				printJSON(a.Out, statsJSON(sections))
				return nil
			}
			writeStats(a.Out, sections)
			return nil
		},
	}
}

func writeStats(w io.Writer, sections []statistics.Section) {
	for _, s := range sections {
		if s.Rows == nil && len(s.Routes) == 0 {
			continue
		}
		fmt.Fprintf(w, "[ %s ]\n\n", s.Name)
		for _, r := range s.Rows {
			fmt.Fprintf(w, "    %-29s %s\n", r.Name+":", r.Value)
		}
		if len(s.Routes) > 0 {
			fmt.Fprintf(w, "    %-29s %s\n", "Network", "Subnet")
		}
		for _, r := range s.Routes {
			network, bits, _ := strings.Cut(r, "/")
			fmt.Fprintf(w, "    %-29s %s\n", network, bits)
		}
		fmt.Fprintln(w)
	}
}

// statsJSON is {section: {row: value}}, tables of routes as lists.
func statsJSON(sections []statistics.Section) map[string]any {
	out := map[string]any{}
	for _, s := range sections {
		if s.Rows == nil {
			out[s.Name] = append([]string{}, s.Routes...)
			continue
		}
		rows := map[string]string{}
		for _, r := range s.Rows {
			rows[r.Name] = r.Value.String()
		}
		out[s.Name] = rows
	}
	return out
}

func or(s, instead string) string {
	if s == "" {
		return instead
	}
	return s
}

func (a *app) hostsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "hosts",
		Short: "List the hosts of the profiles",
		Args:  none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			hosts, err := a.agent().Hosts(cmd.Context())
			if err != nil {
				return err
			}
			if a.json {
				for _, h := range hosts {
					printJSON(a.Out, h)
				}
				return nil
			}
			writeHosts(a.Out, hosts)
			if len(hosts) == 0 && len(a.deps.ProfileDirs) > 0 {
				fmt.Fprintf(a.Err, "note: no profile names a host; an administrator puts profiles into %s\n", a.deps.ProfileDirs[0])
			}
			return nil
		},
	}
}

// writeHosts prints the list as such clients do; a name that two profiles have is told apart by its profile.
func writeHosts(w io.Writer, hosts []ipc.HostEntry) {
	seen := map[string]int{}
	for _, h := range hosts {
		seen[h.Name]++
	}
	fmt.Fprint(w, "[hosts]:\n\n")
	for _, h := range hosts {
		text := line(h.Name)
		if seen[h.Name] > 1 && h.Profile != "" {
			text += " (" + line(h.Profile) + ")"
		}
		fmt.Fprintf(w, "    > %s\n", text)
	}
}
