package cstp

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
	"github.com/holdfast-vpn/holdfast/protocol/patience"
)

const (
	// handshakeTime bounds one attempt. A gateway may overlook the first hello after another one for 3 s: two that are repeated come after that.
	handshakeTime = 6 * time.Second
	// retries is how often a channel that did not come up is tried again at a growing pace, before the tunnel is made to fit TLS and the pace is slowRetry.
	// The latter is short enough for DTLS to be back within a minute of the network's letting it pass, a handshake that was under way in vain included.
	retries   = 5
	slowRetry = 45 * time.Second
	// lateRetry is the longest first pause of a tunnel on a network that is known to block UDP.
	lateRetry = 16 * time.Second
	// holdTime is how long packets must have gone by DTLS before its failure counts as the first.
	holdTime = time.Minute
	// drainTime is how long a channel that was replaced is still read: what the gateway sent by it before it knew is on its way.
	drainTime = 50 * time.Millisecond
)

var (
	errSilent  = errors.New("cstp: UDP is silent while TLS answers")
	errUDPDead = errors.New("cstp: no answer to DPD by UDP")
	errRekey   = errors.New("cstp: time for new DTLS keys")
)

// retryAfter is the pause after so many failures in a row, 1 and up: 1, 2, 4, 8, 16 seconds, then slowRetry.
func retryAfter(failures int) time.Duration {
	if failures > retries {
		return slowRetry
	}
	return time.Second << (failures - 1)
}

// datagrams is the half of a Tunnel that goes by UDP. One goroutine makes the channel, proves it, watches it and makes it anew; packets take it only in between, and
// TLS otherwise, so that nothing waits for it.
//
//	dial, handshake --> a DPD of full size answered, --> live: data goes by UDP --> silent, dead, failed
//	  ^                 or the size found that is          |           ^                  |
//	  |                                                    | rekey     | narrower: prove  |
//	  |<-- beside the old one, which is still read --------'                              |
//	  '------ pause 1, 2, 4, 8, 16 s, then the MTU for TLS, and 45 s ---------------------'
//
// The pauses grow from one tunnel to the next on the same network (places), and until DTLS has held for a minute. One that keeps coming and going is used again only after it has answered
// for some seconds, the longer the more often it went.
type datagrams struct {
	dial  func(context.Context, uint16) (net.Conn, error) // nil: there is no DTLS
	keys  keys
	offer offer
	wish  int     // the MTU that was negotiated with DTLS in mind
	plain int     // the one for TLS
	tls   *Stream // asked for comparison
	rtt   time.Duration
	log   *slog.Logger
	place *place

	header int       // bytes of the outer IP and UDP headers
	lived  bool      // packets have gone by DTLS
	since  time.Time // from when on they do without a failure; zero: they do not

	night    night           // of the tunnel's control, too
	patience *patience.Clock // of everything that waits here and in the tunnel's control

	ctx   context.Context // ends with stop
	stop  context.CancelFunc
	links chan *link           // to whoever reads
	from  *link                // the reader's own: what it reads
	live  atomic.Pointer[link] // what data goes by; nil: TLS
	old   *link                // replaced, and read until its successor stands

	set   atomic.Pointer[protocol.Settings] // of the tunnel
	known atomic.Int64                      // the MTU that was found to fit; 0 none was looked for
	why   atomic.Pointer[string]            // the last change of the MTU

	news  chan struct{} // one token: something below, or the settings, are another
	shown atomic.Pointer[protocol.Transport]
	mute  atomic.Bool            // neither way answers
	want  atomic.Pointer[string] // why there should be a new tunnel
}

func newDatagrams(s *Stream, set *protocol.Settings, log *slog.Logger, not why, at *place) *datagrams {
	d := &datagrams{tls: s, log: log, place: at, links: make(chan *link), news: make(chan struct{}, 1)}
	d.night.turned.ch = make(chan struct{})
	d.ctx, d.stop = context.WithCancel(context.Background())
	d.set.Store(set)
	d.shown.Store(byTLS(not, time.Now()))
	return d
}

