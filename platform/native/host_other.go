//go:build !linux

package native

import (
	"context"
	"errors"
	"net"
	"net/netip"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/uplink"
)

func host(Options) (*platform.Host, error) { return nil, fault.New(fault.HostOther, nil) }

// system is an uplink.Dialer that resolves as the system does: there is no resolv.conf to trust on these systems.
type system struct{ *uplink.Dialer }

func guest(string) platform.Dialer { return system{uplink.NewUnmarked(nil)} }

// Lookup asks the system's resolver.
func (s system) Lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a.Unmap()}, nil
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	var failed *net.DNSError
	switch {
	case err == nil:
		for i := range addrs {
			addrs[i] = addrs[i].Unmap()
		}
		return addrs, nil
	case errors.As(err, &failed) && failed.IsNotFound:
		return nil, fault.Newf(fault.NetNoName, err, "%s", host)
	}
	return nil, fault.Newf(fault.NetSilent, err, "no name server answers for %s", host)
}

// LookupOn asks the same resolver: the system says by which uplink it asks.
func (s system) LookupOn(ctx context.Context, host, _ string) ([]netip.Addr, error) {
	return s.Lookup(ctx, host)
}
