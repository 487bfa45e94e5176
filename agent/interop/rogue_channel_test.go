package interop

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/protocol/cstp"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// guest is one client of a UDP socket that has many: a connection to him alone.
type guest struct {
	net.PacketConn
	peer net.Addr
	in   chan []byte
	once sync.Once
	over chan struct{}
}

func (g *guest) Read(p []byte) (int, error) {
	select {
	case d := <-g.in:
		return copy(p, d), nil
	case <-g.over:
		return 0, net.ErrClosed
	case <-time.After(20 * time.Second):
		return 0, os.ErrDeadlineExceeded
	}
}

func (g *guest) Write(p []byte) (int, error)      { return g.WriteTo(p, g.peer) }
func (g *guest) RemoteAddr() net.Addr             { return g.peer }
func (g *guest) SetDeadline(time.Time) error      { return nil }
func (g *guest) SetReadDeadline(time.Time) error  { return nil }
func (g *guest) SetWriteDeadline(time.Time) error { return nil }
func (g *guest) Close() error                     { g.once.Do(func() { close(g.over) }); return nil }

// hosts takes a datagram to the guest it is from; a new one is received by serve, in a goroutine of the rogue's.
func (r *rogue) hosts(u net.PacketConn, from net.Addr, d []byte, serve func(net.Conn)) {
	r.mu.Lock()
	g := r.guests[from.String()]
	if g == nil {
		g = &guest{PacketConn: u, peer: from, in: make(chan []byte, 256), over: make(chan struct{})}
		r.guests[from.String()] = g
		r.conns[g] = true
		r.wg.Go(func() { serve(g) })
	}
	r.mu.Unlock()
	select {
	case g.in <- append([]byte(nil), d...):
	default:
	}
}

// appID is what a rogue of DTLS calls every session.
var appID = make([]byte, 32)

// TestRogueChannel: a gateway that has the key, makes a channel as it should, and then sends there what no gateway sends. The tunnel works, by the one way or the other.
func TestRogueChannel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	r := w.startRogue()
	var l ledger
	defer l.print(t)
	junk := func(n int) func(*dtlstun.Channel) {
		return func(c *dtlstun.Channel) {
			for kind := range 256 {
				if k := dtlstun.Type(kind); k != dtlstun.TypeDisconnect && k != dtlstun.TypeTerminate {
					_ = c.WriteControl(k, make([]byte, n))
				}
			}
		}
	}
	for _, c := range []struct {
		name   string
		does   func(*dtlstun.Channel) // once it is made
		mute   bool                   // DPD has no answer
		short  bool                   // DPD has one of a byte
		by     string
		reason string // how the reason for TLS begins
	}{
		{"as it should be", func(*dtlstun.Channel) {}, false, false, "dtls", ""},
		{"every type, empty", junk(0), false, false, "dtls", ""},
		{"every type, one byte", junk(1), false, false, "dtls", ""},
		{"every type, longer than the MTU", junk(1430), false, false, "dtls", ""},
		{"every type, as long as may be", junk(16000), false, false, "dtls", ""},
		{"DPD requests without end", func(c *dtlstun.Channel) {
			for range 20_000 {
				_ = c.WriteControl(dtlstun.TypeDPDReq, make([]byte, 1000))
			}
		}, false, false, "dtls", ""},
		{"packets of no version", func(c *dtlstun.Channel) {
			b := packet.New(16, 1500)
			for v := range 16 {
				b.Append(append([]byte{byte(v << 4)}, make([]byte, 60)...))
			}
			_ = c.WriteBatch(b)
		}, false, false, "dtls", ""},
		{"DISCONNECT at once", func(c *dtlstun.Channel) { _ = c.WriteControl(dtlstun.TypeDisconnect, []byte("\xb0"+screen)) }, false, false, "tls", "the gateway ended DTLS"},
		{"TERMINATE at once", func(c *dtlstun.Channel) { _ = c.WriteControl(dtlstun.TypeTerminate, []byte("\x01"+screen)) }, false, false, "tls", "the gateway ended DTLS"},
		{"closed at once", func(c *dtlstun.Channel) { _ = c.Close() }, false, false, "tls", "the gateway ended DTLS"},
		{"no answer to DPD", func(*dtlstun.Channel) {}, true, false, "tls", "UDP blocked"},
		{"short answers to DPD", func(*dtlstun.Channel) {}, false, true, "tls", "UDP carries no packets"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := w.in(t)
			a := w.startAgent() // a new one each time: it remembers what a network does to DTLS
			key := make(chan dtlstun.Config, 4)
			headers := append([]string{"X-DTLS-App-ID: " + hex.EncodeToString(appID), "X-DTLS-Port: 443", "X-DTLS-CipherSuite: PSK-NEGOTIATE", "X-DTLS-DPD: 5"}, sound...)
			r.plays(play{headers: headers,
				tunnel: func(conn net.Conn, _ int) {
					k, err := cstp.ExportKey(conn.(*counted).Conn.(*tls.Conn))
					if err != nil {
						t.Error(err)
						return
					}
					key <- dtlstun.Config{AppID: appID, Key: k}
				},
				guest: func(conn net.Conn) { serveChannel(conn, key, c.does, c.mute, c.short) },
			})
			a.peak()
			began := time.Now()
			if res := w.dial("vpn4.lab.example", "5s"); res.exit != 0 {
				t.Fatalf("%+v", res)
			}
			s := w.waitState(12*time.Second, "where it should be", func(s ipc.State) bool { return s.Transport == c.by && strings.HasPrefix(s.TransportReason, c.reason) })
			if !w.pings() {
				t.Errorf("nothing inside answers: %+v", w.state())
			}
			t.Logf("%s: %s", s.Transport, s.TransportReason)
			// A gateway that says nothing may go on sending by UDP, where nothing arrives: a new tunnel tells it, after each of the first failures.
			most := uint64(0)
			if c.mute {
				most = 2
			}
			if s := w.state(); s.State != "connected" || uint64(r.connects.Load()) > 1+most || s.Reconnects.Tunnel > most || s.Reconnects.Session > 0 {
				t.Errorf("%d CONNECTs: %+v", r.connects.Load(), s)
			}
			w.ends()
			l.close(t, a, r, began)
			a.stop()
		})
	}
}

// serveChannel does a gateway's side of one channel: the handshake, its misdeed, and then pings and DPD.
func serveChannel(conn net.Conn, key chan dtlstun.Config, does func(*dtlstun.Channel), mute, short bool) {
	cfg := <-key
	key <- cfg
	var ch *dtlstun.Channel
	ready := make(chan struct{})
	cfg.Heard = func(k dtlstun.Type, p []byte) {
		<-ready
		if short && k == dtlstun.TypeDPDReq {
			_ = ch.WriteControl(dtlstun.TypeDPDResp, []byte{0})
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	ch, err := dtlstun.Accept(ctx, conn, cfg)
	if err != nil {
		return
	}
	close(ready)
	defer ch.Close()
	does(ch)
	if mute || short {
		for b := make([]byte, 2048); ; {
			if _, err := conn.Read(b); err != nil {
				return
			}
			if short {
				_ = ch.WriteControl(dtlstun.TypeDPDResp, []byte{0})
			}
		}
	}
	b, out := packet.New(16, 2048), packet.New(16, 2048)
	for ch.ReadBatch(b) == nil {
		for i := range b.Len() {
			if echo(b.Packet(i)) {
				out.Append(b.Packet(i))
			}
		}
		_ = ch.WriteBatch(out)
		b.Reset()
		out.Reset()
	}
}
