package router

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/undo"
	"github.com/holdfast-vpn/holdfast/platform/undo/tagged"
)

// rounds is how often the kernel is read and mended before we give up: one is the rule, the others are for somebody who changes things of ours meanwhile.
const rounds = 3

type linux struct {
	j   *undo.Journal
	log *slog.Logger
	mu  sync.Mutex
}

var _ platform.Mender = (*linux)(nil)

// New returns the router. Whatever it makes is in the journal first.
func New(j *undo.Journal, log *slog.Logger) platform.Router { return &linux{j: j, log: log} }

// Set makes the machine hold what c wants and nothing else of ours. The error is HOST-002; what was made by then stays, listed in the journal, until the next Set.
func (r *linux) Set(ctx context.Context, c platform.RouteConfig) error {
	_, err := r.Mend(ctx, c)
	return err
}

// Mend is Set, and returns the steps that it took or tried.
func (r *linux) Mend(ctx context.Context, c platform.RouteConfig) ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	steps, err := r.set(ctx, c)
	if err != nil {
		err = fault.New(fault.HostRoute, err)
	}
	words := make([]string, len(steps))
	for i, s := range steps {
		words[i] = s.String()
	}
	return words, err
}

func (r *linux) set(ctx context.Context, c platform.RouteConfig) ([]step, error) {
	is, err := r.observe()
	if err != nil {
		return nil, err
	}
	if !c.Empty() && (is.link == nil || is.link.Attrs().Index != c.Index) {
		return nil, fmt.Errorf("there is no %s with index %d", platform.Interface, c.Index)
	}
	f, err := is.facts(c)
	if err != nil {
		return nil, err
	}
	want, err := desired(c, f)
	if err != nil {
		return nil, err
	}
	if is.mtu > 0 && is.mtu < minMTU6 && want.mtu >= minMTU6 {
		want.mtu = is.mtu // it would bring IPv6 back to the device, with the settings of a new one; the next device has it
	}
	steps := plan(is.state, want)
	if len(steps) > 0 {
		if err := r.carryOut(ctx, is, want, steps); err != nil {
			return steps, err
		}
	}
	entries := r.entries(want, is.rpFilter)
	if slices.Equal(entries, r.j.Get(undo.SlotRouter)) {
		return steps, nil
	}
	return steps, r.j.Put(undo.SlotRouter, entries...)
}

// carryOut journals the plan, makes the changes, and reads the kernel again until nothing is left to do.
func (r *linux) carryOut(ctx context.Context, is *seen, want state, steps []step) error {
	entries := r.j.Get(undo.SlotRouter)
	listed := make(map[undo.Entry]bool, len(entries))
	for _, e := range entries {
		listed[e] = true
	}
	for _, e := range r.entries(want, is.rpFilter) {
		if !listed[e] {
			entries = append(entries, e)
		}
	}
	if err := r.j.Put(undo.SlotRouter, entries...); err != nil {
		return err
	}
	r.j.Step("router: journaled")
	for range rounds {
		if err := r.run(ctx, is, steps, len(want.rules) == 0); err != nil {
			return err
		}
		var err error
		if is, err = r.observe(); err != nil {
			return err
		}
		if steps = plan(is.state, want); len(steps) == 0 {
			return settled(ctx, want.addresses)
		}
		r.log.Warn("routes read back differ", "steps", len(steps), "first", steps[0].String())
	}
	return fmt.Errorf("the kernel does not keep what was set: still to do: %s", steps[0])
}

// settled waits until the kernel takes packets for the addresses: for IPv6 it makes the local route on its own, a moment after the address.
func settled(ctx context.Context, addresses []netip.Prefix) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for _, a := range addresses {
		for {
			routes, err := netlink.RouteGet(a.Addr().AsSlice())
			if err == nil && len(routes) > 0 && routes[0].Type == unix.RTN_LOCAL {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("the kernel does not take %s for its own: %w", a.Addr(), ctx.Err())
			case <-time.After(time.Millisecond):
			}
		}
	}
	return nil
}

