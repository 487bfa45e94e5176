package cli

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

func (a *app) rescueCommand() *cobra.Command {
	var stateDir, runtimeDir string
	cmd := &cobra.Command{
		Use:   "rescue",
		Short: "Undo every change to this machine without an agent",
		Long:  "Undo every change that an agent made to this machine and could not take back. Needs root; refuses\nwhile an agent lives. Nothing to undo is no error.",
		Args:  none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.deps.Rescue(cmd.Context(), stateDir, runtimeDir, a.Out)
		},
	}
	cmd.Flags().StringVar(&stateDir, "state-dir", a.deps.StateDir, "the agent's state `DIR`")
	cmd.Flags().StringVar(&runtimeDir, "runtime-dir", a.deps.RuntimeDir, "the agent's runtime `DIR`")
	return cmd
}

func (a *app) demoCommand() *cobra.Command {
	var plain bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch a session survive, without a gateway and without privilege",
		Long:  "Run a gateway and an agent in this process on a userspace network, connect, move traffic, break\nthings and watch the session come back. Nothing of this machine is changed; no network is used.",
		Args:  none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.deps.Demo(cmd.Context(), DemoOptions{JSON: a.json, Colour: a.Colour && !plain, Width: a.Width, Out: a.Out})
		},
	}
	cmd.Flags().BoolVar(&plain, "plain", false, "no colours; NO_COLOR does the same")
	return cmd
}

func (a *app) gatewayCommand() *cobra.Command {
	var o GatewayOptions
	cmd := &cobra.Command{
		Use:   "gateway --listen ADDR:PORT",
		Short: "Run the embedded gateway for rehearsals and tests",
		Long:  "Run the embedded gateway on a real address, with a small network in userspace behind it. End it with\nCtrl-C; \"sessions\" and \"help\" can be typed meanwhile. It is for rehearsals and tests, not for people's traffic.",
		Args:  none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := netip.ParseAddrPort(o.Listen); err != nil {
				return usage("--listen wants ADDR:PORT, such as 127.0.0.1:4443 or [::1]:4443")
			}
			return a.deps.Gateway(cmd.Context(), o, a.In, a.Out)
		},
	}
	cmd.Flags().StringVar(&o.Listen, "listen", "", "`ADDR:PORT` to listen on")
	cmd.Flags().BoolVar(&o.Browser, "browser", false, "have people sign in at a web page instead of by form")
	return cmd
}

// versionTime is how long version waits for an agent that may be dead.
const versionTime = 2 * time.Second

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show the versions of this command and of the agent",
		Args:  none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := ipc.Build()
			ctx, cancel := context.WithTimeout(cmd.Context(), versionTime)
			defer cancel()
			there := "not reachable"
			var other *fault.Error
			if agent, err := a.agent().Version(ctx); err == nil { // without an agent its line is missing, that is all
				v.Agent, v.API, v.Features = or(agent.Agent, agent.Version), agent.API, agent.Features
				there, other = line(v.Agent), agent.Mismatch()
			} else if fault.As(err).Code == fault.AgentSilent {
				there = "does not answer"
			}
			if a.json {
				printJSON(a.Out, v)
				return nil
			}
			t := newTable(a.Out)
			t.row("holdfast", v.Version+prefixed(" commit ", v.Commit))
			t.row("agent", there)
			t.row("go", fmt.Sprintf("%s %s/%s", v.Go, runtime.GOOS, runtime.GOARCH))
			t.end()
			if other != nil {
				fmt.Fprintf(a.Err, "note: %s (%s)\nhint: %s\n", other.Sentence(), other.Code, other.AllHints()[0])
			}
			return nil
		},
	}
}
