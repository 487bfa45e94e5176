package interop

import (
	"encoding/binary"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/protocol/cstp"
)

// quick are sound headers of a gateway that wants a sign of life every two seconds.
var quick = append([]string{"X-CSTP-DPD: 2", "X-CSTP-Disconnected-Timeout: 300"}, sound...)

// announced is a frame whose header announces n bytes, whatever the payload has.
func announced(kind cstp.Type, n int, payload []byte) []byte {
	f := cstp.AppendFrame(nil, kind, payload)
	binary.BigEndian.PutUint16(f[4:], uint16(n))
	return f
}

// everyType are frames of every type there can be, less those that end a tunnel, with n bytes of payload.
func everyType(n int) []byte {
	var out []byte
	for kind := range 256 {
		if k := cstp.Type(kind); k != cstp.TypeDisconnect && k != cstp.TypeTerminate {
			out = cstp.AppendFrame(out, k, make([]byte, n))
		}
	}
	return out
}

// TestRogueTunnel: frames that no gateway sends. Those that can be skipped are, and the tunnel works; after those that cannot there is a new tunnel. A connection that
// is wrong every time is made again at a bounded pace, with the session in the state's hands and not in the gateway's.
func TestRogueTunnel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	r := w.startRogue()
	a := w.startAgent()
	once := func(b []byte) play {
		return play{tunnel: func(c net.Conn, n int) {
			if n == 1 {
				_, _ = c.Write(b)
			}
		}}
	}
	flood := func(kind cstp.Type, payload []byte) play {
		return play{flood: 64 << 20, tunnel: func(c net.Conn, _ int) {
			r.wg.Go(func() { pour(c, "", string(cstp.AppendFrame(nil, kind, payload)), 64<<20) })
		}}
	}
	ping := append([]byte{0x45}, make([]byte, 99)...)
	var l ledger
	defer l.print(t)
	for _, c := range []struct {
		name string
		s    play
		anew bool // the tunnel is another one afterwards
	}{
		{"every type, empty", once(everyType(0)), false},
		{"every type, one byte", once(everyType(1)), false},
		{"every type, nineteen zeros", once(everyType(19)), false},
		{"every type, longer than the MTU", once(everyType(1501)), false},
		{"every type, as long as may be", once(everyType(cstp.MaxPayload)), false},
		{"DATA of every version", once(func() (b []byte) {
			for v := range 16 {
				b = cstp.AppendFrame(b, cstp.TypeData, append([]byte{byte(v << 4)}, make([]byte, 60)...))
			}
			return b
		}()), false},
		{"DATA one byte too long", once(announced(cstp.TypeData, cstp.MaxPayload+1, nil)), true},
		{"DATA of 65535 bytes", once(announced(cstp.TypeData, 65535, nil)), true},
		{"DATA longer than it says", once(announced(cstp.TypeData, 20, ping)), true},
		{"DPD longer than it says", once(announced(cstp.TypeDPDReq, 1, ping)), true},
		{"KEEPALIVE longer than it says", once(announced(cstp.TypeKeepalive, 0, ping)), true},
		{"COMPRESSED longer than it says", once(announced(cstp.TypeCompressed, 3, ping)), true},
		{"an unknown type of 65535 bytes", once(announced(0x42, 65535, nil)), true},
		{"no frames", once([]byte("HTTP/1.1 408 Request Timeout\r\n\r\n")), true},
		{"a byte of a header each second", play{headers: quick, tunnel: func(c net.Conn, n int) {
			for i := 0; n == 1; i++ {
				if _, err := c.Write(cstp.AppendFrame(nil, cstp.TypeData, ping)[i : i+1]); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}}, true},
		{"64 MiB of DPD requests", flood(cstp.TypeDPDReq, make([]byte, 1000)), false},
		{"64 MiB of keepalives", flood(cstp.TypeKeepalive, make([]byte, 100)), false},
		{"64 MiB of packets for others", flood(cstp.TypeData, ping), false},
		{"64 MiB of frames too long to be packets", flood(cstp.TypeData, make([]byte, cstp.MaxPayload)), false},
		{"4000 routes", play{headers: manyRoutes(4000)}, false},
		{"DTLS of nonsense", play{headers: append([]string{"X-DTLS-App-ID: " + strings.Repeat("ff", 4000), "X-DTLS-Port: -1", "X-DTLS-MTU: -5", "X-DTLS-DPD: -1", "X-DTLS-CipherSuite: PSK-NEGOTIATE",
			"X-DTLS-Rekey-Time: -7", "X-DTLS-Rekey-Method: ssl", "X-DTLS-Session-ID: zz"}, sound...)}, false},
		{"DTLS of a negative MTU", play{headers: append([]string{"X-DTLS-App-ID: " + strings.Repeat("ff", 32), "X-DTLS-Port: 443", "X-DTLS-MTU: -5", "X-DTLS-CipherSuite: PSK-NEGOTIATE"}, sound...)}, false},
		{"DTLS of a huge MTU", play{headers: append([]string{"X-DTLS-App-ID: " + strings.Repeat("ff", 32), "X-DTLS-Port: 443", "X-DTLS-MTU: 99999999999", "X-DTLS-CipherSuite: PSK-NEGOTIATE"}, sound...)}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := w.in(t)
			r.plays(c.s)
			a.peak()
			began := time.Now()
			if res := w.dial("vpn4.lab.example", "5s"); res.exit != 0 {
				t.Fatalf("%+v", res)
			}
			if c.anew {
				w.waitState(15*time.Second, "in another tunnel", func(s ipc.State) bool { return s.State == "connected" && r.connects.Load() > 1 })
			}
			for end := time.Now().Add(20 * time.Second); r.gone.Load() < c.s.flood; time.Sleep(20 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("%d bytes of the flood were taken in 20 s", r.gone.Load())
				}
			}
			if !w.pings() {
				t.Errorf("nothing inside answers: %+v", w.state())
			}
			if s := w.state(); s.State != "connected" || !c.anew && r.connects.Load() != 1 || s.MTU < 576 || s.MTU > 1500 {
				t.Errorf("after %d CONNECTs: %+v", r.connects.Load(), s)
			}
			w.ends()
			l.close(t, a, r, began)
		})
	}
	a.stop()
}

