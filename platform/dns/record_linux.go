package dns

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/holdfast-vpn/holdfast/platform/undo"
	"github.com/holdfast-vpn/holdfast/platform/undo/records"
	"github.com/holdfast-vpn/holdfast/platform/undo/resolvconf"
)

// setRecord gives resolvconf a record of ours, which names via where that is an address, and looks whether it counts.
func (r *Resolver) setRecord(ctx context.Context, f records.Flavour, via netip.Addr) error {
	servers, search := usableServers(r.want.Servers), usableNames(r.want.Search)
	if via.IsValid() {
		servers = []netip.Addr{via}
	}
	text := resolvconf.Lines(servers, search)
	if had, there := records.Ours(); there && bytes.Equal(bytes.TrimSpace(had), bytes.TrimSpace(text)) && r.listed(undo.KindRecord) != nil {
		return nil
	}
	r.changes++
	if err := r.list(undo.Entry{Kind: undo.KindRecord, Names: r.names(servers)}); err != nil {
		return err
	}
	r.j.Step("dns: record listed")
	if err := records.Set(ctx, f, text, r.want.All || via.IsValid()); err != nil {
		return err
	}
	r.j.Step("dns: record set")
	now, err := resolvconf.Read()
	if err != nil {
		return err
	}
	now = displaced(now, r.resolv()) // a file of ours that stands there does not speak for resolvconf
	if got := resolvconf.Servers(now.Live()); len(servers) > 0 && (len(got) == 0 || !slices.Contains(servers, got[0])) {
		return fmt.Errorf("%s made a resolv.conf that begins with another server", records.Program)
	}
	return nil
}

func (r *Resolver) dropRecord(ctx context.Context) error {
	_, err := records.Remove(ctx)
	return err
}
