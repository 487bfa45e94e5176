// Command holdfastd is the Holdfast agent.
//
//	holdfastd run [--state-dir DIR] [--runtime-dir DIR] [--profile-dir DIR] [--log-level LEVEL] [--no-resume]
//
// It stays in the foreground, prints one line when it is ready (ready: PATH), and ends on SIGTERM or SIGINT with every change of the host taken back.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform/paths"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
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
	switch args[0] {
	case "run":
	case "install", "uninstall", "start", "stop", "restart", "status":
		return fault.Newf(fault.UseNotYet, nil, "holdfastd %s", args[0])
	default:
		return fault.Newf(fault.UseBad, nil, "there is no command %q", args[0])
	}
	dirs, level := paths.Default(), slog.LevelInfo
	flags := flag.NewFlagSet("holdfastd run", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&dirs.State, "state-dir", dirs.State, "what outlives a reboot")
	flags.StringVar(&dirs.Runtime, "runtime-dir", dirs.Runtime, "the socket, and what dies with the kernel")
	flags.StringVar(&dirs.Profile, "profile-dir", dirs.Profile, "AnyConnect profiles")
	flags.TextVar(&level, "log-level", level, "debug, info, warn or error")
	flags.Bool("no-resume", false, "begin without the session of a former run; this version never resumes one")
	if err := flags.Parse(args[1:]); err != nil {
		if err == flag.ErrHelp {
			return nil
		}
		return fault.New(fault.UseBad, err)
	}
	if flags.NArg() > 0 {
		return fault.Newf(fault.UseBad, nil, "run takes no argument %q", flags.Arg(0))
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
	return serve(ctx, dirs, log, stdout)
}
