package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol/gateway"
)

// rehearsalUser is the one account of a rehearsal.
const rehearsalUser = "rehearsal"

// countersEvery is how often sessions are shown while they live.
const countersEvery = 10 * time.Second

// stage is a gateway on a real address, and what is broken of it at the moment. One goroutine has it.
type stage struct {
	g       *gateway.Gateway
	at      string // its address
	out     io.Writer
	served  chan error // of Serve and ServeDatagrams
	serving int        // how many of them run
	mending map[string]mend
}

// mend ends a trouble.
type mend struct {
	at  time.Time
	end func()
}

// RehearseOptions say what sort of gateway it is.
type RehearseOptions struct {
	Listen  string // ADDR:PORT
	Browser bool   // its user signs in at a web page
}

// Rehearse is `holdfast gateway`: it serves the embedded gateway on a real address, TLS by TCP and DTLS by UDP, until ctx ends. Its key, and the password of its one user, are made at every
// start and shown on out: they are worth nothing after it. in is where an administrator types (console.go, orders.go);
// nobody waits for it at the end.
func Rehearse(ctx context.Context, o RehearseOptions, in io.Reader, out io.Writer) error {
	l, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return fault.Newf(fault.UseBad, err, "%v", err)
	}
	password := rand.Text()
	g, pin, err := newRehearsal(l.Addr(), password, o.Browser)
	if err != nil {
		return fault.New(fault.Internal, errors.Join(err, l.Close()))
	}
	r := &stage{g: g, at: l.Addr().String(), out: out, served: make(chan error), mending: map[string]mend{}}
	r.serve(func() error { return g.Serve(l) })
	if err := r.serveUDP(); err != nil {
		return errors.Join(fault.Newf(fault.UseBad, err, "%v", err), r.close())
	}
	fmt.Fprintf(out, "listening on %s, TCP and UDP; end with Ctrl-C, \"help\" says what can be typed\n", l.Addr())
	fmt.Fprintf(out, "user       %s\npassword   %s\npin        sha256:%x\n", rehearsalUser, password, pin)
	if o.Browser {
		fmt.Fprintln(out, "sign in    in a browser, which will warn of the certificate: nobody vouches for it")
	}
	fmt.Fprintf(out, "inside     http://%s/ http://%s/ http://[%s]/\n", webName, inside4.Addr(), inside6.Addr())
	aside()
	err = r.run(ctx, lines(ctx, in))
	if err = errors.Join(err, r.close()); err != nil {
		return fault.New(fault.Internal, err)
	}
	return nil
}

// run shows sessions, takes orders and mends what is over, until ctx ends or the gateway fails.
func (r *stage) run(ctx context.Context, orders <-chan string) error {
	tick := time.NewTicker(countersEvery)
	defer tick.Stop()
	for {
		var due <-chan time.Time
		if next, ok := r.next(); ok {
			due = time.After(time.Until(next))
		}
		select {
		case <-tick.C:
			for _, s := range r.g.Sessions() {
				fmt.Fprintln(r.out, s)
			}
		case line, ok := <-orders:
			if !ok {
				orders = nil // nobody is there; serve on
				break
			}
			r.order(line)
		case <-due:
			r.mend(time.Now())
		case err := <-r.served:
			if r.serving--; err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// order carries out a line: what breaks the gateway has a = in it, the rest is the console's.
func (r *stage) order(line string) {
	line = strings.TrimSpace(line)
	con := console{r.g, r.out}
	switch {
	case line == "off":
		r.mend(time.Time{})
	case line == "help":
		_ = con.help()
		fmt.Fprint(r.out, orderHelp())
	case strings.Contains(line, "="):
		r.breaks(line)
	default:
		con.run(line)
	}
}

// breaks begins a trouble, in the place of the one of its name.
func (r *stage) breaks(line string) {
	o, why := parseOrder(line)
	if why != "" {
		fmt.Fprintln(r.out, "error:", why)
		return
	}
	if m, ok := r.mending[o.what]; ok {
		m.end()
		delete(r.mending, o.what)
	}
	fmt.Fprintln(r.out, "broken    ", line)
	if end := troubles[o.what].begin(r, o); end != nil {
		r.mending[o.what] = mend{time.Now().Add(o.lasts), end}
	}
}

// next is when something is to be mended.
func (r *stage) next() (at time.Time, ok bool) {
	for _, m := range r.mending {
		if !ok || m.at.Before(at) {
			at, ok = m.at, true
		}
	}
	return at, ok
}

// mend ends what is over by now; the zero time is later than all.
func (r *stage) mend(now time.Time) {
	for _, what := range slices.Sorted(maps.Keys(r.mending)) {
		if m := r.mending[what]; now.IsZero() || !now.Before(m.at) {
			delete(r.mending, what)
			m.end()
			fmt.Fprintln(r.out, "mended    ", what)
		}
	}
}

// back opens the ports that are closed.
func (r *stage) back() {
	if l, err := net.Listen("tcp", r.at); err == nil { // else it is open
		r.serve(func() error { return r.g.Serve(l) })
	}
	_ = r.serveUDP() // the same
}

func (r *stage) serveUDP() error {
	u, err := net.ListenPacket("udp", r.at)
	if err != nil {
		return err
	}
	r.serve(func() error { return r.g.ServeDatagrams(u) })
	return nil
}

func (r *stage) serve(f func() error) {
	r.serving++
	go func() { r.served <- f() }()
}

// close ends the gateway and waits for all that it serves.
func (r *stage) close() error {
	err := r.g.Close()
	for ; r.serving > 0; r.serving-- {
		err = errors.Join(err, <-r.served)
	}
	return err
}

// newRehearsal makes a gateway with one user, who signs in in a browser or by form, and a small network behind it.
func newRehearsal(at net.Addr, password string, browser bool) (*gateway.Gateway, [32]byte, error) {
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
	var groups []gateway.Group
	if browser {
		groups = []gateway.Group{{Name: "web", Label: "In the browser", Browser: true}}
	}
	g, err := gateway.New(gateway.Config{
		Certificate: ident.Certificate, Groups: groups,
		Users: []gateway.User{{Name: rehearsalUser, Password: redact.NewString(password)}},
		Pools: pools, Settings: settings(), Inside: in,
	})
	return g, ident.Pin, err
}
