package cstp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun"
)

const (
	// proofs is how often a packet of full size is sent before the way counts as too narrow, proofWait how long each has for its answer at least.
	proofs    = 5
	proofWait = 400 * time.Millisecond
	// tries and tryWait are the same for one size of a search.
	tries   = 3
	tryWait = 200 * time.Millisecond
	// maxSearch bounds a search: seven sizes may fail, on a path of one second.
	maxSearch = 30 * time.Second
	// growWait is how long a larger size must have been proven before it is taken: inside a session the MTU else only goes down.
	growWait = 10 * time.Minute
	// minMTU6 is the least that IPv6 works with (RFC 8200 section 5).
	minMTU6 = 1280
)

var (
	errNarrow = errors.New("cstp: UDP carries no packet of a useful size")
	errMute   = errors.New("cstp: no answer to the first DPD by UDP")
	errShrunk = errors.New("cstp: UDP carries no packet of full size any more")
)

// pathMTUs are those that are met: Ethernet, PPPoE, the usual tunnels and their sums, mobile networks, and what every path has by RFC 8200 and RFC 791.
var pathMTUs = [...]int{576, 800, 1006, 1200, 1240, 1280, 1300, 1320, 1340, 1358, 1380, 1400, 1420, 1430, 1440, 1450, 1460, 1472, 1480, 1492}

// sizes lists, rising, the packets that just fit a path that is met, of least to most bytes.
func sizes(least, most int) (fit []int) {
	const outer = 20 + 8 // IPv4, UDP
	if most > least {
		fit = append(fit, least)
	}
	for _, m := range pathMTUs {
		if n := m - outer - dtlstun.Overhead; n > least && n < most {
			fit = append(fit, n)
		}
	}
	return fit
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

// prove finds out what the channel carries, both ways and under this key: packets of full size, or, where only shorter DPD requests are answered, the longest that are.
// Nothing but what was answered is used. That may be another MTU for the tunnel, of which the agent is told.
func (d *datagrams) prove(l *link) error {
	full := d.set.Load().MTU
	l.echo.Store(0)
	for i := range proofs {
		if err := l.write(dtlstun.TypeDPDReq, nil); err != nil {
			return err
		}
		passes, err := d.passes(l, full, 1, proofWait)
		if passes || err != nil {
			l.size.Store(int64(full))
			return err
		}
		if l.echo.Load() > 0 && (l.ch.TooBig() || i+1 >= tries) { // shorter ones pass
			break
		}
	}
	if l.echo.Load() == 0 {
		return errMute
	}
	n, err := d.search(l, full)
	if err != nil {
		return err
	}
	l.size.Store(int64(n))
	d.fit(n, fmt.Sprintf("by UDP packets of %d bytes do not come through", full))
	return nil
}

// search halves the sizes that are met below full until the longest that passes is found.
func (d *datagrams) search(l *link, full int) (int, error) {
	ctx, cancel := context.WithTimeout(d.ctx, maxSearch)
	defer cancel()
	all := sizes(least(d.set.Load()), full)
	low, high := 0, len(all) // all[:low] pass, all[high:] do not
	for low < high && ctx.Err() == nil {
		mid := (low + high) / 2
		passes, err := d.passes(l, all[mid], tries, tryWait)
		switch {
		case err != nil:
			return 0, err
		case passes:
			low = mid + 1
		default:
			high = mid
		}
	}
	if low == 0 {
		return 0, errNarrow
	}
	return all[low-1], nil
}

// passes sends a DPD request of a packet's size until it is answered in full, at most so often.
func (d *datagrams) passes(l *link, size, times int, wait time.Duration) (bool, error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for range times {
		if err := l.write(dtlstun.TypeDPDReq, make([]byte, size)); err != nil {
			return false, err
		}
		timer.Reset(max(wait, 3*d.rtt))
		for late := false; !late; {
			hearing := l.act.hearing.next()
			if l.echo.Load() >= int64(size)+1 {
				return true, nil
			}
			select {
			case <-hearing:
			case <-timer.C:
				late = true
			case err := <-l.failed:
				return false, err
			case <-d.ctx.Done():
				return false, d.ctx.Err()
			}
		}
	}
	return false, nil
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

// trial asks, within a watch and so without waiting, whether a size passes.
type trial struct {
	size int // 0 none is under way
	sent int
	from time.Duration // when it began
	next time.Duration // when the next request goes, or the last one has had its time
}

// due is when it wants to be polled, 0 when none is under way.
func (t *trial) due() time.Duration {
	if t.size == 0 {
		return 0
	}
	return t.next
}

// begin starts it now.
func (t *trial) begin(l *link, size int, now time.Duration) {
	l.echo.Store(0)
	*t = trial{size: size, from: now, next: now}
}

// poll sends what is due. done: it is over, and passed says how.
func (t *trial) poll(l *link, now, pace time.Duration) (done, passed bool) {
	switch {
	case t.size == 0:
		return false, false
	case l.echo.Load() >= int64(t.size)+1:
		t.size = 0
		return true, true
	case now < t.next:
		return false, false
	case t.sent == tries:
		t.size = 0
		return true, false
	}
	t.sent, t.next = t.sent+1, now+pace
	_ = l.write(dtlstun.TypeDPDReq, make([]byte, t.size))
	return false, false
}
