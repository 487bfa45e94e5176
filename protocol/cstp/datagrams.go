package cstp

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

const (
	// handshakeTime bounds one attempt. A gateway may overlook the first hello after another one for 3 s: two that are repeated come after that.
	handshakeTime = 6 * time.Second
	// proofs is how often the packet of full size is sent before the way counts as too narrow.
	proofs    = 5
	proofWait = 400 * time.Millisecond
	// slowRetry is the pace once the first retries have failed.
	slowRetry = 2 * time.Minute
)

var (
	errNarrow  = errors.New("cstp: UDP carries no packet of full size")
	errSilent  = errors.New("cstp: UDP is silent while TLS answers")
	errUDPDead = errors.New("cstp: no answer to DPD by UDP")
	errRekey   = errors.New("cstp: time for new DTLS keys")
)

// retryAfter is the pause after so many failures in a row, 0 and up: 1, 2, 4, 8, 16 seconds, then slowRetry.
func retryAfter(failures int) time.Duration {
	if failures > 4 {
		return slowRetry
	}
	return time.Second << failures
}

// datagrams is the half of a Tunnel that goes by UDP. One goroutine makes the channel, proves it, watches it and makes it anew; packets take it only in between, and
// TLS otherwise, so that nothing waits for it.
//
//	dial, handshake --> a DPD of full size answered --> live: data goes by UDP --> silent, dead, failed, rekey
//	  ^                     pause 1, 2, 4, 8, 16 s, then 2 min                                  |
//	  '-----------------------------------------------------------------------------------------'
type datagrams struct {
	dial  func(context.Context, uint16) (net.Conn, error) // nil: there is no DTLS
	key   redact.Secret
	offer offer
	size  int     // the longest packet, which must pass before any does
	tls   *Stream // asked for comparison
	rtt   time.Duration
	log   *slog.Logger

	ctx   context.Context // ends with stop
	stop  context.CancelFunc
	links chan *link           // to whoever reads
	from  *link                // the reader's own: what it reads
	live  atomic.Pointer[link] // what data goes by; nil: TLS

	news  chan struct{} // one token: something below is another
	shown atomic.Pointer[protocol.Transport]
	mute  atomic.Bool // neither way answers
	stale atomic.Bool // the gateway may go on sending where nothing arrives
}

func newDatagrams(s *Stream, log *slog.Logger, why string) *datagrams {
	d := &datagrams{tls: s, log: log, links: make(chan *link), news: make(chan struct{}, 1)}
	d.ctx, d.stop = context.WithCancel(context.Background())
	d.shown.Store(&protocol.Transport{Name: "tls", Reason: why})
	return d
}

// ready takes what the gateway says of its DTLS. If it can be used the settings are made to fit it.
func (d *datagrams) ready(r *Response, set *protocol.Settings, key redact.Secret, dial func(context.Context, uint16) (net.Conn, error), rtt time.Duration) {
	o, why := r.offer()
	if o == nil {
		d.shown.Store(&protocol.Transport{Name: "tls", Reason: why})
		return
	}
	set.MTU = o.limit(set)
	d.dial, d.key, d.offer, d.size, d.rtt = dial, key, *o, set.MTU, rtt
	d.shown.Store(&protocol.Transport{Name: "tls", Reason: whySetup})
}

// run is the goroutine.
func (d *datagrams) run() {
	for failures := 0; ; {
		worked, err := d.attempt()
		if d.ctx.Err() != nil {
			return
		}
		if worked {
			failures = 0
			if errors.Is(err, errRekey) {
				d.show(protocol.Transport{Name: "tls", Reason: whyRekey})
				continue
			}
		}
		d.log.Info("cstp: packets go by TLS", "err", err)
		d.show(protocol.Transport{Name: "tls", Reason: reasonFor(err)})
		select {
		case <-d.ctx.Done():
			return
		case <-time.After(retryAfter(failures)):
			failures++
		}
	}
}

// attempt makes one channel and stays with it to its end. worked: packets went by it.
func (d *datagrams) attempt() (worked bool, err error) {
	l := &link{act: newActivity(), tls: d.tls.act, size: d.size, failed: make(chan error, 1)}
	ctx, cancel := context.WithTimeout(d.ctx, handshakeTime)
	defer cancel()
	conn, err := d.dial(ctx, d.offer.port)
	if err != nil {
		return false, err
	}
	if l.ch, err = dtlstun.Dial(ctx, conn, dtlstun.Config{AppID: d.offer.appID, Key: d.key, Heard: l.heard}); err != nil {
		return false, err
	}
	defer func() { _ = l.ch.Close() }()
	select {
	case d.links <- l:
	case <-d.ctx.Done():
		return false, d.ctx.Err()
	}
	if err := d.prove(l); err != nil {
		return false, err
	}
	d.live.Store(l)
	d.log.Info("cstp: packets go by DTLS", "cipher", l.ch.Cipher())
	d.show(protocol.Transport{Name: "dtls", Cipher: l.ch.Cipher()})
	err = d.watch(l)
	d.live.CompareAndSwap(l, nil)
	d.mute.Store(false)
	d.stale.Store(errors.Is(err, errSilent) || errors.Is(err, errUDPDead))
	return true, err
}

// prove sends a DPD request as long as the longest packet until it is answered in full: what packets will need has worked, both ways and under this key.
func (d *datagrams) prove(l *link) error {
	probe := make([]byte, d.size)
	for range proofs {
		if err := l.write(dtlstun.TypeDPDReq, probe); err != nil {
			return err
		}
		timer := time.NewTimer(max(proofWait, 3*d.rtt))
		for late := false; !late; {
			hearing := l.act.hearing.next()
			if l.whole.Load() {
				timer.Stop()
				return nil
			}
			select {
			case <-hearing:
			case <-timer.C:
				late = true
			case err := <-l.failed:
				return err
			case <-d.ctx.Done():
				return d.ctx.Err()
			}
		}
	}
	return errNarrow
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
			return nil
		}
		d.from.fail(err)
		d.from = nil
	}
}

// reasonFor is an error as `state` explains why packets go by TLS.
func reasonFor(err error) string {
	var f *fault.Error
	switch {
	case errors.Is(err, dtlstun.ErrNoAnswer):
		return "UDP blocked"
	case errors.Is(err, dtlstun.ErrRefused):
		return "UDP blocked: nobody listens on the gateway's port"
	case errors.Is(err, errSilent), errors.Is(err, errUDPDead):
		return "UDP blocked: the gateway stopped answering there"
	case errors.Is(err, errNarrow):
		return "UDP carries no packets of full size"
	case errors.Is(err, dtlstun.ErrClosed):
		return "the gateway ended DTLS"
	case errors.As(err, &f):
		return "UDP: " + f.Sentence()
	}
	return "handshake failed: " + fault.Clean(err.Error())
}
