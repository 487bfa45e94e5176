package dtlstun

import (
	"context"
	"encoding/binary"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/pion/dtls/v3"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// wiretap keeps the nonce of every record that was sealed, and loses the first datagrams.
type wiretap struct {
	net.Conn
	mu   sync.Mutex
	lose int
	seen map[uint64]int
}

func (w *wiretap) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for rest := p; len(rest) >= 13; {
		n := 13 + int(binary.BigEndian.Uint16(rest[11:]))
		if n > len(rest) {
			break
		}
		if epoch := binary.BigEndian.Uint16(rest[3:]); epoch > 0 && n >= 13+8+16 {
			w.seen[binary.BigEndian.Uint64(rest[13:])]++
		}
		rest = rest[n:]
	}
	if w.lose > 0 {
		w.lose--
		return len(p), nil
	}
	return w.Conn.Write(p)
}

// TestNoncesAreUsedOnce: with lost and repeated flights, packets and control frames at once, and the goodbye, no nonce of a key comes twice.
func TestNoncesAreUsedOnce(t *testing.T) {
	for _, c := range []struct {
		name   string
		lose   int
		suites dtls.ServerOption
	}{
		{"AES-128", 0, dtls.WithCipherSuites(dtls.TLS_PSK_WITH_AES_128_GCM_SHA256)},
		{"AES-256", 0, dtls.WithCustomCipherSuites(func() []dtls.CipherSuite { return []dtls.CipherSuite{&psk256{}} })},
		{"first hello lost", 1, dtls.WithCipherSuites(dtls.TLS_PSK_WITH_AES_128_GCM_SHA256)},
		{"three datagrams lost", 3, dtls.WithCipherSuites(dtls.TLS_PSK_WITH_AES_128_GCM_SHA256)},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := listen(t, testKey, dtls.WithCipherSuites(dtls.TLS_PSK_WITH_AES_128_GCM_SHA256), c.suites)
			conn, err := net.Dial("udp", g.sock.LocalAddr().String())
			if err != nil {
				t.Fatal(err)
			}
			tap := &wiretap{Conn: conn, lose: c.lose, seen: map[uint64]int{}}
			ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
			defer cancel()
			ch, err := Dial(ctx, tap, Config{AppID: testApp, Key: redact.NewString(testKey), Heard: quiet})
			if err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			wg.Go(func() {
				b := packet.New(8, 1500)
				for b.Append(make([]byte, 1400)) {
				}
				for range 50 {
					if err := ch.WriteBatch(b); err != nil {
						t.Error(err)
					}
				}
			})
			for range 2 {
				wg.Go(func() {
					for range 100 {
						if err := ch.WriteControl(TypeDPDReq, []byte("?")); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			_ = ch.Close()
			tap.mu.Lock()
			defer tap.mu.Unlock()
			if len(tap.seen) < 601 {
				t.Errorf("%d sealed records were seen", len(tap.seen))
			}
			for nonce, n := range tap.seen {
				if n > 1 {
					t.Errorf("nonce %x was used %d times", nonce, n)
				}
			}
		})
	}
}
