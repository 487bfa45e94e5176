// Command holdfast is the command line of Holdfast.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/holdfast-vpn/holdfast/ui/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	os.Exit(cli.Main(ctx, os.Args[1:], deps(), cli.SystemStreams()))
}
