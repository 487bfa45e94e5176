package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
)

// states are the words of --wait, those of the contract.
var states = []string{"disconnected", "connecting", "authenticating", "establishing", "connected", "reconnecting", "paused", "blocked", "disconnecting"}

// whyLast is how many entries --why shows.
const whyLast = 8

func (a *app) stateCommand() *cobra.Command {
	var wait string
	var timeout time.Duration
	var why bool
	cmd := &cobra.Command{
		Use:     "state",
		Aliases: []string{"status"},
		Short:   "Show the session's state",
		Long:    "Show the session's state. The exit code is 0 in every state.\nWith --wait return when the state is reached, or exit 8 after --timeout.",
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if wait != "" && !slices.Contains(states, wait) {
				return usage("--wait is one of %s", strings.Join(states, " "))
			}
			if wait == "" && cmd.Flags().Changed("timeout") {
				return usage("--timeout needs --wait")
			}
			if timeout <= 0 {
				return usage("--timeout must be more than 0")
			}
			return a.showState(cmd.Context(), wait, timeout, why)
		},
	}
	cmd.Flags().StringVar(&wait, "wait", "", "return when this `STATE` is reached")
	cmd.Flags().DurationVar(&timeout, "timeout", time.Minute, "`TIME` for --wait")
	cmd.Flags().BoolVar(&why, "why", false, "show what was decided last and why")
	return cmd
}

func (a *app) showState(ctx context.Context, wait string, timeout time.Duration, why bool) error {
	agent := a.agent()
	var st ipc.State
	var err error
	if wait == "" {
		st, err = agent.State(ctx)
	} else {
		st, err = await(ctx, agent, timeout, func(s ipc.State) bool { return s.State == wait })
	}
	if err != nil {
		return err
	}
	var last []ipc.Entry
	if why {
		for e, err := range agent.Timeline(ctx, false) {
			if err != nil {
				return err
			}
			if e.Reason != "" || len(e.Effects) > 0 { // what decided nothing explains nothing
				last = append(last, e)
			}
		}
		last = last[max(0, len(last)-whyLast):]
	}
	if a.json {
		printJSON(a.Out, struct {
			ipc.State
			Why []ipc.Entry `json:"why,omitempty"`
		}{st, last})
		return nil
	}
	writeState(a.Out, st, time.Now())
	if why {
		writeWhy(a.Out, last)
	}
	return nil
}

// table is two columns; rows without a value are left out.
type table struct{ w *tabwriter.Writer }

func newTable(w io.Writer) table { return table{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)} }

func (t table) row(name, value string) {
	if value != "" {
		fmt.Fprintf(t.w, "%s\t%s\n", name, value)
	}
}

func (t table) end() { _ = t.w.Flush() }

// writeState prints the state for a person; now is the time that ages are counted to.
func writeState(w io.Writer, s ipc.State, now time.Time) {
	t := newTable(w)
	defer t.end()
	state := s.State
	if s.Probing {
		state += ", checking the path"
	}
	if !s.Since.IsZero() {
		state += " for " + span(now.Sub(s.Since))
	}
	t.row("State", state)
	t.row("Waiting", waiting(s.Waiting, now))
	t.row("Impaired", prefixed("by root: ", list(s.Impaired)))
	t.row("Target", line(s.Target))
	t.row("Gateway", line(s.Gateway))
	t.row("Profile", line(s.Profile))
	t.row("User", join(line(s.User), prefixed("in group ", line(s.Group))))
	if s.Transport != "" {
		t.row("Transport", transport(s, now))
		t.row("Cipher", line(s.Cipher))
	} else if !down(s) {
		t.row("Protocol", strings.ToUpper(line(s.Protocol)))
	}
	if s.VerifiedAt != nil {
		t.row("Heard", "from the gateway "+span(now.Sub(*s.VerifiedAt))+" ago")
	}
	if s.CaptivePortal != nil && *s.CaptivePortal {
		t.row("Network", "asks for a sign-in in a browser")
	}
	t.row("Interface", join(line(s.Interface), number("MTU ", s.MTU)))
	t.row("Addresses", list(s.Addresses))
	t.row("Routes", routes(s))
	if d := s.DNS; d != nil {
		t.row("DNS", join(list(d.Servers), prefixed("through ", line(d.Backend))))
		t.row("Search", list(d.Search))
		t.row("Split DNS", list(d.Split))
	}
	if c := s.Counters; c != nil {
		t.row("Sent", fmt.Sprintf("%s in %d packets", size(c.TxBytes), c.TxPackets))
		t.row("Received", fmt.Sprintf("%s in %d packets", size(c.RxBytes), c.RxPackets))
		t.row("Dropped", number("", int(c.Drops)))
	}
	if x := s.Session; x != nil {
		t.row("Session", session(x, now))
	}
	if r := s.Reconnects; r != nil && r.Tunnel+r.Session > 0 {
		t.row("Reconnects", fmt.Sprintf("%d of the tunnel, %d of the session", r.Tunnel, r.Session))
	}
	if r := s.LastReconnect; r != nil {
		t.row("Last one", fmt.Sprintf("%s, %s: noticed in %d ms, back after %d ms", r.At.Local().Format(time.TimeOnly), line(r.Reason), r.DetectedMS, r.OutageMS))
	}
	if p := s.Prompt; p != nil && p.Kind != "sign" {
		t.row("Question", "the gateway waits for an answer; give it with: holdfast connect")
	}
	if e := s.Error; e != nil {
		t.row("Error", e.Fault().Sentence()+" ("+line(e.Code)+")")
	}
}

func routes(s ipc.State) string {
	switch {
	case s.TunnelAll == nil && len(s.SplitInclude) == 0:
		return ""
	case s.TunnelAll != nil && *s.TunnelAll:
		return join("everything", prefixed("except ", list(s.SplitExclude)))
	}
	return join(list(s.SplitInclude), prefixed("except ", list(s.SplitExclude)))
}

func session(x *ipc.Session, now time.Time) string {
	text := "since " + x.Started.Local().Format(time.DateTime)
	if x.Expires != nil {
		left := span(x.Expires.Sub(now)) + " left"
		if x.Ending {
			left = "nearly over: " + left
		}
		text = join(text, left)
	}
	if x.IdleTimeoutS > 0 {
		text = join(text, "ends when idle for "+span(time.Duration(x.IdleTimeoutS)*time.Second))
	}
	return text
}

// join puts commas between the parts that are not empty.
func join(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

func number(prefix string, n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%s%d", prefix, n)
}

// list is a list on one line, its tail counted when it is long.
func list(items []string) string {
	const shown = 8
	more := ""
	if len(items) > shown {
		more = fmt.Sprintf(" and %d more", len(items)-shown)
		items = items[:shown]
	}
	clean := make([]string, len(items))
	for i, s := range items {
		clean[i] = line(s)
	}
	return strings.Join(clean, " ") + more
}
