// Command holdfast is the command line of Holdfast.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/holdfast-vpn/holdfast/agent/demo"
	"github.com/holdfast-vpn/holdfast/agent/offline"
	"github.com/holdfast-vpn/holdfast/dart/checkup"
	"github.com/holdfast-vpn/holdfast/platform/paths"
	"github.com/holdfast-vpn/holdfast/ui/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	dirs := paths.Default()
	profiles := append([]string{dirs.Profile}, paths.Imports()...)
	os.Exit(cli.Main(ctx, os.Args[1:], cli.Deps{
		Socket: paths.Socket(dirs.Runtime), StateDir: dirs.State, RuntimeDir: dirs.Runtime, ProfileDirs: profiles, PolicyFiles: paths.Policies(),
		PreferenceFiles: preferenceFiles(),
		Rescue:          offline.Rescue,
		Gateway: func(ctx context.Context, o cli.GatewayOptions, in io.Reader, out io.Writer) error {
			return demo.Rehearse(ctx, demo.RehearseOptions(o), in, out)
		},
		Doctor: func(ctx context.Context, o cli.DoctorOptions) (checkup.Report, error) {
			return offline.Doctor(ctx, offline.DoctorOptions{Target: o.Target, CAPEM: o.CAPEM, Pins: o.Pins, Timeout: o.Timeout, Progress: o.Progress,
				ProfileDirs: profiles, StateDir: dirs.State})
		},
		Replay: func(record io.Reader, each func(cli.ReplayStep)) error {
			return offline.Replay(record, func(r offline.Replayed) { each(cli.ReplayStep(r)) })
		},
		Demo: func(ctx context.Context, o cli.DemoOptions) error {
			return demo.Run(ctx, demo.Options{Out: o.Out, Colour: o.Colour, Width: o.Width, JSON: o.JSON})
		},
	}, cli.SystemStreams()))
}

// preferenceFiles are those of Cisco's client, for this user; none where nobody knows his home.
func preferenceFiles() []string {
	home, err := os.UserHomeDir()
	if err != nil {
		return nil
	}
	return paths.Preferences(home)
}
