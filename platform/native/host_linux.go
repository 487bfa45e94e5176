package native

import (
	"context"
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/clock"
	"github.com/holdfast-vpn/holdfast/platform/dns"
	"github.com/holdfast-vpn/holdfast/platform/firewall"
	"github.com/holdfast-vpn/holdfast/platform/netmon"
	"github.com/holdfast-vpn/holdfast/platform/power"
	"github.com/holdfast-vpn/holdfast/platform/router"
	"github.com/holdfast-vpn/holdfast/platform/tunif"
	"github.com/holdfast-vpn/holdfast/platform/undo"
	"github.com/holdfast-vpn/holdfast/platform/uplink"
)

func host(o Options) (*platform.Host, error) {
	j, err := undo.Open(o.StateDir, o.RuntimeDir, undo.Options{Log: o.Log})
	if err != nil {
		return nil, err
	}
	mon, err := netmon.Open(o.Log)
	if err != nil {
		return nil, errors.Join(fault.New(fault.Internal, err), j.Close())
	}
	dialer := uplink.New(func() ([]netip.Addr, error) { return dns.Upstream(o.StateDir) })
	resolver := dns.New(j, o.Log, dialer)
	sleep := power.Open(o.Log)
	return &platform.Host{
		Tun:      tunif.New(j, o.Log, o.Keeper),
		Router:   router.New(j, o.Log),
		Resolver: resolver,
		Firewall: firewall.New(j, o.Log, router.Local),
		Monitor:  mon,
		Power:    sleep,
		Dialer:   dialer,
		Clock:    clock.System{},
		Undo: func(ctx context.Context) error {
			undone, err := j.Recover(ctx)
			if o.Keeper != nil {
				forget(o.Keeper)
			}
			for _, what := range undone {
				o.Log.Info("undone", "what", what)
			}
			return err
		},
		Close: func() error { return errors.Join(resolver.Close(), mon.Close(), sleep.Close(), j.Close()) },
	}, nil
}

// forget lets go of a descriptor that was kept for a link that is no more.
func forget(k platform.Keeper) {
	if fd := k.Take(); fd >= 0 {
		_ = unix.Close(fd)
	}
	k.Drop()
}

func guest(stateDir string) platform.Dialer {
	return uplink.NewUnmarked(func() ([]netip.Addr, error) {
		servers, err := dns.Upstream(stateDir)
		if err != nil || len(servers) == 0 {
			return dns.Listed() // the journal is root's
		}
		return servers, nil
	})
}
