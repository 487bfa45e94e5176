// Command holdfastd is the Holdfast agent.
//
//	holdfastd run [--state-dir DIR] [--runtime-dir DIR] [--profile-dir DIR] [--log-level LEVEL] [--no-resume]
//	holdfastd install|uninstall|start|stop|restart|status
//
// It stays in the foreground, prints one line when it is ready (ready: PATH), and ends on SIGTERM, SIGINT or SIGHUP with every change of the host taken back. Only when systemd is
// restarting it does it leave a session to the next one, as it does when it is killed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform/paths"
	"github.com/holdfast-vpn/holdfast/platform/svc"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err == nil {
		return
	}
	f := fault.As(err)
	fmt.Fprintf(os.Stderr, "error: %s (%s)\n", f.Sentence(), f.Code)
	for _, h := range f.AllHints() {
		fmt.Fprintln(os.Stderr, "hint:", h)
	}
	os.Exit(f.Exit())
}

// command runs what the arguments name.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return fault.Newf(fault.UseBad, nil, "holdfastd run is the command")
	}
	dirs, level, managed, resume := paths.Default(), slog.LevelInfo, false, true
	flags := flag.NewFlagSet("holdfastd "+args[0], flag.ContinueOnError)
	flags.SetOutput(io.Discard) // what is wrong is said once, in main
	switch args[0] {
	case "run":
		runFlags(flags, &dirs, &level, &managed, &resume)
	case "version", "--version", "help", "-h", "-help", "--help":
	case "install", "uninstall", "start", "stop", "restart", "status":
	default:
		return fault.Newf(fault.UseBad, nil, "there is no command %q", args[0])
	}
	err := flags.Parse(args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		return help(stdout)
	case err != nil:
		return fault.Newf(fault.UseBad, nil, "%s", err)
	case flags.NArg() > 0:
		return fault.Newf(fault.UseBad, nil, "%s takes no argument %q", args[0], flags.Arg(0))
	}
	switch args[0] {
	case "run":
		return svc.Run(ctx, managed, stderr, func(ctx context.Context, log io.Writer) error {
			return serve(ctx, dirs, resume, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: level})), stdout)
		})
	case "install", "uninstall", "start", "stop", "restart", "status":
		return service(args[0], stdout)
	case "version", "--version":
		v := version()
		_, err := fmt.Fprintln(stdout, "holdfastd", v.Version, v.Commit, v.Go)
		return err
	}
	return help(stdout)
}
