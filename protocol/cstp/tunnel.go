package cstp

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// notesQueue is the room for notifications that nobody took yet.
const notesQueue = 16

// probePause is the first pause of a probe before it asks again; each is twice the one before.
const probePause = 30 * time.Millisecond

// goodbye is the text of our DISCONNECT.
const goodbye = "user request"

// Tunnel is the client's tunnel. What comes is read by whoever calls ReadBatch on its carrier: without a reader no answer is seen.
type Tunnel struct {
	stream   *Stream
	udp      *datagrams
	sock     net.Conn           // for TCP_INFO
	settings *protocol.Settings // as negotiated; those of now are the udp's
	ref      protocol.SessionRef
	rtt      time.Duration
	log      *slog.Logger

	notes chan protocol.Notification
	ended chan error // the first failure of reader or writer
	done  chan struct{}
	end   *ending
	wg    sync.WaitGroup
}

var _ protocol.Tunnel = (*Tunnel)(nil)

// newTunnel starts the goroutines, which Close ends.
func newTunnel(udp *datagrams, sock net.Conn, ref protocol.SessionRef, rtt time.Duration, log *slog.Logger) *Tunnel {
	t := &Tunnel{
		stream: udp.tls, udp: udp, sock: sock, settings: udp.set.Load(), ref: ref, rtt: rtt, log: log,
		notes: make(chan protocol.Notification, notesQueue), ended: make(chan error, 1), done: make(chan struct{}), end: newEnding(),
	}
	first := udp.shown.Load() // before anything can change it: a change that came first would never be told
	t.wg.Go(func() { t.control(first, t.settings) })
	if udp.dial != nil {
		t.wg.Go(udp.run)
	}
	return t
}

// Settings returns what the gateway gave, and the MTU that was found to fit. It must not be changed.
func (t *Tunnel) Settings() *protocol.Settings { return t.udp.set.Load() }

// Session returns the right to come back.
func (t *Tunnel) Session() protocol.SessionRef {
	ref := t.ref
	ref.MTU = int(t.udp.known.Load())
	return ref
}

// Carrier returns the carrier, always the same: it sends by DTLS while that works and by TLS otherwise. Where there may be DTLS it is protocol.Doubled, too.
func (t *Tunnel) Carrier() protocol.Carrier {
	if t.udp.dial == nil {
		return (*carrier)(t)
	}
	return doubled{(*carrier)(t)}
}

// Transport says what packets travel by now.
func (t *Tunnel) Transport() protocol.Transport { return *t.udp.shown.Load() }

// Notifications returns the channel that Close closes.
func (t *Tunnel) Notifications() <-chan protocol.Notification { return t.notes }

// Probe sends a DPD request by every way in use and waits for any frame. By UDP it says it again, ever more rarely: a link that has just come back loses what is sent first.
// After a night the first frames count for nothing: they came before it. Errors: ctx's, or NET-005 when the tunnel ended meanwhile.
func (t *Tunnel) Probe(ctx context.Context) error {
	if err := t.leftovers(ctx); err != nil {
		return err
	}
	act := t.stream.act
	before := act.count.Load()
	beside, had := newActivity(), uint64(0)
	l := t.udp.live.Load()
	if l != nil {
		beside, had = l.act, l.act.count.Load()
		_ = l.write(dtlstun.TypeDPDReq, nil) // TLS is asked, too
	}
	if err := t.stream.WriteControl(TypeDPDReq, nil); err != nil && l == nil {
		return err
	}
	pause := probePause
	again := time.NewTimer(pause)
	defer again.Stop()
	for {
		heard, also := act.hearing.next(), beside.hearing.next()
		if act.count.Load() != before || beside.count.Load() != had {
			return nil
		}
		select {
		case <-heard:
		case <-also:
		case <-again.C:
			if l != nil {
				_ = l.write(dtlstun.TypeDPDReq, nil)
				pause *= 2
				again.Reset(pause)
			}
		case <-t.done:
			return fault.New(fault.NetLost, net.ErrClosed)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// leftovers waits until what the sockets held since before the night is read. The peer is asked already: one that is far away answers later than that.
func (t *Tunnel) leftovers(ctx context.Context) error {
	left := t.udp.night.dawn()
	if left <= 0 {
		return nil
	}
	if l := t.udp.live.Load(); l != nil {
		_ = l.write(dtlstun.TypeDPDReq, nil)
	}
	_ = t.stream.WriteControl(TypeDPDReq, nil)
	wait := time.NewTimer(left)
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-t.done:
		return fault.New(fault.NetLost, net.ErrClosed)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Heard is when the last authenticated frame came from the gateway; before the first, when the tunnel was made.
func (t *Tunnel) Heard() time.Time {
	at := t.stream.act.last()
	if l := t.udp.live.Load(); l != nil && l.act.last().After(at) {
		at = l.act.last()
	}
	return at
}

// Close ends the tunnel and says what reason says; what the gateway does not take within a quarter of a second is not said. It waits for the tunnel's goroutines.
func (t *Tunnel) Close(reason protocol.CloseReason) (err error) {
	t.end.do(func() {
		close(t.done)
		t.udp.stop()
		switch reason {
		case protocol.CloseUser:
			err = t.stream.Goodbye(ReasonUser, goodbye)
		case protocol.CloseReconnect:
			err = t.stream.Goodbye(ReasonReconnect, "")
		default:
			err = t.stream.Abandon()
		}
	})
	t.wg.Wait()
	return err
}

// fail records why the carrier ended; the first counts.
func (t *Tunnel) fail(err error) {
	select {
	case t.ended <- err:
	default:
	}
}

// carrier is the Tunnel as packets see it.
type carrier Tunnel

func (c *carrier) ReadBatch(b *packet.Batch) error {
	err := c.stream.ReadBatch(b)
	if err != nil {
		(*Tunnel)(c).fail(err)
	}
	return err
}

func (c *carrier) WriteBatch(b *packet.Batch) error {
	if l := c.udp.live.Load(); l != nil && l.carries(b) {
		if l.send(b) == nil {
			return nil
		}
		c.udp.live.CompareAndSwap(l, nil)
	}
	err := c.stream.WriteBatch(b)
	if err != nil {
		(*Tunnel)(c).fail(err)
	}
	return err
}

func (c *carrier) Overhead() int { return c.stream.Overhead() }
func (c *carrier) Close() error {
	c.udp.stop()
	return c.stream.Close()
}

// doubled is a carrier that brings packets by DTLS, too.
type doubled struct{ *carrier }

func (c doubled) Beside() protocol.Receiver { return c.udp }

// note makes a notification of what ended the carrier.
func note(err error) protocol.Notification {
	var closed *PeerClosed
	if errors.As(err, &closed) {
		return protocol.Notification{Kind: protocol.NoteServerClosed, Reason: closed.Reason, Text: closed.Text, Err: err}
	}
	return protocol.Notification{Kind: protocol.NoteDown, Err: err}
}
