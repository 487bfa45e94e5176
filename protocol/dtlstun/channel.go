package dtlstun

import (
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/record"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
	"github.com/holdfast-vpn/holdfast/protocol/udpbatch"
)

const (
	// Overhead is what a packet grows by on its way into UDP with the suites that Dial offers: type byte, record header, explicit nonce, tag.
	Overhead = HeaderLen + record.HeaderLen + 8 + 16
	// maxRepeats bounds how often the last flight is sent again: whoever can write to the path can ask for it.
	maxRepeats = 16
)

// ErrClosed says that the peer ended the channel.
var ErrClosed = errors.New("dtlstun: the gateway ended the channel")

// Config is what a channel, and Dial's or Accept's handshake, needs.
type Config struct {
	AppID []byte        // Dial only: 1 to MaxAppID bytes
	Key   redact.Secret // Dial and Accept: of 32 bytes
	Hello []byte        // Accept and AcceptResumed: the datagram by which the client was found, if it was read already
	// Heard is told of what was authentic before anything is done about it, by the goroutine in ReadBatch: of every frame, but of DATA once a call. The payload is
	// valid during the call only.
	Heard func(t Type, payload []byte)
	// Repeat is our last flight, for Established: the same bytes go again when the peer shows that it misses them. Empty where the peer spoke last.
	Repeat []byte
}

// Channel is an established channel.
type Channel struct {
	sock   *udpbatch.Socket
	seal   *record.Sealer
	cipher string
	closed atomic.Bool
	newest atomic.Uint64   // one more than the largest number that the reader has opened
	stray  *record.Witness // belongs to who calls Fresh

	// The reader's own.
	open   *record.Opener
	heard  func(Type, []byte)
	early  [][]byte // datagrams that came while there was a handshake
	repeat []byte
	left   int // how often repeat may go
	answer []byte
	end    error // for the next call

	// The writer's own.
	out [][]byte
}

// Established makes a channel of a connected socket, which it takes over, and of what a handshake handed over; the caller has verified whose handshake it was. Errors: those of
// record.New.
func Established(conn net.Conn, s record.Secrets, cipherName string, c Config) (*Channel, error) {
	seal, open, err := record.New(s)
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("dtlstun: %w", err)
	}
	ch := &Channel{sock: udpbatch.New(conn), seal: seal, open: open, stray: open.Witness(), heard: c.Heard, cipher: cipherName}
	ch.newest.Store(s.PeerSeq)
	if len(c.Repeat) > 0 {
		ch.repeat, ch.left = c.Repeat, maxRepeats
	}
	return ch, nil
}

// Cipher is version and suite, for people.
func (c *Channel) Cipher() string { return c.cipher }

// Overhead is what a packet grows by on its way into UDP, in bytes, at most.
func (c *Channel) Overhead() int { return HeaderLen + c.seal.Overhead() }

// TooBig reports whether a packet did not fit the way out since the last call: the link that it leaves by has become narrower.
func (c *Channel) TooBig() bool { return c.sock.TooBig() }

// Fresh reports whether a datagram that came from elsewhere is of this channel and younger than all that ReadBatch has returned: then the peer has moved. One goroutine calls it, any one.
func (c *Channel) Fresh(datagram []byte) bool {
	h, rec, _, err := record.Parse(datagram)
	return err == nil && h.Seq >= c.newest.Load() && c.stray != nil && c.stray.Vouches(h, rec)
}

// WriteBatch sends every packet of b in a datagram of its own, in few system calls. What the network does not take is lost. An error is final.
func (c *Channel) WriteBatch(b *packet.Batch) error {
	c.out = c.out[:0]
	for i := range b.Len() {
		slot := b.Bufs[i]
		slot[packet.Headroom-HeaderLen] = byte(TypeData)
		rec, err := c.seal.Seal(record.TypeData, slot, packet.Headroom-HeaderLen, HeaderLen+b.Sizes[i])
		switch {
		case err == nil:
			c.out = append(c.out, rec)
		case !errors.Is(err, record.ErrRoom):
			return err
		}
	}
	return c.sock.Send(c.out)
}

// WriteControl sends one frame that is no data.
func (c *Channel) WriteControl(t Type, payload []byte) error {
	slot := make([]byte, record.Headroom+HeaderLen+len(payload)+record.Tailroom)
	return c.write(record.TypeData, slot, len(AppendFrame(slot[:record.Headroom], t, payload))-record.Headroom)
}

// write seals n bytes that lie in slot behind the headroom, and sends them.
func (c *Channel) write(t record.Type, slot []byte, n int) error {
	rec, err := c.seal.Seal(t, slot, record.Headroom, n)
	if err != nil {
		return err
	}
	return c.sock.Write(rec)
}

// Retire has ReadBatch end with an error after d, and what comes until then is still read: the channel has a successor.
func (c *Channel) Retire(d time.Duration) { _ = c.sock.Conn().SetReadDeadline(time.Now().Add(d)) }

// Close says close_notify and closes the socket. It unblocks reader and writer.
func (c *Channel) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	slot := make([]byte, record.Headroom+2+record.Tailroom)
	_ = c.write(record.TypeAlert, slot, copy(slot[record.Headroom:], []byte{alertWarning, alertCloseNotify}))
	return c.sock.Close()
}
