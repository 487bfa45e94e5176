package cli

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
)

// app is one run.
type app struct {
	Streams
	deps   Deps
	dial   func(socket string) *ipc.Client
	socket string
	json   bool
}

// Main runs the command line args (without the program's name) and returns the exit code. When ctx ends, the run is interrupted: exit 130.
func Main(ctx context.Context, args []string, d Deps, s Streams) int {
	return run(ctx, args, d, s, ipc.NewClient)
}

// run is Main with a way to the agent.
func run(ctx context.Context, args []string, d Deps, s Streams, dial func(socket string) *ipc.Client) int {
	a := &app{Streams: s, deps: d, dial: dial}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	var told *exitError
	if errors.As(err, &told) {
		return told.exit
	}
	return report(s, a.json || wantsJSON(args), asFault(ctx, err))
}

// wantsJSON finds --json also where parsing stopped before it.
func wantsJSON(args []string) bool {
	for _, arg := range args {
		if arg == "--" {
			return false
		}
		if arg == "--json" || arg == "--json=true" {
			return true
		}
	}
	return false
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "holdfast",
		Short:         "An AnyConnect-compatible VPN client",
		Long:          "holdfast talks to the Holdfast agent, which owns the tunnel and every change to this machine.\nTry it without a gateway and without privilege: holdfast demo",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("there is no command %q", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(flagError)
	socket := a.deps.Socket
	if env := os.Getenv("HOLDFAST_SOCKET"); env != "" {
		socket = env
	}
	root.PersistentFlags().StringVar(&a.socket, "socket", socket, "the agent's `PATH`; HOLDFAST_SOCKET sets it too")
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print JSON on standard output")
	root.AddCommand(a.connectCommand(), a.disconnectCommand(), a.stateCommand(), a.statsCommand(), a.hostsCommand(), a.timelineCommand(),
		a.profileCommand(), a.preferencesCommand(), a.trustCommand(), a.versionCommand(), a.debugCommand())
	if a.deps.Rescue != nil {
		root.AddCommand(a.rescueCommand())
	}
	if a.deps.Doctor != nil {
		root.AddCommand(a.doctorCommand())
	}
	if a.deps.Replay != nil {
		root.AddCommand(a.replayCommand())
	}
	if a.deps.Demo != nil {
		root.AddCommand(a.demoCommand())
	}
	if a.deps.Gateway != nil {
		root.AddCommand(a.gatewayCommand())
	}
	return root
}

// flagError says what is wrong with the flags. A value that does not fit, and what stands behind a wrong shorthand, may be a secret in the wrong place: they are
// not repeated.
func flagError(_ *cobra.Command, err error) error {
	text, _, _ := strings.Cut(err.Error(), " in -")
	if strings.HasPrefix(text, "invalid argument") {
		_, rest, _ := strings.Cut(text, " for \"")
		flag, _, _ := strings.Cut(rest, "\"")
		text = "this value does not fit " + flag
	}
	return usage("%s", text)
}

// none, atMost and exactly are cobra's argument rules in our words.
func none(cmd *cobra.Command, args []string) error { return atMost(0)(cmd, args) }

func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return usage("%s takes %s", cmd.CommandPath(), most(n))
		}
		return nil
	}
}

func most(n int) string {
	if n == 0 {
		return "no arguments"
	}
	return "at most " + count(n, "argument")
}

func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usage("%s needs %s", cmd.CommandPath(), what)
		}
		return nil
	}
}

// agent returns the client of the agent.
func (a *app) agent() *ipc.Client { return a.dial(a.socket) }
