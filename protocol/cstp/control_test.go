package cstp

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// path is one direction of a connection that can be taken down: what is written waits until it is up again, as with TCP.
type path struct {
	net.Conn
	gate chan struct{} // holds a token while it is up
}

func newPath(c net.Conn) *path {
	p := &path{Conn: c, gate: make(chan struct{}, 1)}
	p.gate <- struct{}{}
	return p
}

func (p *path) down() { <-p.gate }
func (p *path) up()   { p.gate <- struct{}{} }

func (p *path) Write(b []byte) (int, error) {
	<-p.gate
	defer func() { p.gate <- struct{}{} }()
	return p.Conn.Write(b)
}

// watched is a tunnel in a bubble whose gateway answers, with a reader on each side.
type watched struct {
	*Tunnel
	gw    *Stream
	path  *path
	start time.Time
	t     *testing.T
}

// bubble runs f in a bubble of its own, with datagrams that were prepared.
func bubble(t *testing.T, set *protocol.Settings, f func(w *watched), prepare ...func(*datagrams)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		p := newPath(a)
		c, s := tlsPair(t, tls.VersionTLS13, p, b)
		w := &watched{path: p, start: time.Now(), t: t, gw: NewStream(s, s.NetConn().(*Cork), nil)}
		udp := newDatagrams(NewStream(c, c.NetConn().(*Cork), nil), set, slog.New(slog.DiscardHandler), why{}, new(places).at(netip.Addr{}, netip.Addr{}))
		for _, f := range prepare {
			f(udp)
		}
		w.Tunnel = newTunnel(udp, a, protocol.SessionRef{}, 10*time.Millisecond, slog.New(slog.DiscardHandler))
		var wg sync.WaitGroup
		for _, read := range []func(*packet.Batch) error{w.Carrier().ReadBatch, w.gw.ReadBatch} {
			wg.Go(func() {
				b := packet.New(8, 2048)
				for read(b) == nil {
					b.Reset()
				}
			})
		}
		f(w)
		_ = w.Close(protocol.CloseQuiet)
		_ = w.gw.Abandon()
		wg.Wait()
	})
}

// want takes the next notification and checks when it came.
func (w *watched) want(kind protocol.NoteKind, at time.Duration) {
	w.t.Helper()
	n := <-w.Notifications()
	if got := time.Since(w.start).Round(time.Millisecond); n.Kind != kind || got != at {
		w.t.Errorf("notification %d at %v, want %d at %v", n.Kind, got, kind, at)
	}
}

func (w *watched) quiet() {
	w.t.Helper()
	synctest.Wait()
	if len(w.Notifications()) > 0 {
		w.t.Errorf("%+v", <-w.Notifications())
	}
}

func TestIdleTunnelStaysAlive(t *testing.T) {
	bubble(t, &protocol.Settings{DPD: 30 * time.Second, Keepalive: 20 * time.Second}, func(w *watched) {
		time.Sleep(24 * time.Hour)
		w.quiet()
		if w.stream.act.answer.Load() == 0 {
			t.Error("no DPD was answered")
		}
	})
}

func TestSilentPeerIsDead(t *testing.T) {
	bubble(t, &protocol.Settings{DPD: 30 * time.Second}, func(w *watched) {
		w.path.down()
		w.want(protocol.NotePeerDead, time.Minute)
		w.path.up()
		time.Sleep(5 * time.Minute)
		w.quiet()
	})
}

// TestAsleep: a machine that goes to sleep sends nothing and judges nobody, however long that takes; after it everything begins anew.
func TestAsleep(t *testing.T) {
	bubble(t, &protocol.Settings{DPD: 30 * time.Second, Keepalive: 20 * time.Second}, func(w *watched) {
		w.path.down()
		time.Sleep(59 * time.Second) // a second more, and the peer is dead
		w.Sleep(true)
		w.path.up()
		synctest.Wait()
		before := w.gw.act.count.Load()
		time.Sleep(time.Hour)
		w.quiet()
		if n := w.gw.act.count.Load() - before; n != 0 {
			t.Errorf("%d frames were sent", n)
		}
		w.path.down()
		w.Sleep(false)
		w.want(protocol.NotePeerDead, 59*time.Second+time.Hour+time.Minute)
		w.path.up()
	})
}

// TestLeftovers: what came before the night and is read after it is no sign of life.
func TestLeftovers(t *testing.T) {
	bubble(t, &protocol.Settings{DPD: 30 * time.Second}, func(w *watched) {
		time.Sleep(time.Second)
		w.path.down()
		w.Sleep(true)
		w.Sleep(false)
		var wg sync.WaitGroup
		wg.Go(func() {
			time.Sleep(10 * time.Millisecond)
			_ = w.gw.WriteControl(TypeKeepalive, nil)
		})
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
		defer cancel()
		if err := w.Probe(ctx); err == nil {
			t.Error("the peer is alive, and did not answer")
		}
		wg.Wait()
		w.path.up()
		w.Sleep(false)
		if err := w.Probe(w.t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestSilenceUnderTraffic(t *testing.T) {
	bubble(t, &protocol.Settings{DPD: 30 * time.Second}, func(w *watched) {
		time.Sleep(time.Second)
		w.path.down()
		var wg sync.WaitGroup
		wg.Go(func() { _ = w.Carrier().WriteBatch(batch(1, 100)) }) // waits for the path
		w.want(protocol.NoteSilence, 1100*time.Millisecond)
		time.Sleep(300 * time.Millisecond)
		w.quiet()
		w.path.up()
		w.want(protocol.NoteHeard, 1400*time.Millisecond)
		wg.Wait()
	})
}

// Nobody takes the notifications, and silence comes and goes: the control goroutine does not wait, and what matters still arrives at the end.
func TestNobodyListens(t *testing.T) {
	bubble(t, &protocol.Settings{DPD: 30 * time.Second, RekeyTime: time.Hour, RekeyMethod: "ssl"}, func(w *watched) {
		for range 50 {
			w.path.down()
			var wg sync.WaitGroup
			wg.Go(func() { _ = w.Carrier().WriteBatch(batch(1, 100)) })
			time.Sleep(2 * time.Second)
			w.path.up()
			wg.Wait()
			time.Sleep(time.Second)
		}
		time.Sleep(time.Hour)
		w.path.down()
		time.Sleep(time.Hour)
		w.path.up()
		_ = w.gw.WriteControl(TypeTerminate, AppendDisconnect(nil, ReasonLocalError, "late"))
		synctest.Wait()
		var last [3]protocol.NoteKind
		silences := 0
		for len(w.Notifications()) > 0 {
			n := <-w.Notifications()
			last[0], last[1], last[2] = last[1], last[2], n.Kind
			switch n.Kind {
			case protocol.NoteSilence:
				silences++
			case protocol.NoteHeard:
				silences--
			}
		}
		if want := [3]protocol.NoteKind{protocol.NoteRekey, protocol.NotePeerDead, protocol.NoteServerClosed}; last != want || silences != 0 {
			t.Errorf("the last are %v, %d silences did not end", last, silences)
		}
	})
}

func TestRekeyIsTold(t *testing.T) {
	bubble(t, &protocol.Settings{RekeyTime: time.Hour, RekeyMethod: "new-tunnel"}, func(w *watched) {
		w.want(protocol.NoteRekey, 59*time.Minute)
		time.Sleep(3 * time.Hour)
		w.quiet()
	})
}