// TestRogueDisconnect and TestRogueTerminate: the last word at every step, with each reason and with texts that are a screen. Where the gateway says that the
// session is over, or never takes it up, the session ends with a code; else it is back.
func TestRogueDisconnect(t *testing.T) { lastWords(t, cstp.TypeDisconnect) }
func TestRogueTerminate(t *testing.T)  { lastWords(t, cstp.TypeTerminate) }

func lastWords(t *testing.T, kind cstp.Type) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	r := w.startRogue()
	a := w.startAgent()
	text := strings.Repeat(screen, 800)
	bye := func(reason byte) []byte { return cstp.AppendFrame(nil, kind, cstp.AppendDisconnect(nil, reason, text)) }
	var l ledger
	defer l.print(t)
	for _, c := range []struct {
		when string
		s    play
		back bool
	}{
		{"without a reason", play{tunnel: saysOnce(cstp.AppendFrame(nil, kind, nil), 0, nil)}, true},
		{"with a reason of its own", play{tunnel: saysOnce(bye(1), 0, nil)}, true},
		{"for a reconnect", play{tunnel: saysOnce(bye(cstp.ReasonReconnect), 0, nil)}, true},
		{"for the user", play{tunnel: saysOnce(bye(cstp.ReasonUser), 0, nil)}, false},
		{"for an error", play{tunnel: saysOnce(bye(cstp.ReasonLocalError), 0, nil)}, false},
		{"longer than a record", play{tunnel: saysOnce(announced(kind, 65535, nil), 0, nil)}, true},
		{"longer than it says", play{tunnel: saysOnce(announced(kind, 1, []byte(text)), 0, nil)}, true},
		{"every time", play{tunnel: func(c net.Conn, _ int) { _, _ = c.Write(bye(1)) }}, false},
		{"under traffic", play{tunnel: saysOnce(bye(1), 700*time.Millisecond, func() {
			_ = w.client.Command("ping", "-q", "-i", "0.002", "-c", "300", "-s", "1200", "10.77.0.1").Run()
		})}, true},
		{"at a rekey", play{headers: append([]string{"X-CSTP-Rekey-Time: 2", "X-CSTP-Rekey-Method: new-tunnel"}, sound...), tunnel: func(c net.Conn, n int) {
			if n == 2 {
				_, _ = c.Write(bye(1))
			}
		}}, true},
		{"during the DTLS handshake", play{headers: append([]string{"X-DTLS-App-ID: " + strings.Repeat("ff", 32), "X-DTLS-Port: 9", "X-DTLS-CipherSuite: PSK-NEGOTIATE"}, sound...),
			tunnel: saysOnce(bye(1), 300*time.Millisecond, nil)}, true},
	} {
		t.Run(c.when, func(t *testing.T) {
			w := w.in(t)
			r.plays(c.s)
			a.peak()
			began := time.Now()
			res := w.dial("vpn4.lab.example", "5s")
			noTerminal(t, res)
			if c.back {
				w.waitState(15*time.Second, "back", func(s ipc.State) bool { return s.State == "connected" && r.connects.Load() > 1 })
				if c.when == "at a rekey" {
					w.waitState(15*time.Second, "back", func(s ipc.State) bool { return s.State == "connected" && r.connects.Load() > 2 })
				}
				if !w.pings() {
					t.Errorf("nothing inside answers: %+v", w.state())
				}
			} else {
				time.Sleep(2 * time.Second)
			}
			s := w.state()
			t.Logf("exit %d, %s, error %+v, prompt %+v, %d CONNECTs", res.exit, s.State, s.Error, s.Prompt, r.connects.Load())
			// The word may come before connect has said that it is done: then connect itself meets the new login, has nobody to ask, and takes the attempt back.
			asked := res.exit == 10 && s.State == "disconnected"
			if !c.back && !asked && (s.State == "connected" || s.Error == nil && s.Prompt == nil) {
				t.Errorf("%+v", s)
			}
			if n := r.connects.Load(); n > 8 {
				t.Errorf("%d CONNECTs in %v", n, time.Since(began))
			}
			w.ends()
			l.close(t, a, r, began)
		})
	}
	a.stop()
}

// saysOnce says b in the first tunnel, after a pause in which there is traffic if there is any.
func saysOnce(b []byte, after time.Duration, traffic func()) func(net.Conn, int) {
	return func(c net.Conn, n int) {
		if n > 1 {
			return
		}
		if traffic != nil {
			go traffic()
		}
		if after > 0 {
			time.AfterFunc(after, func() { _, _ = c.Write(b) })
			return
		}
		_, _ = c.Write(b)
	}
}