// ready takes what the gateway says of its DTLS, before anything runs. If it can be used the tunnel's MTU is the one for DTLS, or less where the session or the network is known for less.
func (d *datagrams) ready(r *Response, known int, k keys, dial func(context.Context, uint16) (net.Conn, error), rtt time.Duration) {
	o, not := r.offer(k)
	if o == nil {
		d.shown.Store(byTLS(not, time.Now()))
		return
	}
	set := d.set.Load()
	if set.RekeyTime > 0 && o.rekey >= set.RekeyTime {
		o.rekey = 0 // a new tunnel comes before, and brings new keys
	}
	d.plain = set.MTU
	set.MTU = o.limit(set)
	d.wish, d.header = set.MTU, 20+8
	if set.Gateway.Addr().Is6() {
		d.header = 40 + 8
	}
	if path, _, at := d.place.measured(); !at.IsZero() {
		known = max(0, path-d.header-dtlstun.Overhead)
		if d.tooNarrow() {
			known = 0 // packets go by TLS, which carries any
		}
	}
	if known > 0 {
		set.MTU = min(set.MTU, max(known, least(set)))
		d.known.Store(int64(known))
	}
	d.dial, d.keys, d.offer, d.rtt = dial, k, *o, rtt
	d.shown.Store(byTLS(whySetup, time.Now()))
	if failures, not, since := d.place.record(); failures > 0 {
		d.shown.Store(byTLS(not, since))
		if failures > retries && d.plain < set.MTU {
			set.MTU = d.plain
			d.known.Store(int64(d.plain))
		}
	}
}

// run is the goroutine.
func (d *datagrams) run() {
	defer d.forget()
	if wait := d.firstPause(); wait > 0 {
		now := *d.shown.Load()
		now.RetryAt = time.Now().Add(wait)
		d.show(now)
		if !d.pause(wait) {
			return
		}
	}
	for {
		err := d.attempt()
		if d.ctx.Err() != nil {
			return
		}
		if errors.Is(err, errRekey) {
			d.show(*byTLS(whyRekey, time.Now()))
			continue
		}
		d.forget()
		d.log.Info("cstp: packets go by TLS", "err", err)
		failures, since := d.place.failed(whyFor(err))
		wait := retryAfter(failures)
		if errors.Is(err, errNarrow) && d.tooNarrow() {
			wait = growWait
		}
		now := *byTLS(whyFor(err), since)
		now.RetryAt = time.Now().Add(wait)
		d.show(now)
		if unnoticed(err) {
			d.renew("the gateway may still send by UDP, where nothing arrives")
		}
		d.since = time.Time{}
		if failures > retries {
			d.fallBack()
		}
		if !d.pause(wait) {
			return
		}
	}
}

// firstPause is how long a new tunnel waits before it makes a channel: not at all, unless the network is known for what it does to DTLS. It inherits what is left of the pause that was
// under way: where new tunnels come more often than a pause is long, none would ever end.
func (d *datagrams) firstPause() time.Duration {
	failures, _, _ := d.place.record()
	switch {
	case d.tooNarrow():
		// Some gateways send by DTLS as soon as it is up, and all of that would be lost.
		_, _, at := d.place.measured()
		return max(0, growWait-time.Since(at))
	case failures > 0:
		return max(0, min(retryAfter(failures), lateRetry)-d.place.ago())
	}
	return 0
}

// tooNarrow reports whether the path was found to be too narrow for the tunnel's packets in datagrams.
func (d *datagrams) tooNarrow() bool {
	path, _, _ := d.place.measured()
	return path > 0 && path-d.header-dtlstun.Overhead < least(d.set.Load())
}

// pause waits and reports whether the tunnel is still there.
func (d *datagrams) pause(t time.Duration) bool {
	select {
	case <-d.ctx.Done():
		return false
	case <-time.After(t):
		return true
	}
}

