package resolved

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/platform/sysbus"
)

// Name is resolved's on the bus.
const Name = "org.freedesktop.resolve1"

// Path is its object, whose property DNS changes with that of any link.
const Path = "/org/freedesktop/resolve1"

const (
	manager = Name + ".Manager."
	perLink = Name + ".Link"
)

// server and domain are the shapes (iay) and (sb) of the bus.
type server struct {
	Family  int32
	Address []byte
}

type domain struct {
	Name      string
	RouteOnly bool
}

// Set makes resolved know exactly l, and reads it back.
func Set(ctx context.Context, b *sysbus.Bus, l Link) error {
	servers, domains := shapes(l)
	for _, c := range []struct {
		method   string
		argument any
		optional bool // resolved has it since version 239 to 246: an older one does without
	}{
		{"SetLinkDNSOverTLS", "no", true},
		{"SetLinkDNSSEC", "no", true},
		{"SetLinkLLMNR", "no", true},
		{"SetLinkMulticastDNS", "no", true},
		{"SetLinkDomains", domains, false},
		{"SetLinkDefaultRoute", l.Default, true},
		{"SetLinkDNS", servers, false},
	} {
		err := b.Call(ctx, Name, Path, manager+c.method, []any{int32(l.Index), c.argument}, nil)
		if err != nil && !(c.optional && sysbus.Unknown(err)) {
			return err
		}
	}
	if err := b.Call(ctx, Name, Path, manager+"FlushCaches", nil, nil); err != nil {
		return err
	}
	same, err := Holds(ctx, b, l)
	if err == nil && !same {
		err = errors.New("systemd-resolved does not hold what it was told")
	}
	return err
}

// Holds reports whether resolved knows these servers and domains of the link.
func Holds(ctx context.Context, b *sysbus.Bus, l Link) (bool, error) {
	var object string
	if err := b.Call(ctx, Name, Path, manager+"GetLink", []any{int32(l.Index)}, []any{&object}); err != nil {
		return false, err
	}
	var servers []server
	var domains []domain
	if err := b.Property(ctx, Name, object, perLink, "DNS", &servers); err != nil {
		return false, err
	}
	if err := b.Property(ctx, Name, object, perLink, "Domains", &domains); err != nil {
		return false, err
	}
	wantServers, wantDomains := shapes(l)
	same := slices.EqualFunc(servers, wantServers, func(a, b server) bool { return a.Family == b.Family && slices.Equal(a.Address, b.Address) })
	byName := func(a, b domain) int { return cmp.Compare(a.Name, b.Name) } // resolved has an order of its own: search domains first
	slices.SortFunc(domains, byName)
	slices.SortFunc(wantDomains, byName)
	return same && slices.Equal(domains, wantDomains), nil
}

// shapes are the link's servers and domains as the bus has them.
func shapes(l Link) ([]server, []domain) {
	servers, domains := []server{}, []domain{}
	for _, a := range l.Servers {
		family := int32(unix.AF_INET)
		if a.Is6() {
			family = unix.AF_INET6
		}
		servers = append(servers, server{family, a.AsSlice()})
	}
	for _, d := range l.Domains {
		domains = append(domains, domain(d))
	}
	return servers, domains
}

// Revert makes resolved forget the link's settings. A link that resolved does not know has none.
func Revert(ctx context.Context, b *sysbus.Bus, index int) error {
	err := b.Call(ctx, Name, Path, manager+"RevertLink", []any{int32(index)}, nil)
	if sysbus.Answer(err) == Name+".NoSuchLink" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("link %d: %w", index, err)
	}
	return b.Call(ctx, Name, Path, manager+"FlushCaches", nil, nil)
}
