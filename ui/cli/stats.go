package cli

import (
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
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
			sections := statistics(s, time.Now())
			if a.json {
				printJSON(a.Out, statsJSON(sections))
				return nil
			}
			writeStats(a.Out, sections)
			return nil
		},
	}
}

const notAvailable = "Not Available"

// section is a heading and its rows, or a table of routes.
type section struct {
	name   string
	rows   [][2]string
	routes []string // CIDR; nil where the section is no table
}

// statistics lays the numbers out. What this version does not have is shown as not available, disabled or none, as users of such output expect every row.
func statistics(st ipc.Stats, now time.Time) []section {
	s := st.State
	var c ipc.Counters
	if s.Counters != nil {
		c = *s.Counters
	}
	four, six := byFamily(s.Addresses)
	include4, include6 := byFamily(s.SplitInclude)
	exclude4, exclude6 := byFamily(s.SplitExclude)
	if s.TunnelAll != nil && *s.TunnelAll {
		include4, include6 = allOf(four, "0.0.0.0/0"), allOf(six, "::/0")
	}
	u := func(n uint64) string { return strconv.FormatUint(n, 10) }
	return []section{
		{name: "Connection Information", rows: [][2]string{
			{"Connection State", title(s.State)},
			{"Tunnel Mode (IPv4)", mode(s, four, include4)},
			{"Tunnel Mode (IPv6)", mode(s, six, include6)},
			{"Dynamic Tunnel Exclusion", "None"},
			{"Dynamic Tunnel Inclusion", "None"},
			{"Duration", clock(st.DurationS)},
			{"Session Disconnect", remaining(s.Session, now)},
			{"Management Connection State", notAvailable},
		}},
		{name: "Address Information", rows: [][2]string{
			{"Client Address (IPv4)", address(four)},
			{"Client Address (IPv6)", address(six)},
			{"Server Address", host(s.Gateway)},
		}},
		{name: "Bytes", rows: [][2]string{{"Bytes Sent", u(c.TxBytes)}, {"Bytes Received", u(c.RxBytes)}}},
		{name: "Frames", rows: [][2]string{{"Packets Sent", u(c.TxPackets)}, {"Packets Received", u(c.RxPackets)}}},
		{name: "Control Frames", rows: [][2]string{{"Control Packets Sent", u(st.Control.Tx)}, {"Control Packets Received", u(st.Control.Rx)}}},
		{name: "Client Management", rows: [][2]string{{"Administrative Domain", "Undefined"}, {"Profile Name", or(line(s.Profile), notAvailable)}}},
		{name: "Transport Information", rows: [][2]string{
			{"Protocol", or(strings.ToUpper(line(s.Transport)), notAvailable)},
			{"Cipher", or(line(s.Cipher), notAvailable)},
			{"Compression", "None"},
			{"Proxy Address", "No Proxy"},
		}},
		{name: "Feature Configuration", rows: [][2]string{
			{"FIPS Mode", "Disabled"}, {"Trusted Network Detection", "Disabled"}, {"Always On", "Disabled"},
		}},
		{name: "Secure Mobility Solution", rows: [][2]string{{"Network Status", notAvailable}, {"Appliance", notAvailable}, {"SMS Status", notAvailable}}},
		{name: "Secured Routes (IPv4)", routes: include4},
		{name: "Secured Routes (IPv6)", routes: include6},
		{name: "Non-Secured Routes (IPv4)", routes: exclude4},
		{name: "Non-Secured Routes (IPv6)", routes: exclude6},
	}
}

func writeStats(w io.Writer, sections []section) {
	for _, s := range sections {
		if s.rows == nil && len(s.routes) == 0 {
			continue
		}
		fmt.Fprintf(w, "[ %s ]\n\n", s.name)
		for _, r := range s.rows {
			fmt.Fprintf(w, "    %-29s %s\n", r[0]+":", r[1])
		}
		if len(s.routes) > 0 {
			fmt.Fprintf(w, "    %-29s %s\n", "Network", "Subnet")
		}
		for _, r := range s.routes {
			network, bits, _ := strings.Cut(r, "/")
			fmt.Fprintf(w, "    %-29s %s\n", network, bits)
		}
		fmt.Fprintln(w)
	}
}

// statsJSON is {section: {row: value}}, tables of routes as lists.
func statsJSON(sections []section) map[string]any {
	out := map[string]any{}
	for _, s := range sections {
		if s.rows == nil {
			out[s.name] = append([]string{}, s.routes...)
			continue
		}
		rows := map[string]string{}
		for _, r := range s.rows {
			rows[r[0]] = r[1]
		}
		out[s.name] = rows
	}
	return out
}

// byFamily parts CIDR lists; what is no prefix is left out.
func byFamily(list []string) (four, six []string) {
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		switch {
		case err != nil:
		case p.Addr().Is4():
			four = append(four, s)
		default:
			six = append(six, s)
		}
	}
	return four, six
}

func allOf(addresses []string, everything string) []string {
	if len(addresses) == 0 {
		return nil
	}
	return []string{everything}
}

// mode says where a family's packets go. A family without an inside address is dropped in tunnel-all, and not touched when the tunnel takes networks only.
func mode(s ipc.State, addresses, include []string) string {
	all := s.TunnelAll != nil && *s.TunnelAll
	switch {
	case all && len(addresses) == 0:
		return "Drop All Traffic"
	case all && len(s.SplitExclude) > 0:
		return "Split Exclude"
	case all:
		return "Tunnel All Traffic"
	case len(include) > 0:
		return "Split Tunnel"
	}
	return "Bypass All Traffic"
}

func address(list []string) string {
	if len(list) == 0 {
		return notAvailable
	}
	a, _, _ := strings.Cut(list[0], "/")
	return a
}

func host(addrPort string) string {
	if ap, err := netip.ParseAddrPort(addrPort); err == nil {
		return ap.Addr().String()
	}
	return or(line(addrPort), notAvailable)
}

func or(s, instead string) string {
	if s == "" {
		return instead
	}
	return s
}

func title(s string) string {
	if s == "" {
		return notAvailable
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// clock is a duration as HH:MM:SS.
func clock(seconds int64) string {
	seconds = max(seconds, 0)
	return fmt.Sprintf("%02d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
}

// remaining is the time to the session's end in the words of such output.
func remaining(x *ipc.Session, now time.Time) string {
	if x == nil || x.Expires == nil {
		return "None"
	}
	m := int64(max(x.Expires.Sub(now), 0) / time.Minute)
	return fmt.Sprintf("%d Hours %d Minutes Remaining", m/60, m%60)
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