// run makes the changes in order. Taking everything away goes on after a failure, anything else stops at it.
func (r *linux) run(ctx context.Context, is *seen, steps []step, removeAll bool) error {
	var failed []error
	for _, s := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.do(is, s); err != nil {
			err = fmt.Errorf("%s: %w", s, err)
			if !removeAll {
				return err
			}
			failed = append(failed, err)
		}
		r.j.Step("router: " + s.String())
	}
	return errors.Join(failed...)
}

// entries lists the wanted state for the journal, in the order of making: it is undone from the end.
func (r *linux) entries(want state, rpFilter string) []undo.Entry {
	var out []undo.Entry
	if want.loose {
		e, listed := loosened(r.j.Get(undo.SlotRouter))
		if !listed || (rpFilter != loosely && rpFilter != e.Old) {
			e = undo.Entry{Kind: undo.KindSysctl, Name: undo.RPFilter, Old: rpFilter, New: loosely}
		}
		out = append(out, e)
	}
	for _, a := range want.addresses {
		out = append(out, undo.Entry{Kind: undo.KindAddress, Prefix: a})
	}
	for _, rt := range want.routes {
		out = append(out, undo.Entry{Kind: undo.KindRoute, Prefix: rt.dst})
	}
	for _, ru := range want.rules {
		family := 4
		if ru.v6 {
			family = 6
		}
		out = append(out, undo.Entry{Kind: undo.KindRule, Family: family, Priority: ru.priority})
	}
	return out
}

// do makes one change.
func (r *linux) do(is *seen, s step) error {
	switch {
	case s.address != nil:
		return doAddress(is, s)
	case s.route != nil:
		return doRoute(is, s)
	case s.rule != nil:
		return doRule(is, s)
	case s.mtu != 0:
		return netlink.LinkSetMTU(is.link, s.mtu)
	case s.verb == remove:
		e, _ := loosened(r.j.Get(undo.SlotRouter))
		return undo.WriteSysctl(undo.RPFilter, e.Old)
	}
	return undo.WriteSysctl(undo.RPFilter, loosely)
}

func doAddress(is *seen, s step) error {
	if s.verb == remove {
		for _, a := range is.addresses {
			if addressOf(a) == *s.address {
				return removed(netlink.AddrDel(is.link, &a))
			}
		}
		return nil
	}
	// no prefix route: it would stand in the main table; no duplicate address detection: nobody on this link would answer
	return netlink.AddrAdd(is.link, &netlink.Addr{IPNet: ipNet(*s.address), Flags: unix.IFA_F_NOPREFIXROUTE | unix.IFA_F_NODAD})
}

func doRoute(is *seen, s step) error {
	if s.verb == remove {
		for _, o := range is.routes[*s.route] {
			if err := removed(netlink.RouteDel(&o)); err != nil {
				return err
			}
		}
		return nil
	}
	o := &netlink.Route{Dst: ipNet(s.route.dst), Table: platform.RouteTable, Protocol: platform.RouteProto}
	switch s.route.reach {
	case device:
		o.Type, o.LinkIndex = unix.RTN_UNICAST, is.link.Attrs().Index
		if s.route.dst.Addr().Is4() {
			o.Scope = netlink.SCOPE_LINK
		}
	case unreachable:
		o.Type = unix.RTN_UNREACHABLE
	case throw:
		o.Type = unix.RTN_THROW
	}
	if s.verb == replace {
		return netlink.RouteReplace(o)
	}
	return netlink.RouteAdd(o)
}

func doRule(is *seen, s step) error {
	if s.verb == remove {
		for _, o := range is.rules {
			if ruleOf(o) == *s.rule {
				return removed(netlink.RuleDel(&o))
			}
		}
		return nil
	}
	o := netlink.NewRule()
	o.Family = netlink.FAMILY_V4
	if s.rule.v6 {
		o.Family = netlink.FAMILY_V6
	}
	o.Priority, o.Mark, o.Table, o.Protocol = s.rule.priority, s.rule.mark, s.rule.table, platform.RouteProto
	return netlink.RuleAdd(o)
}

// removed is content with what is gone already.
func removed(err error) error {
	if tagged.Gone(err) {
		return nil
	}
	return err
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
