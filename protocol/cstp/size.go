package cstp

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun"
)

const (
	// provePace is the pause between two rounds of asking before packets go by a channel.
	provePace = 100 * time.Millisecond
	// growWait is how long a larger size must have been proven before it is taken: inside a session the MTU else only goes down.
	growWait = 10 * time.Minute
	// minMTU6 is the least that IPv6 works with (RFC 8200 section 5).
	minMTU6 = 1280
)

var (
	errNarrow = errors.New("cstp: UDP carries no packet of a useful size")
	errMute   = errors.New("cstp: no answer to the first DPD by UDP")
	errFickle = errors.New("cstp: UDP came back and did not stay")
)

// pathMTUs are those that are met: Ethernet, PPPoE, the usual tunnels and their sums, mobile networks, and what every path has by RFC 8200 and RFC 791.
var pathMTUs = [...]int{576, 800, 1006, 1200, 1240, 1280, 1300, 1320, 1340, 1358, 1380, 1400, 1420, 1430, 1440, 1450, 1460, 1472, 1480, 1492}

// sizes lists, rising, the packets of less than most bytes that just fit a path that is met. least is among them.
func sizes(least, most int) (fit []int) {
	const outer = 20 + 8 // IPv4, UDP
	fit = append(fit, minMTU, least)
	for _, m := range pathMTUs {
		fit = append(fit, max(minMTU, m-outer-dtlstun.Overhead))
	}
	slices.Sort(fit)
	return slices.DeleteFunc(slices.Compact(fit), func(n int) bool { return n >= most })
}

// least is the smallest MTU that is worth having with these addresses.
func least(s *protocol.Settings) int {
	for _, a := range s.Addresses {
		if a.Addr().Is6() {
			return minMTU6
		}
	}
	return minMTU
}

// climber is a ladder or a search.
type climber interface {
	poll(l *link, now, pace time.Duration) (done bool, best int)
	due() time.Duration
}

// prove finds out what the channel carries, both ways and under this key: packets of full size, or, where only shorter DPD requests are answered, the longest that are.
// Nothing but what was answered is used. That may be another MTU for the tunnel, of which the agent is told.
func (d *datagrams) prove(l *link) error {
	full := d.set.Load().MTU
	var top ladder
	top.begin(l, l.act.now(), full)
	best, err := d.climb(l, &top)
	switch {
	case err != nil:
		return err
	case best < 0:
		return errMute
	case best == full:
		l.size.Store(int64(full))
		d.place.passed(d.outside(l, full))
		return nil
	}
	var below search
	below.start(l, l.act.now(), least(d.set.Load()), full)
	if best, err = d.climb(l, &below); err != nil {
		return err
	}
	return d.settle(l, max(0, best), full)
}

// climb polls until it is done.
func (d *datagrams) climb(l *link, c climber) (best int, err error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		hearing, now := l.act.hearing.next(), l.act.now()
		if done, best := c.poll(l, now, provePace); done {
			return best, nil
		}
		timer.Reset(c.due() - now)
		select {
		case <-hearing:
		case <-timer.C:
		case err := <-l.failed:
			return 0, err
		case <-d.ctx.Done():
			return 0, d.ctx.Err()
		}
	}
}

// outside is how long a packet is on the network.
func (d *datagrams) outside(l *link, packet int) int { return packet + l.ch.Overhead() + d.header }

// settle takes what a search below full has found: the tunnel's packets are that long from now on, or they do not go by UDP. Where longer ones did, by UDP or by TLS, the
// gateway is to know: what it sends is lost as well, and the TCP connection may be stuck, in one direction at least.
func (d *datagrams) settle(l *link, best, full int) (err error) {
	news := best > 0 && d.place.narrow(d.outside(l, best), d.outside(l, full))
	if best < least(d.set.Load()) {
		err = errNarrow
	} else {
		l.size.Store(int64(best))
		d.fit(best, fmt.Sprintf("by UDP packets of %d bytes do not come through", full))
	}
	if news && (d.lived || d.tls.act.long.Load() > 0) {
		d.renew(fmt.Sprintf("packets of more than %d bytes do not come through any more, and the gateway must know", d.outside(l, best)))
	}
	return err
}

// aim is the longest packet that would be sent if the path carried it.
func (d *datagrams) aim(l *link) int {
	_, was, _ := d.place.measured()
	return max(d.wish, was-d.outside(l, 0))
}

// widen takes what has come through for long enough: the tunnel's packets are as long as was negotiated, or, where less was as the path was narrow, there is a new
// tunnel, which negotiates again.
func (d *datagrams) widen(l *link) {
	const why = "packets of this size have come through by UDP for ten minutes"
	n := d.aim(l)
	d.place.passed(d.outside(l, n))
	l.size.Store(int64(d.wish))
	d.fit(d.wish, why)
	if n > d.wish {
		d.renew("longer packets have come through by UDP for ten minutes")
	}
}

// fit makes n the tunnel's MTU and has the agent told.
func (d *datagrams) fit(n int, why string) {
	was := d.set.Load().MTU
	if n == was {
		return
	}
	d.log.Info("cstp: another MTU", "mtu", n, "was", was, "why", why)
	d.known.Store(int64(n))
	d.why.Store(&why)
	d.change(func(s *protocol.Settings) { s.MTU = n })
	d.tell()
}

// change puts other settings in place of the present ones: those that others hold stay as they are.
func (d *datagrams) change(f func(*protocol.Settings)) {
	for {
		old := d.set.Load()
		next := *old
		f(&next)
		if d.set.CompareAndSwap(old, &next) {
			return
		}
	}
}

// fallBack is what Cisco's client does when DTLS did not come up in five retries: the tunnel has the MTU for TLS from then on, if that is less.
func (d *datagrams) fallBack() {
	if d.plain < d.set.Load().MTU {
		d.fit(d.plain, "there is no DTLS, and the gateway wants this by TLS")
	}
}
