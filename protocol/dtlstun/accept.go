package dtlstun

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/pion/dtls/v3"
	dtlsnet "github.com/pion/dtls/v3/pkg/net"
	"github.com/pion/logging"
)

// minKey is the shortest PSK that Accept takes: an empty one would let everybody in.
const minKey = 16

var errNoKey = errors.New("dtlstun: no key")

// Accept is the gateway's side of Dial: it does the handshake with whoever sends on conn, until ctx ends, and closes conn when it fails. Whose hello it was the
// caller has found out by the App-ID in it; whether it is his shows here, by the key. There is no HelloVerifyRequest, as an answer is hardly longer than the hello.
func Accept(ctx context.Context, conn net.Conn, c Config) (*Channel, error) {
	if len(c.Key.Reveal()) < minKey {
		_ = conn.Close()
		return nil, errNoKey
	}
	l, own := &loan{Conn: conn, hello: c.Hello}, &psk256{}
	d, err := dtls.ServerWithOptions(dtlsnet.PacketConnFromConn(l), conn.RemoteAddr(),
		dtls.WithPSK(func([]byte) ([]byte, error) { return []byte(c.Key.Reveal()), nil }),
		dtls.WithCipherSuites(dtls.TLS_PSK_WITH_AES_128_GCM_SHA256),
		dtls.WithCustomCipherSuites(func() []dtls.CipherSuite { return []dtls.CipherSuite{own} }),
		dtls.WithMTU(handshakeMTU),
		dtls.WithFlightInterval(flight),
		dtls.WithLoggerFactory(&logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}),
		dtls.WithInsecureSkipVerifyHello(true),
	)
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("dtlstun: %w", err)
	}
	ch, err := finish(ctx, d, l, own, false, c)
	if err != nil {
		return nil, fmt.Errorf("dtlstun: %w", err)
	}
	return ch, nil
}
