package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/gateway"
	"github.com/holdfast-vpn/holdfast/protocol/gateway/inside"
)

// The rehearsal's inside network, from the ranges that are kept for documentation and private use.
const (
	rehearsalUser = "rehearsal"
	insideName    = "web.rehearsal.example"
)

var (
	inside4 = netip.MustParsePrefix("10.99.0.2/16")
	inside6 = netip.MustParsePrefix("2001:db8:99::2/64")
)

// countersEvery is how often sessions are shown while they live.
const countersEvery = 10 * time.Second

// rehearse serves the embedded gateway on a real address until ctx ends. Its key, and the password of its one user, are made at every start and shown on out: they
// are worth nothing after it.
func rehearse(ctx context.Context, listen string, out io.Writer) error {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fault.Newf(fault.UseBad, err, "%v", err)
	}
	password := rand.Text()
	g, pin, err := newRehearsal(l.Addr(), password)
	if err != nil {
		return fault.New(fault.Internal, errors.Join(err, l.Close()))
	}
	served := make(chan error, 1)
	go func() { served <- g.Serve(l) }()
	fmt.Fprintf(out, "listening on %s; end with Ctrl-C\n", l.Addr())
	fmt.Fprintf(out, "user       %s\npassword   %s\npin        sha256:%x\n", rehearsalUser, password, pin)
	fmt.Fprintf(out, "inside     http://%s/ http://%s/ http://[%s]/\n", insideName, inside4.Addr(), inside6.Addr())
	tick := time.NewTicker(countersEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			for _, s := range g.Sessions() {
				fmt.Fprintln(out, s)
			}
		case err := <-served:
			if err = errors.Join(err, g.Close()); err != nil {
				return fault.New(fault.Internal, err)
			}
			return nil
		case <-ctx.Done():
			err := errors.Join(g.Close(), <-served)
			if err != nil {
				return fault.New(fault.Internal, err)
			}
			return nil
		}
	}
}

// newRehearsal makes a gateway with one user and a small network behind it.
func newRehearsal(at net.Addr, password string) (*gateway.Gateway, [32]byte, error) {
	host, _, err := net.SplitHostPort(at.String())
	if err != nil {
		return nil, [32]byte{}, err
	}
	ident, err := gateway.SelfSigned(host, "localhost")
	if err != nil {
		return nil, [32]byte{}, err
	}
	in, err := inside.New(inside.Config{
		Addresses: []netip.Prefix{inside4, inside6},
		Zone:      map[string][]netip.Addr{insideName: {inside4.Addr(), inside6.Addr()}},
	})
	if err != nil {
		return nil, [32]byte{}, err
	}
	g, err := gateway.New(gateway.Config{
		Certificate: ident.Certificate,
		Users:       []gateway.User{{Name: rehearsalUser, Password: redact.NewString(password)}},
		Pools:       []netip.Prefix{netip.MustParsePrefix("10.11.0.0/24"), netip.MustParsePrefix("2001:db8:11::/64")},
		Settings: protocol.Settings{
			MTU: 1400, DNS: []netip.Addr{inside4.Addr()}, Search: []string{"rehearsal.example"}, DPD: 30 * time.Second, Keepalive: 20 * time.Second,
			SplitInclude:        []netip.Prefix{inside4.Masked(), inside6.Masked()},
			DisconnectedTimeout: 30 * time.Minute, IdleTimeout: 30 * time.Minute,
		},
		Inside: in, Log: slog.New(slog.DiscardHandler),
	})
	return g, ident.Pin, err
}
