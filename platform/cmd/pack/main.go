// Command pack makes the Debian packages of this checkout.
//
//	go run ./platform/cmd/pack [--arch amd64|arm64] [--out DIR] [--version VERSION]
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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	path, err := pack.Deb(ctx, pack.Options{Root: ".", Arch: *arch, Out: *out, Version: *version, Log: os.Stderr})
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	fmt.Println(path)
}
