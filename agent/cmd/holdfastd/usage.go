package main

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strconv"

	"github.com/holdfast-vpn/holdfast/platform/paths"
)

// runFlags are the flags of run, with their defaults in the variables already.
func runFlags(flags *flag.FlagSet, dirs *paths.Dirs, level *slog.Level, managed, resume *bool) {
	flags.StringVar(&dirs.State, "state-dir", dirs.State, "")
	flags.StringVar(&dirs.Runtime, "runtime-dir", dirs.Runtime, "")
	flags.StringVar(&dirs.Profile, "profile-dir", dirs.Profile, "")
	flags.TextVar(level, "log-level", *level, "")
	flags.BoolVar(managed, "service", false, "")
	flags.BoolFunc("no-resume", "", func(s string) error {
		no, err := strconv.ParseBool(s)
		*resume = !no
		return err
	})
}

// help prints what the program can be told.
func help(w io.Writer) error {
	d := paths.Default()
	_, err := fmt.Fprintf(w, `holdfastd is the Holdfast agent.

  holdfastd run [flags]   run in the foreground until SIGTERM, SIGINT or SIGHUP
  holdfastd install       make it a service that starts with this machine; uninstall takes that back
  holdfastd start         start the service; stop and restart likewise; status says how it is
  holdfastd version       print the version
  holdfastd help          print this

Flags of run:
  --state-dir DIR         what outlives a reboot (%s)
  --runtime-dir DIR       the socket, and what dies with the kernel (%s)
  --profile-dir DIR       AnyConnect profiles (%s)
  --log-level LEVEL       debug, info, warn or error (info)
  --no-resume             end what a former run has left, a session that may still live too
  --service               Windows: the service control manager has started it
`, d.State, d.Runtime, d.Profile)
	return err
}
