package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
)

// play is the demo's script.
type play struct {
	w      *world
	show   *screen
	seen   *watcher
	pulse  *pulse
	rows   []Row
	failed int
}

// patience is how long any one thing may take before the demo calls it failed.
const patience = 15 * time.Second

// check shows how a check went and counts failures. Whatever fails once the demo is interrupted failed because of that, and is not shown.
func (p *play) check(ctx context.Context, ok bool, format string, args ...any) bool {
	if !ok && ctx.Err() != nil {
		return false
	}
	p.show.verdict(ok, format, args...)
	if !ok {
		p.failed++
	}
	return ok
}

// run is the whole script. Its error is of the demo itself; checks that fail are counted.
func (p *play) run(ctx context.Context) error {
	p.show.opening()
	seen, err := watch(ctx, p.w, p.show)
	if err != nil {
		return err
	}
	p.seen = seen
	if err := p.login(ctx); err != nil {
		return err
	}
	defer func() { p.pulse.stop() }()
	if err := p.traffic(ctx); err != nil {
		return err
	}
	for _, b := range []breakage{
		{title: "The Wi-Fi is gone for 2 seconds", what: "Wi-Fi gone", hold: 2 * time.Second,
			doing: "Wi-Fi off", undoing: "Wi-Fi on", since: "after the Wi-Fi", breaks: func() error { p.w.laptop.setWiFi(false); return nil }, mends: func() error { p.w.laptop.setWiFi(true); return nil }},
		{title: "A firewall on the way begins to drop UDP", what: "UDP blocked", hold: time.Second, around: true,
			doing: "UDP blocked", undoing: "UDP passes", since: "later", breaks: func() error { p.w.wifi.BlockUDP(true); return nil }, mends: func() error { p.w.wifi.BlockUDP(false); return nil }},
		{title: "The gateway restarts, and keeps its sessions", what: "gateway restarted", hold: 1500 * time.Millisecond,
			doing: "gateway stopped", undoing: "gateway is back", since: "after the gateway", breaks: func() error { p.w.gateway.Restart(true); return nil }, mends: p.w.serveGateway},
		{title: "The router's NAT forgets every connection, without a word", what: "NAT forgot us",
			doing: "NAT table cleared", since: "later", breaks: func() error { p.w.nat.Rebind(); return nil }},
		{title: "The session is revoked: now, and only now, the user is asked", what: "session revoked", fresh: true,
			doing: "session revoked", breaks: p.revoke},
	} {
		if err := p.broken(ctx, b); err != nil {
			return err
		}
	}
	if err := p.leave(ctx); err != nil {
		return err
	}
	p.show.line("")
	p.show.table(p.rows)
	return ctx.Err()
}

// login connects as a user would.
func (p *play) login(ctx context.Context) error {
	p.show.step(1, "Log in at "+gatewayName+" with a password and a one-time code")
	began := time.Now()
	if _, err := p.w.client.Connect(ctx, ipc.ConnectRequest{Target: gatewayName, CAPEM: string(p.w.ident.CAPEM)}); err != nil {
		return err
	}
	s, ok := p.seen.until(ctx, patience, connected)
	if !ok {
		return fmt.Errorf("not connected but %s: %+v", s.State, s.Error)
	}
	p.check(ctx, len(s.Addresses) == 2, "connected in %d ms as %s", time.Since(began).Milliseconds(), bare(s.Addresses))
	return p.startPulse(ctx)
}

func (p *play) startPulse(ctx context.Context) error {
	stack, err := p.w.laptop.current()
	if err != nil {
		return err
	}
	p.pulse, err = startPulse(ctx, stack, netip.AddrPortFrom(web4, 7))
	return err
}

// bare is a list of inside addresses without the lengths of their networks.
func bare(addresses []string) string {
	var out []string
	for _, a := range addresses {
		a, _, _ = strings.Cut(a, "/")
		out = append(out, a)
	}
	return strings.Join(out, " and ")
}

