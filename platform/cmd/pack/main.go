// Command pack makes the Debian packages of this checkout.
//
//	go run ./platform/cmd/pack [--arch amd64|arm64] [--out DIR] [--version VERSION] [PACKAGE...]
//
// PACKAGE is holdfast (the agent and the command line, when none is given) or holdfast-tray.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"

	pack "github.com/holdfast-vpn/holdfast/platform/package"
)

func main() {
	arch := flag.String("arch", runtime.GOARCH, "`PROCESSOR`: "+strings.Join(pack.Arches, " or "))
	out := flag.String("out", "dist", "`FOLDER` for the package")
	version := flag.String("version", "", "`VERSION` of the package; without it that of the build")
	flag.Parse()
	packages := flag.Args()
	if len(packages) == 0 {
		packages = pack.Packages[:1]
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for _, name := range packages {
		path, err := pack.Deb(ctx, pack.Options{Package: name, Root: ".", Arch: *arch, Out: *out, Version: *version, Log: os.Stderr})
		if err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			os.Exit(1)
		}
		fmt.Println(path)
	}
}
