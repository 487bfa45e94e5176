package dtlstun

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	dtlsnet "github.com/pion/dtls/v3/pkg/net"
	"github.com/pion/logging"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// TestEarlyPackets: what the peer sends as soon as it may, while the handshake ends here, is not lost.
func TestEarlyPackets(t *testing.T) {
	a, b := sockets(t)
	ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
	defer cancel()
	const n = 20
	errs := make(chan error, 1)
	go func() {
		s, err := Accept(ctx, b, Config{Key: redact.NewString(testKey), Heard: quiet})
		if err == nil {
			out := packet.New(n, 1500)
			for i := range n {
				out.Append(fmt.Appendf(nil, "packet %d", i))
			}
			err = s.WriteBatch(out)
			t.Cleanup(func() { s.Close() })
		}
		errs <- err
	}()
	c, err := Dial(ctx, a, Config{AppID: testApp, Key: redact.NewString(testKey), Heard: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := <-errs; err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(5*time.Second, func() { c.Close() }) // or it would wait for ever
	in := packet.New(n, 1500)
	for in.Len() < n {
		if err := c.ReadBatch(in); err != nil {
			t.Fatalf("after %d packets: %v", in.Len(), err)
		}
	}
	for i := range n {
		if want := fmt.Sprintf("packet %d", i); string(in.Packet(i)) != want {
			t.Errorf("%q, want %q", in.Packet(i), want)
		}
	}
}

// TestGatewayTakesOver is the gateway's role with a client of pion's: for the suite that pion has, too.
func TestGatewayTakesOver(t *testing.T) {
	for _, c := range []struct {
		suite dtls.ClientOption
		want  string
	}{
		{dtls.WithCipherSuites(dtls.TLS_PSK_WITH_AES_128_GCM_SHA256), "AES_128_GCM_SHA256"},
		{dtls.WithCustomCipherSuites(func() []dtls.CipherSuite { return []dtls.CipherSuite{&psk256{}} }), "AES_256_GCM_SHA384"},
	} {
		t.Run(c.want, func(t *testing.T) {
			a, b := sockets(t)
			ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
			defer cancel()
			d, err := dtls.ClientWithOptions(dtlsnet.PacketConnFromConn(a), a.RemoteAddr(), c.suite, dtls.WithPSKIdentityHint([]byte(identity)),
				dtls.WithPSK(func([]byte) ([]byte, error) { return []byte(testKey), nil }),
				dtls.WithLoggerFactory(&logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}))
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			shaken := make(chan error, 1)
			go func() { shaken <- d.HandshakeContext(ctx) }()
			s, err := Accept(ctx, b, Config{Key: redact.NewString(testKey), Heard: quiet})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if err := <-shaken; err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(s.Cipher(), c.want) {
				t.Errorf("cipher %s", s.Cipher())
			}
			if _, err := d.Write(AppendFrame(nil, TypeData, []byte("up"))); err != nil {
				t.Fatal(err)
			}
			in := packet.New(1, 1500)
			if err := s.ReadBatch(in); err != nil || string(in.Packet(0)) != "up" {
				t.Fatalf("%v", err)
			}
			if err := s.WriteControl(TypeKeepalive, []byte("down")); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 100)
			d.SetReadDeadline(time.Now().Add(5 * time.Second))
			if n, err := d.Read(buf); err != nil || string(buf[1:n]) != "down" {
				t.Errorf("%q, %v", buf[:n], err)
			}
		})
	}
}

// TestAfterTheCut: nothing that pion says after it lost the socket goes out, and nothing it does reaches the socket.
func TestAfterTheCut(t *testing.T) {
	a, b := sockets(t)
	defer a.Close()
	defer b.Close()
	l := &loan{Conn: a}
	if _, err := l.Write([]byte("before")); err != nil {
		t.Fatal(err)
	}
	reader := make(chan error, 1)
	go func() {
		_, err := l.Read(make([]byte, 100))
		reader <- err
	}()
	time.Sleep(10 * time.Millisecond)
	l.cut()
	if err := <-reader; err != net.ErrClosed {
		t.Errorf("the reader ended with %v", err)
	}
	if n, err := l.Write([]byte("after")); n != 5 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := l.Read(make([]byte, 100)); err != net.ErrClosed {
		t.Errorf("reading: %v", err)
	}
	for _, err := range []error{l.SetDeadline(time.Unix(1, 0)), l.SetReadDeadline(time.Unix(1, 0)), l.SetWriteDeadline(time.Unix(1, 0)), l.Close()} {
		if err != nil {
			t.Error(err)
		}
	}
	if _, err := a.Write([]byte("ours")); err != nil {
		t.Errorf("the socket is of no use: %v", err)
	}
	buf := make([]byte, 100)
	for _, want := range []string{"before", "ours"} {
		if n, err := b.Read(buf); err != nil || string(buf[:n]) != want {
			t.Errorf("%q, %v, want %q", buf[:n], err, want)
		}
	}
}
