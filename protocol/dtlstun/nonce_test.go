package dtlstun

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/pion/dtls/v3"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/record"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/resume"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// load says packets and control frames at once, from three goroutines, then goodbye.
func load(t *testing.T, ch *Channel) {
	t.Helper()
	var wg sync.WaitGroup
	wg.Go(func() {
		b := packet.New(8, 1500)
		for range 50 {
			b.Reset()
			for b.Append(make([]byte, 1400)) {
			}
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
}

// sealed is how many records load seals, with the handshake's Finished and the goodbye.
const sealed = 1 + 50*8 + 200 + 1

// drain reads until the end.
func drain(ch *Channel) {
	b := packet.New(16, 1500)
	for ch.ReadBatch(b) == nil {
		b.Reset()
	}
}

// handshakes are the ways to a channel, each with both roles.
var handshakes = []struct {
	name         string
	dial, accept func(context.Context, net.Conn) (*Channel, error)
}{
	{"PSK",
		func(ctx context.Context, c net.Conn) (*Channel, error) { return Dial(ctx, c, testPSK) },
		func(ctx context.Context, c net.Conn) (*Channel, error) { return Accept(ctx, c, testPSK) }},
	{"resumption",
		func(ctx context.Context, c net.Conn) (*Channel, error) {
			return Resume(ctx, c, testSession(false), quiet)
		},
		func(ctx context.Context, c net.Conn) (*Channel, error) {
			return AcceptResumed(ctx, c, testSession(false), testPSK)
		}},
	{"resumption with a cookie",
		func(ctx context.Context, c net.Conn) (*Channel, error) {
			return Resume(ctx, c, testSession(false), quiet)
		},
		func(ctx context.Context, c net.Conn) (*Channel, error) {
			return AcceptResumed(ctx, c, testSession(true), testPSK)
		}},
}

var testPSK = Config{AppID: testApp, Key: redact.NewString(testKey), Heard: quiet}

func testSession(cookie bool) resume.Config {
	return resume.Config{Version: record.DTLS12, Suite: 0x009d, SessionID: testApp, Master: redact.NewString(testKey + testKey[:16]), AskCookie: cookie}
}

// TestNoncesAreUsedOnce: whatever is lost or comes twice in the handshake, with packets and control frames at once, and the goodbye, no nonce of a key seals two records, on
// either side.
func TestNoncesAreUsedOnce(t *testing.T) {
	for _, h := range handshakes {
		for _, c := range []struct {
			name            string
			client, gateway func(*wiretap)
		}{
			{"nothing is lost", nil, nil},
			{"the first hello is lost", func(w *wiretap) { w.lose = 1 }, nil},
			{"three datagrams of the client are lost", func(w *wiretap) { w.lose = 3 }, nil},
			{"the gateway's first flight is lost", nil, func(w *wiretap) { w.lose = 2 }},
			{"the client's last flight is lost twice", func(w *wiretap) { w.final = 2 }, nil},
			{"the gateway's last flight is lost", nil, func(w *wiretap) { w.final = 1 }},
			{"the gateway's last flight is lost twice", nil, func(w *wiretap) { w.final = 2 }},
			{"everything comes twice", func(w *wiretap) { w.twice = true }, func(w *wiretap) { w.twice = true }},
		} {
			t.Run(h.name+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				a, b := sockets(t)
				client, gateway := tap(a), tap(b)
				if c.client != nil {
					c.client(client)
				}
				if c.gateway != nil {
					c.gateway(gateway)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				var ends [2]*Channel // each is read from when its handshake is done: it answers who missed its last flight
				var up, ended sync.WaitGroup
				for i, f := range []func() (*Channel, error){
					func() (*Channel, error) { return h.dial(ctx, client) }, func() (*Channel, error) { return h.accept(ctx, gateway) },
				} {
					up.Go(func() {
						ch, err := f()
						if err != nil {
							t.Error(err)
							cancel()
							return
						}
						ends[i] = ch
						ended.Go(func() { drain(ch) })
					})
				}
				up.Wait()
				for _, ch := range ends {
					switch {
					case ch == nil:
					case t.Failed():
						_ = ch.Close()
					default:
						ended.Go(func() { load(t, ch) })
					}
				}
				ended.Wait()
				client.check(t, "client", sealed)
				gateway.check(t, "gateway", sealed)
			})
		}
	}
}

// TestNoncesBesidePion is the same against a peer that has only the suite whose keys come out of pion's state.
func TestNoncesBesidePion(t *testing.T) {
	for _, lose := range []int{0, 1, 3} {
		g := listen(t, testKey, dtls.WithCipherSuites(dtls.TLS_PSK_WITH_AES_128_GCM_SHA256))
		conn, err := net.Dial("udp", g.sock.LocalAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		client := tap(conn)
		client.lose = lose
		ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
		defer cancel()
		ch, err := Dial(ctx, client, Config{AppID: testApp, Key: redact.NewString(testKey), Heard: quiet})
		if err != nil {
			t.Fatal(err)
		}
		load(t, ch)
		client.check(t, "client", sealed)
	}
}
