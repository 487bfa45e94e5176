package firewall

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/undo"
	"github.com/holdfast-vpn/holdfast/platform/undo/tagged"
)

type linux struct {
	j   *undo.Journal
	log *slog.Logger
	lan func() ([]netip.Prefix, error)
	mu  sync.Mutex
}

// New returns the packet filter. lan lists the directly connected networks that are believed to be local.
func New(j *undo.Journal, log *slog.Logger, lan func() ([]netip.Prefix, error)) platform.Firewall {
	return &linux{j: j, log: log, lan: lan}
}

// Set makes the table hold what c wants. The error is HOST-014.
func (f *linux) Set(ctx context.Context, c platform.FilterConfig) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.set(ctx, c); err != nil {
		return fault.New(fault.HostFilter, err)
	}
	return nil
}

func (f *linux) set(ctx context.Context, c platform.FilterConfig) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.Empty() {
		if len(f.j.Get(undo.SlotFilter)) == 0 {
			return nil
		}
		if _, err := tagged.RemoveTable(); err != nil {
			return err
		}
		f.j.Step("firewall: removed")
		return f.j.Put(undo.SlotFilter)
	}
	var lan []netip.Prefix
	if c.LocalLAN {
		var err error
		if lan, err = f.lan(); err != nil {
			return err
		}
	}
	want, err := desired(c, lan)
	if err != nil {
		return err
	}
	if err := f.j.Put(undo.SlotFilter, undo.Entry{Kind: undo.KindTable}); err != nil {
		return err
	}
	f.j.Step("firewall: journaled")
	err = replace(want)
	if without(err) {
		f.log.Warn("this kernel has no nftables: what programs bind to another interface passes the tunnel by", "err", err)
		return f.j.Put(undo.SlotFilter)
	}
	f.j.Step("firewall: replaced")
	return err
}

// without reports that the kernel cannot filter at all.
func without(err error) bool {
	for _, e := range []error{unix.EOPNOTSUPP, unix.EPROTONOSUPPORT, unix.EAFNOSUPPORT, unix.ENOENT} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// replace puts the table in place of one that may be there, in one transaction.
func replace(r rules) error {
	c, err := nftables.New()
	if err != nil {
		return err
	}
	t := &nftables.Table{Name: tagged.Table, Family: nftables.TableFamilyINet}
	c.AddTable(t) // so that there is one to delete
	c.DelTable(t)
	c.AddTable(t)
	policy := nftables.ChainPolicyAccept
	chain := c.AddChain(&nftables.Chain{Name: "out", Table: t, Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityFilter, Policy: &policy})
	b := &builder{c: c, table: t, chain: chain}
	b.essentials(r.device)
	if r.names {
		b.names()
	}
	for _, f := range []struct {
		family
		v6 bool
	}{{r.v4, false}, {r.v6, true}} {
		b.to(f.direct, f.v6, "direct", accept()...)
		b.to(f.caught, f.v6, "caught", reject()...)
	}
	if b.err != nil {
		return b.err
	}
	if err := c.Flush(); err != nil {
		return fmt.Errorf("the table was not taken: %w", err)
	}
	return nil
}