func connected(s ipc.State) bool { return s.State == "connected" }

func byDTLS(s ipc.State) bool { return connected(s) && s.Transport == "dtls" }

// traffic uses the inside network: pages by name over both families, and as much as goes through in a second.
func (p *play) traffic(ctx context.Context) error {
	p.show.step(2, "Use the inside network")
	s, ok := p.seen.until(ctx, patience, byDTLS)
	p.check(ctx, ok, "packets travel by %s", s.Cipher)
	stack, err := p.w.laptop.current()
	if err != nil {
		return err
	}
	for _, network := range []string{"ip4", "ip6"} {
		client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				addrs, err := p.w.laptop.lookup(ctx, network, webName)
				if err != nil {
					return nil, err
				}
				return stack.DialTCP(ctx, netip.AddrPortFrom(addrs[0].Unmap(), 80))
			}}}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+webName+"/", nil)
		if err != nil {
			return err
		}
		var text []byte
		resp, err := client.Do(req)
		if err == nil {
			text, err = io.ReadAll(io.LimitReader(resp.Body, 1<<10))
			err = errors.Join(err, resp.Body.Close())
		}
		said := strings.TrimSpace(string(text))
		if err != nil {
			said = err.Error()
		}
		p.check(ctx, err == nil && resp.StatusCode == http.StatusOK, "%s over IPv%s: %q", webName, network[2:], said)
	}
	got, took, err := p.burst(ctx)
	p.check(ctx, err == nil && got > 0, "%d MB in %.1f s through the tunnel: %.0f Mbit/s, with both ends in one process", got/1e6, took.Seconds(), float64(got)*8/1e6/took.Seconds())
	return ctx.Err()
}

// burst takes what the inside source gives in a second.
func (p *play) burst(ctx context.Context) (int64, time.Duration, error) {
	stack, err := p.w.laptop.current()
	if err != nil {
		return 0, 1, err
	}
	c, err := stack.DialTCP(ctx, netip.AddrPortFrom(web4, 19))
	if err != nil {
		return 0, 1, err
	}
	defer c.Close()
	began := time.Now()
	if err := c.SetReadDeadline(began.Add(time.Second)); err != nil {
		return 0, 1, err
	}
	n, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{c}, make([]byte, 256<<10))
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		err = nil
	}
	return n, time.Since(began), err
}

// breakage is one thing that goes wrong, and how it is mended.
type breakage struct {
	title, what    string
	doing, undoing string
	since          string // what the time until traffic was back counts from
	hold           time.Duration
	breaks, mends  func() error
	around         bool // traffic finds another way, and is back before anything is mended
	fresh          bool // only a new login helps
}

