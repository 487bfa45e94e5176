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
)

const (
	// MaxAppID is the longest App-ID: it must fit a ClientHello's session id (RFC 5246 section 7.4.1.2).
	MaxAppID = 32
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
)

// Dial does the handshake on a connected socket, which it takes over, until ctx ends. Errors: ErrNoAnswer, ErrRefused, ctx's when it was cancelled, else what failed.
func Dial(ctx context.Context, conn net.Conn, c Config) (*Channel, error) {
	l, own := &loan{Conn: conn}, &psk256{}
	d, err := dtls.ClientWithOptions(dtlsnet.PacketConnFromConn(l), conn.RemoteAddr(),
		dtls.WithPSK(func([]byte) ([]byte, error) { return []byte(c.Key.Reveal()), nil }),
		dtls.WithPSKIdentityHint([]byte(identity)),
		dtls.WithCipherSuites(dtls.TLS_PSK_WITH_AES_128_GCM_SHA256),
		dtls.WithCustomCipherSuites(func() []dtls.CipherSuite { return []dtls.CipherSuite{own} }),
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
	ch, err := finish(ctx, d, l, own, true, c)
	if err != nil {
		return nil, l.why(ctx, err)
	}
	return ch, nil
}

// finish does the handshake and takes it over. After an error socket and handshake are gone.
func finish(ctx context.Context, d *dtls.Conn, l *loan, own *psk256, client bool, c Config) (*Channel, error) {
	if err := d.HandshakeContext(ctx); err != nil {
		l.cut()
		_ = d.Close()
		_ = l.Conn.Close()
		return nil, err
	}
	ch, err := takeOver(d, l, own, client, c)
	if err != nil {
		_ = l.Conn.Close()
		return nil, err
	}
	return ch, nil
}

// why says why there was no handshake.
func (l *loan) why(ctx context.Context, err error) error {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Canceled
	case !l.heard.Load() && l.refused.Load():
		return ErrRefused
	case !l.heard.Load():
		return fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	return err
}
