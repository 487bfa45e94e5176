package cli

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/checkup"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// doctorTime is the default of --timeout: the slowest way through all layers takes 24 s.
const doctorTime = 30 * time.Second

// exitError is a failure that was already told: only its exit code is left.
type exitError struct{ exit int }

func (e *exitError) Error() string { return fmt.Sprintf("exit %d", e.exit) }

func (a *app) doctorCommand() *cobra.Command {
	var f connectFlags
	cmd := &cobra.Command{
		Use:   "doctor TARGET",
		Short: "Name what is broken between this machine and a gateway",
		Long: `Look along the way to a gateway, layer by layer, and name the one that is broken: the link, a
captive portal, DNS, TCP, TLS, the certificate, the gateway, packet size, the clock. It needs no
privilege and no agent, asks for no password, changes nothing, and talks to nobody but the name
servers and the gateway.

TARGET is a host entry of a profile, host[:port][/group], or an https URL. A row with a dash could
not be judged, or is a consequence of the broken one.

The exit code is 0 if nothing stands in the way of a login, 5 if the gateway cannot be reached, 6 if
it cannot be trusted.`,
		Example: "  holdfast doctor vpn.example.com\n  holdfast --json doctor vpn.example.com --ca corp-ca.pem",
		Args:    exactly(1, "a target"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.doctor(cmd, args[0], f)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.ca, "ca", "", "PEM `FILE` of authorities to trust, besides the system's")
	flags.StringArrayVar(&f.pins, "pin", nil, "`HASH` of the gateway's key; repeatable")
	flags.DurationVar(&f.timeout, "timeout", doctorTime, "`TIME` for all of it, 1s to 10m")
	return cmd
}

func (a *app) doctor(cmd *cobra.Command, target string, f connectFlags) error {
	req, err := f.request(target)
	if err != nil {
		return err
	}
	o := DoctorOptions{Target: req.Target, CAPEM: req.CAPEM, Pins: req.Pins, Timeout: f.timeout}
	if a.Progress && !a.json {
		o.Progress = func(checking string) { fmt.Fprintf(a.Err, "\r\x1b[KChecking %s…", checking) }
	}
	r, err := a.deps.Doctor(cmd.Context(), o)
	if o.Progress != nil {
		fmt.Fprint(a.Err, "\r\x1b[K")
	}
	if err != nil {
		return err
	}
	if a.json {
		printJSON(a.Out, examined(r))
	} else {
		writeLayers(a.Out, r, a.Colour)
		a.verdict(r)
	}
	if !r.Well() {
		return &exitError{r.Exit()}
	}
	return nil
}

// pointAt adds to a connect that found no gateway how to find out more.
func (a *app) pointAt(err error, target string) error {
	f := fault.As(err)
	if a.deps.Doctor == nil || target == "" || f.Exit() != fault.Lookup(fault.NetSilent).Exit {
		return err
	}
	if strings.ContainsAny(target, " \t") {
		target = `"` + target + `"`
	}
	return f.Hint("see which layer fails: holdfast doctor " + target)
}

// examinedReport is the one object of --json: the report, and for a broken layer the error that every command gives.
type examinedReport struct {
	checkup.Report
	Error *ipc.Error `json:"error,omitempty"`
}

func examined(r checkup.Report) examinedReport {
	out := examinedReport{Report: r}
	if v := r.Verdict; !r.Well() {
		out.Error = &ipc.Error{Code: string(v.Code), Message: v.Message, Hint: v.Hint, Exit: r.Exit()}
	}
	return out
}

// writeLayers prints the table: mark, layer, what was found, and how long that took where it took time.
func writeLayers(w io.Writer, r checkup.Report, colour bool) {
	width := 0
	for _, l := range r.Layers {
		width = max(width, utf8.RuneCountInString(l.Layer))
	}
	for _, l := range r.Layers {
		detail := line(l.Detail)
		if l.TookMS > 0 {
			detail += fmt.Sprintf("  %d ms", l.TookMS)
		}
		fmt.Fprintf(w, "  %s %-*s  %s\n", mark(l, colour), width, l.Layer, detail)
	}
}

// mark is ✓, ✗ or –, the first two in their colours where there are any.
func mark(l checkup.Layer, colour bool) string {
	text, code := "✗", "31"
	switch {
	case l.Skipped:
		return "–"
	case l.OK:
		text, code = "✓", "32"
	}
	if !colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// verdict prints the last lines: a broken layer as every error, else that all is well.
func (a *app) verdict(r checkup.Report) {
	if r.Session {
		fmt.Fprintln(a.Err, "note: a session is up, and doctor looked along the way that any program takes; disconnect first to see the way without it")
	}
	v := r.Verdict
	if !r.Well() {
		fmt.Fprintf(a.Err, "error: %s (%s)\nhint: %s\n", line(v.Message), line(string(v.Code)), line(v.Hint))
		return
	}
	message := line(v.Message)
	if message != "" {
		message = strings.ToUpper(message[:1]) + message[1:] + "."
	}
	fmt.Fprintf(a.Out, "%s\nhint: %s\n", message, line(v.Hint))
}
