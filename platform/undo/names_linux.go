package undo

import (
	"context"

	"github.com/holdfast-vpn/holdfast/platform/sysbus"
	"github.com/holdfast-vpn/holdfast/platform/undo/resolved"
	"github.com/holdfast-vpn/holdfast/platform/undo/tagged"
)

// revertLinkDNS makes systemd-resolved forget our servers. They go with the link at the latest, and a recovery removes the link next: that resolved cannot be reached
// is no failure.
func revertLinkDNS(ctx context.Context) (bool, error) {
	link, err := tagged.Link()
	if link == nil || err != nil {
		return false, err
	}
	bus, err := sysbus.Dial(ctx)
	if err != nil {
		return false, nil
	}
	defer bus.Close()
	if at := bus.Of(ctx, resolved.Name); at != sysbus.Ours && at != sysbus.Unclear {
		return false, nil
	}
	return resolved.Revert(ctx, bus, link.Attrs().Index) == nil, nil
}
