package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
)

// problems is what is wrong with a certificate, in words.
var problems = map[string]string{
	ipc.ProblemAuthority: "nobody whom this machine trusts vouches for its certificate",
	ipc.ProblemName:      "its certificate is for another name",
	ipc.ProblemExpired:   "its certificate is out of date, or this machine's clock is wrong",
	ipc.ProblemNotYet:    "its certificate is not valid yet, or this machine's clock is wrong",
	ipc.ProblemUsage:     "its certificate is not meant for a server",
	ipc.ProblemWeak:      "its key or signature is too weak to prove anything",
	ipc.ProblemInvalid:   "its certificate breaks the rules for certificates",
}

// writeTrust shows who answered and what is wrong with him.
func writeTrust(w io.Writer, t *ipc.Trust) {
	fmt.Fprintf(w, "The gateway %s cannot be verified:\n", line(t.Host))
	for _, p := range t.Problems {
		fmt.Fprintf(w, "  - %s\n", or(problems[p], line(p)))
	}
	fmt.Fprintln(w)
	rows := newTable(w)
	rows.row("  Names", or(list(t.Names), "none"))
	rows.row("  Subject", line(t.Subject))
	rows.row("  Issuer", line(t.Issuer))
	rows.row("  Valid", "from "+t.NotBefore.UTC().Format(time.DateOnly)+" to "+t.NotAfter.UTC().Format(time.DateOnly))
	rows.row("  Key", line(t.Pin))
	rows.row("  Certificate", "sha256:"+line(t.Certificate))
	rows.end()
	fmt.Fprintln(w, "\nAsk your administrator for the fingerprint of the key, in another way than over this network. If it is not the one above,\nwhoever answered is not your gateway, and would learn your password.")
}

// askTrust shows a gateway that cannot be verified and asks until the answer is a whole yes or no: it is kept.
func (a *attempt) askTrust(ctx context.Context, t *ipc.Trust) (ipc.Answer, error) {
	fmt.Fprintln(a.Err)
	writeTrust(a.Err, t)
	fmt.Fprintln(a.Err)
	for {
		text, err := a.Person.Line(ctx, "Accept this key from now on? [yes/no]: ")
		if err != nil {
			return ipc.Answer{}, err
		}
		switch accept := strings.ToLower(strings.TrimSpace(text)); accept {
		case "yes", "no":
			yes := accept == "yes"
			return ipc.Answer{Accept: &yes}, nil
		}
		fmt.Fprintln(a.Err, "Type yes or no.")
	}
}

func (a *app) trustCommand() *cobra.Command {
	var forget string
	cmd := &cobra.Command{
		Use:   "trust",
		Short: "Show the gateways whose keys you accepted, or let go of one",
		Long: "Show the gateways that you trust although their certificates do not hold, with the fingerprints of the keys that you accepted.\n" +
			"Whether you are asked at all is a setting: holdfast preferences set BlockUntrustedServers false",
		Example: "  holdfast trust --forget vpn.example.com",
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("forget") {
				return a.distrust(cmd.Context(), forget)
			}
			return a.showTrust(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&forget, "forget", "", "let go of the key of this `HOST`")
	return cmd
}

func (a *app) distrust(ctx context.Context, host string) error {
	if err := a.agent().Distrust(ctx, host); err != nil {
		return err
	}
	if !a.json {
		fmt.Fprintf(a.Out, "The key of %s is no longer accepted.\n", line(host))
	}
	return nil
}

func (a *app) showTrust(ctx context.Context) error {
	kept, err := a.agent().Trusted(ctx)
	if err != nil {
		return err
	}
	if a.json {
		for _, t := range kept {
			printJSON(a.Out, t)
		}
		return nil
	}
	if len(kept) == 0 {
		fmt.Fprintln(a.Out, "You have accepted no keys.")
		return nil
	}
	t := newTable(a.Out)
	fmt.Fprintln(t.w, "GATEWAY\tACCEPTED\tKEY")
	for _, k := range kept {
		fmt.Fprintf(t.w, "%s\t%s\t%s\n", line(k.Host), k.At.Local().Format(time.DateOnly), line(k.Pin))
	}
	t.end()
	return nil
}