// forget closes the channel that was to be replaced.
func (d *datagrams) forget() {
	if d.old != nil {
		_ = d.old.ch.Close()
		d.old = nil
	}
}

// attempt makes one channel and stays with it to its end. One that ends for new keys is left open, as the old one of the next.
func (d *datagrams) attempt() (err error) {
	l := &link{act: newActivity(), tls: d.tls.act, failed: make(chan error, 1)}
	ctx, cancel := context.WithTimeout(d.ctx, handshakeTime)
	defer cancel()
	conn, err := d.dial(ctx, d.offer.port)
	if err != nil {
		return err
	}
	if l.ch, err = d.offer.open(ctx, conn, d.keys, l.heard); err != nil {
		return err
	}
	defer func() {
		if errors.Is(err, errRekey) {
			d.old = l
			return
		}
		_ = l.ch.Close()
	}()
	if d.old != nil {
		d.old.ch.Retire(drainTime)
	}
	select {
	case d.links <- l:
	case <-d.ctx.Done():
		return d.ctx.Err()
	}
	d.forget()
	if err = d.prove(l); err == nil {
		err = d.trust(l)
	}
	if err == nil {
		err = d.use(l)
	}
	return err
}

// unnoticed reports whether the end of a channel is one that the gateway may know nothing of: then it goes on sending there for a while.
func unnoticed(err error) bool {
	return errors.Is(err, errSilent) || errors.Is(err, errUDPDead) || errors.Is(err, errMute) || errors.Is(err, errFickle)
}

// trust waits, where DTLS has failed again and again, until it has answered for some seconds, packets of full size included.
func (d *datagrams) trust(l *link) error {
	if !d.since.IsZero() {
		return nil // new keys, and no failure
	}
	for d.place.onTrial() {
		if !d.pause(time.Second) {
			return d.ctx.Err()
		}
		var again ladder
		again.begin(l, l.act.now(), int(l.size.Load()))
		if best, err := d.climb(l, &again); err != nil {
			return err
		} else if best <= 0 {
			return errFickle
		}
		d.place.answered()
	}
	return nil
}

// use has packets go by a channel as long as it is of use.
func (d *datagrams) use(l *link) error {
	d.lived = true
	if d.since.IsZero() {
		d.since = time.Now()
	}
	d.live.Store(l)
	d.log.Info("cstp: packets go by DTLS", "cipher", l.ch.Cipher(), "size", l.size.Load())
	d.show(protocol.Transport{Name: "dtls", Cipher: l.ch.Cipher(), Since: d.since})
	err := d.watch(l)
	d.live.CompareAndSwap(l, nil)
	d.mute.Store(false)
	return err
}

// renew asks for a new tunnel.
func (d *datagrams) renew(why string) {
	d.want.Store(&why)
	d.tell()
}

// byTLS is the status while packets go by TLS.
func byTLS(not why, since time.Time) *protocol.Transport {
	return &protocol.Transport{Name: "tls", Reason: not.text, Code: not.code, Since: since}
}

// show changes what the status says, if it is another.
func (d *datagrams) show(t protocol.Transport) {
	if *d.shown.Load() != t {
		d.shown.Store(&t)
	}
	d.tell()
}

// tell wakes the control goroutine.
func (d *datagrams) tell() {
	select {
	case d.news <- struct{}{}:
	default:
	}
}

// ReadBatch is the second Receiver of the Tunnel's carrier: it reads one channel after the other, and waits in between.
func (d *datagrams) ReadBatch(b *packet.Batch) error {
	for {
		if d.ctx.Err() != nil {
			return fault.New(fault.NetLost, net.ErrClosed)
		}
		if d.from == nil {
			select {
			case d.from = <-d.links:
			case <-d.ctx.Done():
				continue
			}
		}
		err := d.from.ch.ReadBatch(b)
		if err == nil {
			d.from.act.noteLong(b)
			return nil
		}
		d.from.fail(err)
		d.from = nil
	}
}
