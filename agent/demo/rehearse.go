package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol/gateway"
)

// rehearsalUser is the one account of a rehearsal.
const rehearsalUser = "rehearsal"

// countersEvery is how often sessions are shown while they live.
const countersEvery = 10 * time.Second

// Rehearse is `holdfast gateway`: it serves the embedded gateway on a real address, TLS by TCP and DTLS by UDP, until ctx ends. Its key, and the password of its one user, are made at every
// start and shown on out: they are worth nothing after it. in is where an administrator types (console.go); nobody waits for it at the end.
func Rehearse(ctx context.Context, listen string, in io.Reader, out io.Writer) error {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fault.Newf(fault.UseBad, err, "%v", err)
	}
	u, err := net.ListenPacket("udp", l.Addr().String())
	if err != nil {
		return fault.Newf(fault.UseBad, errors.Join(err, l.Close()), "%v", err)
	}
	password := rand.Text()
	g, pin, err := newRehearsal(l.Addr(), password)
	if err != nil {
		return fault.New(fault.Internal, errors.Join(err, l.Close(), u.Close()))
	}
	served := make(chan error, 2)
	go func() { served <- g.Serve(l) }()
	go func() { served <- g.ServeDatagrams(u) }()
	fmt.Fprintf(out, "listening on %s, TCP and UDP; end with Ctrl-C, \"help\" says what can be typed\n", l.Addr())
	fmt.Fprintf(out, "user       %s\npassword   %s\npin        sha256:%x\n", rehearsalUser, password, pin)
	fmt.Fprintf(out, "inside     http://%s/ http://%s/ http://[%s]/\n", webName, inside4.Addr(), inside6.Addr())
	tick := time.NewTicker(countersEvery)
	defer tick.Stop()
	con := console{g, out}
	typed := lines(ctx, in)
	for {
		select {
		case line, ok := <-typed:
			if !ok {
				typed = nil // nobody is there; serve on
				break
			}
			con.run(line)
		case <-tick.C:
			for _, s := range g.Sessions() {
				fmt.Fprintln(out, s)
			}
		case err := <-served:
			if err = errors.Join(err, g.Close(), <-served); err != nil {
				return fault.New(fault.Internal, err)
			}
			return nil
		case <-ctx.Done():
			err := errors.Join(g.Close(), <-served, <-served)
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
	in, err := newInside()
	if err != nil {
		return nil, [32]byte{}, err
	}
	g, err := gateway.New(gateway.Config{
		Certificate: ident.Certificate,
		Users:       []gateway.User{{Name: rehearsalUser, Password: redact.NewString(password)}},
		Pools:       pools, Settings: settings(), Inside: in,
	})
	return g, ident.Pin, err
}