// broken breaks something, mends it, and measures what a user notices.
func (p *play) broken(ctx context.Context, b breakage) error {
	p.show.breaking(3+len(p.rows), b.title)
	before, _ := p.seen.until(ctx, patience, connected)
	asked := p.seen.questions()
	count := reconnects(before)
	if err := pause(ctx, lead); err != nil {
		return err
	}
	began := time.Now()
	p.show.did(began, red, b.doing)
	if err := b.breaks(); err != nil {
		return err
	}
	mended, noticed := began, began
	if b.mends != nil {
		if b.around {
			p.seen.until(ctx, patience, func(s ipc.State) bool { return !byDTLS(s) })
			noticed = time.Now()
			p.pulse.back(ctx, began, patience)
		}
		if err := pause(ctx, time.Until(began.Add(b.hold))); err != nil {
			return err
		}
		mended = time.Now()
		p.show.did(mended, green, b.undoing)
		if err := b.mends(); err != nil {
			return err
		}
	}
	r := Row{What: b.what, ForMS: mended.Sub(began).Milliseconds(), fresh: b.fresh}
	if b.fresh {
		if err := p.renewed(ctx, before); err != nil {
			return err
		}
	}
	lost := p.pulse.intact(ctx, patience)
	r.StreamKept = lost == nil
	first, alive := p.pulse.back(ctx, began, patience)
	after, back := p.seen.until(ctx, patience, connected)
	since := mended
	if b.around {
		since, r.DetectedMS = began, noticed.Sub(began).Milliseconds()
	}
	r.BackMS, r.Asked, r.SameAddr = max(0, first.Sub(since)).Milliseconds(), p.seen.questions()-asked, slices.Equal(before.Addresses, after.Addresses)
	if l := after.LastReconnect; l != nil && reconnects(after) > count && !b.around {
		r.DetectedMS, r.Level = l.DetectedMS, l.Level
	}
	r.OK = back && alive && r.StreamKept && (b.fresh && r.Asked > 0 || !b.fresh && r.Asked == 0 && r.SameAddr)
	if err := pause(ctx, time.Until(first.Add(2*lead+beat))); err != nil {
		return err
	}
	p.show.strip(p.pulse.strip(began.Add(-lead), first.Add(2*lead)))
	p.rows = append(p.rows, r)
	switch {
	case !r.OK:
		p.check(ctx, false, "it did not come back as it should: %s, %+v, %v", after.State, r, lost)
	case b.fresh:
		p.check(ctx, true, "the gateway said that the session is over; one login, and traffic was back %d ms later", r.BackMS)
	default:
		p.check(ctx, true, "traffic was back %d ms %s; nobody was asked, %s was kept, and the TCP connection inside lost no byte", r.BackMS, b.since, bare(before.Addresses[:1]))
	}
	if b.around {
		_, ok := p.seen.until(ctx, patience, byDTLS)
		p.check(ctx, ok, "meanwhile packets went by TLS; they went by DTLS again %.1f s after UDP passed", time.Since(mended).Seconds())
	}
	return ctx.Err()
}

// lead is what the strip shows of the time before something broke; it shows twice that after traffic was back.
const lead = 300 * time.Millisecond

// pause waits, and is short when the demo is interrupted.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// renewed waits for the session that follows one that was ended at the gateway, and starts the pulse again: another session is another set of connections.
func (p *play) renewed(ctx context.Context, old ipc.State) error {
	s, ok := p.seen.until(ctx, patience, func(s ipc.State) bool {
		// The times are made anew from two clocks for each state, and differ by as much as lies between looking at them.
		return connected(s) && s.Session != nil && s.Session.Started.After(old.Session.Started.Add(time.Second))
	})
	if !ok {
		return fmt.Errorf("no new session: %s, %+v", s.State, s.Error)
	}
	was := p.pulse
	was.stop()
	if err := p.startPulse(ctx); err != nil {
		return err
	}
	p.pulse.continues(was)
	return nil
}

// reconnects counts those of both levels.
func reconnects(s ipc.State) uint64 {
	if s.Reconnects == nil {
		return 0
	}
	return s.Reconnects.Tunnel + s.Reconnects.Session
}

// revoke ends the session at the gateway.
func (p *play) revoke() error {
	for _, s := range p.w.gateway.Sessions() {
		if p.w.gateway.Revoke(s.ID) {
			return nil
		}
	}
	return errors.New("demo: the gateway has no session to revoke")
}

// leave disconnects and looks at what is left.
func (p *play) leave(ctx context.Context) error {
	p.show.step(3+len(p.rows), "Disconnect")
	p.pulse.stop()
	if err := p.w.client.Disconnect(ctx); err != nil {
		return err
	}
	_, down := p.seen.until(ctx, patience, func(s ipc.State) bool { return s.State == "disconnected" })
	for end := time.Now().Add(time.Second); len(p.w.gateway.Sessions()) > 0 && time.Now().Before(end); {
		if err := pause(ctx, beat); err != nil {
			return err
		}
	}
	p.check(ctx, down && p.w.laptop.Clean() && len(p.w.gateway.Sessions()) == 0, "the gateway has forgotten the session, and the laptop is as it was before")
	return nil
}
