package dtlstun

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"github.com/pion/dtls/v3"
	dtlsnet "github.com/pion/dtls/v3/pkg/net"
	"github.com/pion/dtls/v3/pkg/protocol/handshake"
	"github.com/pion/logging"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

const (
	// MaxAppID is the longest App-ID: it must fit a ClientHello's session id (RFC 5246 section 7.4.1.2).
	MaxAppID = 32
	// Overhead is what a packet grows by on its way into UDP: type byte, record header, explicit nonce, tag.
	Overhead = HeaderLen + 13 + 8 + 16
	// identity is the PSK identity, the same for everybody.
	identity = "psk"
	// handshakeMTU keeps the handshake's datagrams below what every path carries.
	handshakeMTU = 1200
	// flight is when a flight is sent again for the first time; each time after it doubles.
	flight = 500 * time.Millisecond
)

var (
	// ErrNoAnswer says that nothing at all came back.
	ErrNoAnswer = errors.New("dtlstun: no answer by UDP")
	// ErrRefused says that nobody listens there.
	ErrRefused = errors.New("dtlstun: nobody listens on that UDP port")
	// ErrClosed says that the gateway ended the channel.
	ErrClosed = errors.New("dtlstun: the gateway ended the channel")
	// errNotPSK says that somebody answered who did not need the key.
	errNotPSK = errors.New("dtlstun: the handshake was not the PSK one")
)

// Config is what a handshake needs.
type Config struct {
	AppID []byte        // 1 to MaxAppID bytes
	Key   redact.Secret // of 32 bytes
	// Heard is told of every authentic frame before anything is done about it, by the goroutine in ReadBatch. The payload is valid during the call only.
	Heard func(t Type, payload []byte)
}

// Channel is an established channel.
type Channel struct {
	conn   *dtls.Conn
	heard  func(Type, []byte)
	answer []byte // the reader's own
	cipher string
}

// Dial does the handshake on a connected socket, which it takes over, until ctx ends. Errors: ErrNoAnswer, ErrRefused, ctx's when it was cancelled, else what failed.
func Dial(ctx context.Context, conn net.Conn, c Config) (*Channel, error) {
	s := &socket{Conn: conn}
	d, err := dtls.ClientWithOptions(dtlsnet.PacketConnFromConn(s), conn.RemoteAddr(),
		dtls.WithPSK(func([]byte) ([]byte, error) { return []byte(c.Key.Reveal()), nil }),
		dtls.WithPSKIdentityHint([]byte(identity)),
		dtls.WithCipherSuites(dtls.TLS_PSK_WITH_AES_128_GCM_SHA256),
		dtls.WithCustomCipherSuites(func() []dtls.CipherSuite { return []dtls.CipherSuite{&psk256{}} }),
		dtls.WithMTU(handshakeMTU),
		dtls.WithFlightInterval(flight),
		dtls.WithLoggerFactory(&logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}),
		dtls.WithClientHelloMessageHook(func(m handshake.MessageClientHello) handshake.Message {
			m.SessionID = slices.Clone(c.AppID)
			return &m
		}),
	)
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("dtlstun: %w", err)
	}
	err = d.HandshakeContext(ctx)
	var suite string
	if err == nil {
		suite, err = verify(d)
	}
	if err != nil {
		_ = d.Close()
		_ = conn.Close()
		return nil, s.why(ctx, err)
	}
	return &Channel{conn: d, heard: c.Heard, cipher: suite}, nil
}

// verify holds a handshake that succeeded to what was asked for.
func verify(d *dtls.Conn) (suite string, err error) {
	st, ok := d.ConnectionState()
	if !ok || len(st.PeerCertificates) > 0 {
		return "", errNotPSK
	}
	switch st.CipherSuiteID {
	case psk256ID:
		return "DTLS 1.2 TLS_PSK_WITH_AES_256_GCM_SHA384", nil
	case dtls.TLS_PSK_WITH_AES_128_GCM_SHA256:
		return "DTLS 1.2 TLS_PSK_WITH_AES_128_GCM_SHA256", nil
	}
	return "", errNotPSK
}

// why says why there was no handshake.
func (s *socket) why(ctx context.Context, err error) error {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Canceled
	case !s.heard.Load() && s.refused.Load():
		return ErrRefused
	case !s.heard.Load():
		return fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	return err
}

// Cipher is version and suite, for people.
func (c *Channel) Cipher() string { return c.cipher }

// ReadBatch waits for a packet and adds it to b, which must have room for one. A packet longer than b.Room() is left out. An error is final: ErrClosed, or the
// connection's.
func (c *Channel) ReadBatch(b *packet.Batch) error {
	slot := b.Bufs[b.Len()][packet.Headroom-HeaderLen : packet.Headroom+b.Room()]
	for {
		n, err := c.conn.Read(slot)
		if err != nil {
			var small net.Error
			if errors.As(err, &small) && small.Temporary() && !small.Timeout() { //nolint:staticcheck // how pion says that a record was longer than the buffer
				continue
			}
			return err
		}
		t, payload, err := ParseFrame(slot[:n])
		if err != nil {
			continue
		}
		c.heard(t, payload)
		switch t {
		case TypeData:
			if len(payload) > 0 {
				b.Commit(len(payload))
				return nil
			}
		case TypeDPDReq:
			c.answer = AppendFrame(c.answer[:0], TypeDPDResp, payload)
			_, _ = c.conn.Write(c.answer) // a failure shows where data is written
		case TypeDisconnect, TypeTerminate:
			return ErrClosed
		}
	}
}

// WriteBatch sends every packet of b in a datagram of its own. What the network does not take is lost. An error is final.
func (c *Channel) WriteBatch(b *packet.Batch) error {
	for i := range b.Len() {
		f := b.WithHeader(i, HeaderLen)
		f[0] = byte(TypeData)
		if _, err := c.conn.Write(f); err != nil {
			return err
		}
	}
	return nil
}

// WriteControl sends one frame that is no data.
func (c *Channel) WriteControl(t Type, payload []byte) error {
	_, err := c.conn.Write(AppendFrame(nil, t, payload))
	return err
}

// Retire has ReadBatch end with an error after d, and what comes until then is still read: the channel has a successor.
func (c *Channel) Retire(d time.Duration) { _ = c.conn.SetReadDeadline(time.Now().Add(d)) }

// Close says close_notify and closes the socket. It unblocks reader and writer.
func (c *Channel) Close() error { return c.conn.Close() }
