package power

import (
	"context"
	"io"

	"github.com/holdfast-vpn/holdfast/platform/sysbus"
)

// Names of org.freedesktop.login1(5).
const (
	logind  = "org.freedesktop.login1"
	object  = "/org/freedesktop/login1"
	manager = "org.freedesktop.login1.Manager"
)

// hold takes logind's delay lock. What it says is seen in systemd-inhibit(1).
func hold(ctx context.Context) (io.Closer, error) {
	return sysbus.Descriptor(ctx, logind, object, manager+".Inhibit", "sleep", "Holdfast", "The VPN session is kept or ended first", "delay")
}

// listen tells what logind says until ctx ends.
func listen(ctx context.Context, tell func(news)) {
	owned := func(there bool) {
		if there {
			tell(here)
		} else {
			tell(gone)
		}
	}
	heard := func(body []any) {
		if len(body) != 1 {
			return
		}
		switch body[0] {
		case true:
			tell(sleeps)
		case false:
			tell(woke)
		}
	}
	for ctx.Err() == nil {
		if bus, err := sysbus.Dial(ctx); err == nil {
			_ = bus.Hear(ctx, logind, object, manager+".PrepareForSleep", owned, heard)
			_ = bus.Close()
			tell(gone)
		}
		sysbus.Await(ctx)
	}
}
