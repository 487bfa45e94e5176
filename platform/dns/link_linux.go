package dns

import (
	"context"

	"github.com/holdfast-vpn/holdfast/platform/sysbus"
	"github.com/holdfast-vpn/holdfast/platform/undo"
	"github.com/holdfast-vpn/holdfast/platform/undo/resolved"
)

// setLink tells systemd-resolved what the tunnel's servers are for.
func (r *Resolver) setLink(ctx context.Context) error {
	bus, err := sysbus.Dial(ctx)
	if err != nil {
		return err
	}
	defer bus.Close()
	want := linkFor(r.want)
	if same, err := resolved.Holds(ctx, bus, want); err == nil && same && r.listed(undo.KindLinkDNS) != nil {
		return nil
	}
	r.changes++
	if err := r.list(undo.Entry{Kind: undo.KindLinkDNS, Names: r.names(want.Servers)}); err != nil {
		return err
	}
	r.j.Step("dns: link listed")
	if err := resolved.Set(ctx, bus, want); err != nil {
		return err
	}
	r.j.Step("dns: link set")
	return nil
}

func (r *Resolver) dropLink(ctx context.Context) error {
	bus, err := sysbus.Dial(ctx)
	if err == nil {
		defer bus.Close()
		err = resolved.Revert(ctx, bus, r.index)
	}
	if err != nil {
		r.log.Info("systemd-resolved forgets the tunnel's servers with its device", "error", err)
	}
	return nil
}
