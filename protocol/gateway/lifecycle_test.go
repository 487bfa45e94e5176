package gateway

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/cstp"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// life is our client's tunnel to the rig's gateway, and what it has said and brought.
type life struct {
	*cstp.Tunnel
	t     testing.TB
	r     *rig
	con   *cstp.Connector
	wg    sync.WaitGroup // who reads
	begun time.Time
	out   sync.Mutex   // a carrier has one writer
	came  atomic.Int64 // packets, by either way
	mu    sync.Mutex
	notes []note
}

// note is a notification and when it came, since the start.
type note struct {
	protocol.Notification
	at time.Duration
}

// live opens a tunnel and reads it to its end. change may change how it is reached.
func (r *rig) live(change ...func(*cstp.Connector)) *life {
	r.t.Helper()
	c, target := r.connector()
	for _, f := range change {
		f(c)
	}
	tun, err := c.Open(r.t.Context(), target, user{"username": "alice", "password": "wonderland"})
	if err != nil {
		r.t.Fatal(err)
	}
	l := &life{t: r.t, r: r, con: c, begun: time.Now()}
	l.read(tun)
	r.t.Cleanup(func() { _ = l.Close(protocol.CloseQuiet); l.wg.Wait() })
	return l
}

// read makes a tunnel the one in use and reads it to its end.
func (l *life) read(tun protocol.Tunnel) {
	l.Tunnel = tun.(*cstp.Tunnel)
	for _, from := range []protocol.Receiver{tun.Carrier(), tun.Carrier().(protocol.Doubled).Beside()} {
		l.wg.Go(func() {
			for b := packet.New(64, 2048); from.ReadBatch(b) == nil; b.Reset() {
				l.came.Add(int64(b.Len()))
			}
		})
	}
	l.wg.Go(func() {
		for n := range tun.Notifications() {
			l.mu.Lock()
			l.notes = append(l.notes, note{n, time.Since(l.begun)})
			l.mu.Unlock()
		}
	})
}

// anew makes a new tunnel of the session in place of the one in use.
func (l *life) anew() {
	l.t.Helper()
	old, ref := l.Tunnel, l.Session()
	reached, err := l.con.Reach(l.t.Context(), ref, l.r.pc.Link(1).Path(gwAddr))
	if err != nil {
		l.t.Fatal(err)
	}
	next, err := l.con.Resume(l.t.Context(), ref, reached)
	if err != nil {
		l.t.Fatal(err)
	}
	l.read(next)
	_ = old.Close(protocol.CloseQuiet)
}

// said are the notifications of a kind.
func (l *life) said(kind protocol.NoteKind) (list []note) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.notes {
		if n.Kind == kind {
			list = append(list, n)
		}
	}
	return list
}

// until waits for a condition, in virtual time.
func (l *life) until(within time.Duration, what string, ok func() bool) time.Duration {
	l.t.Helper()
	began := time.Now()
	for !ok() {
		if time.Since(began) > within {
			l.t.Fatalf("not %s after %v: %+v, MTU %d, %+v", what, within, l.Transport(), l.Settings().MTU, l.notes)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(began)
}

func (l *life) travels(by string) func() bool { return func() bool { return l.Transport().Name == by } }

// ping sends an echo request of a length.
func (l *life) ping(seq, size int) {
	l.t.Helper()
	from := l.Settings().Addresses[0].Addr().As4()
	to := inside4.As4()
	p := make([]byte, size)
	copy(p, []byte{0x45, 0, byte(size >> 8), byte(size), 0, 0, 0, 0, 64, 1, 0, 0})
	copy(p[12:], from[:])
	copy(p[16:], to[:])
	p[20] = 8
	binary.BigEndian.PutUint16(p[26:], uint16(seq))
	sum := func(b []byte) uint16 { // RFC 1071
		var s uint32
		for i := 0; i+1 < len(b); i += 2 {
			s += uint32(binary.BigEndian.Uint16(b[i:]))
		}
		for s > 0xffff {
			s = s>>16 + s&0xffff
		}
		return ^uint16(s)
	}
	binary.BigEndian.PutUint16(p[10:], sum(p[:20]))
	binary.BigEndian.PutUint16(p[22:], sum(p[20:size&^1]))
	b := packet.New(1, 2048)
	b.Append(p)
	l.out.Lock()
	defer l.out.Unlock()
	if err := l.Carrier().WriteBatch(b); err != nil {
		l.t.Error(err)
	}
}

// undisturbed checks that the session has had one CONNECT and nothing the agent would reconnect for.
func (l *life) undisturbed() {
	l.t.Helper()
	if s := l.r.gw.Sessions(); len(s) != 1 || s[0].Reconnects != 0 {
		l.t.Errorf("sessions: %v", s)
	}
	for _, kind := range []protocol.NoteKind{protocol.NoteDown, protocol.NotePeerDead, protocol.NoteServerClosed} {
		if n := l.said(kind); len(n) > 0 {
			l.t.Errorf("said: %+v", n)
		}
	}
}

// TestFallBackToTheMTUForTLS: the tunnel expects DTLS and has its MTU. Five retries later it has the one for TLS, without a CONNECT. DTLS that comes up after all changes
// nothing at first; when its size has come through for ten minutes it is taken.
func TestFallBackToTheMTUForTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *Config) { c.Settings.MTU, c.DTLS.MTU = 1367, 1390 })
		r.gw.BlockUDP(true)
		l := r.live()
		if l.Settings().MTU != 1390 {
			t.Errorf("MTU %d before anything was tried", l.Settings().MTU)
		}
		l.ping(1, 1390)
		l.until(time.Second, "answered by TLS", func() bool { return l.came.Load() == 1 })
		took := l.until(2*time.Minute, "at the MTU for TLS", func() bool { return l.Settings().MTU == 1367 })
		if took < 31*time.Second || took > 31*time.Second+6*7*time.Second {
			t.Errorf("the MTU for TLS after %v", took)
		}
		time.Sleep(time.Second)
		if n := l.said(protocol.NoteMTU); len(n) != 1 || !strings.HasPrefix(n[0].Text, "1367: ") {
			t.Errorf("said: %+v", n)
		}
		if got := l.Session().MTU; got != 1367 {
			t.Errorf("the session remembers %d", got)
		}
		r.gw.BlockUDP(false)
		l.until(3*time.Minute, "by DTLS", l.travels("dtls"))
		if l.Settings().MTU != 1367 {
			t.Errorf("MTU %d at once", l.Settings().MTU)
		}
		took = l.until(15*time.Minute, "at the MTU for DTLS", func() bool { return l.Settings().MTU == 1390 })
		if took < 10*time.Minute {
			t.Errorf("the MTU grew after %v", took)
		}
		time.Sleep(time.Second)
		if n := l.said(protocol.NoteMTU); len(n) != 2 || !strings.HasPrefix(n[1].Text, "1390: ") {
			t.Errorf("said: %+v", n)
		}
		l.ping(2, 1390)
		l.until(time.Second, "answered by DTLS", func() bool { return l.came.Load() == 2 })
		l.undisturbed()
	})
}

// TestKnownMTUStays: a session that knows what fits has that MTU in its next tunnel, too.
func TestKnownMTUStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.gw.LimitUDP(1380)
		l := r.live()
		l.until(30*time.Second, "by DTLS", l.travels("dtls"))
		ref := l.Session()
		con, _ := r.connector()
		reached, err := con.Reach(t.Context(), ref, protocol.Path{})
		if err != nil {
			t.Fatal(err)
		}
		next, err := con.Resume(t.Context(), ref, reached)
		if err != nil {
			t.Fatal(err)
		}
		defer next.Close(protocol.CloseQuiet)
		if got := next.Settings().MTU; got != 1334 || next.Session().MTU != got {
			t.Errorf("MTU %d, the session knows %d", got, next.Session().MTU)
		}
	})
}

// TestSearchForTheMTU: UDP carries only shorter packets, and the longest that are answered are used. Below what the addresses need there is TLS.
func TestSearchForTheMTU(t *testing.T) {
	only4 := func(c *Config) { c.Pools = c.Pools[:1] }
	for _, c := range []struct {
		name   string
		limit  int // of a datagram, bytes
		change func(*Config)
		mtu    int // 0: none is found
	}{
		{"everything passes", 0, nil, 1400},
		{"a little too narrow", 1437, nil, 1394},
		{"another tunnel on the way", 1380, nil, 1334},
		{"just what IPv6 needs", 1280 + 38, nil, 1280},
		{"less than IPv6 needs", 1280 + 37, nil, 0},
		{"the same without IPv6", 1280 + 37, only4, 1274},
		{"very narrow", 900, only4, 734},
		{"of no use", 500, only4, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, c.change)
				r.gw.LimitUDP(c.limit)
				l := r.live()
				if c.mtu == 0 {
					l.until(time.Minute, "told why", func() bool { return strings.HasPrefix(l.Transport().Reason, "UDP carries no packets") })
					if l.Settings().MTU != 1400 || l.Transport().Name != "tls" {
						t.Errorf("MTU %d, %+v", l.Settings().MTU, l.Transport())
					}
					l.undisturbed()
					return
				}
				took := l.until(30*time.Second, "by DTLS", l.travels("dtls"))
				if got := l.Settings().MTU; got != c.mtu {
					t.Errorf("MTU %d, want %d", got, c.mtu)
				}
				t.Logf("found after %v", took)
				l.ping(1, l.Settings().MTU)
				l.until(time.Second, "answered", func() bool { return l.came.Load() == 1 })
				if n := l.said(protocol.NoteMTU); len(n) > 1 || len(n) == 0 && c.mtu != 1400 {
					t.Errorf("said: %+v", n)
				}
				// A packet that the device let through before it had the new MTU goes by TLS.
				l.ping(2, 1400)
				l.until(time.Second, "answered", func() bool { return l.came.Load() == 2 })
				l.undisturbed()
			})
		})
	}
}

// TestPathShrinks: in the middle of a session only shorter packets come through any more, while DPD does. What fits is found, and packets travel by DTLS again.
func TestPathShrinks(t *testing.T) {
	t.Run("alone", func(t *testing.T) { shrinks(t, false, 3*time.Second) })
	t.Run("while others are answered", func(t *testing.T) { shrinks(t, true, 3*time.Second) })
}

func shrinks(t *testing.T, others bool, within time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		l := r.live()
		l.until(5*time.Second, "by DTLS", l.travels("dtls"))
		if l.Settings().MTU != 1400 {
			t.Fatalf("MTU %d", l.Settings().MTU)
		}
		r.gw.LimitUDP(1380)
		stop, quit := context.WithCancel(t.Context())
		var sending sync.WaitGroup
		sending.Go(func() { // as TCP does whose segments are lost
			for pause := 200 * time.Millisecond; stop.Err() == nil; pause = min(2*pause, 5*time.Second) {
				l.ping(1, 1400)
				time.Sleep(pause)
			}
		})
		if others {
			sending.Go(func() {
				for ; stop.Err() == nil; time.Sleep(20 * time.Millisecond) {
					l.ping(2, 100)
				}
			})
		}
		took := l.until(within, "at another MTU", func() bool { return l.Settings().MTU == 1334 })
		l.until(20*time.Second, "by DTLS", l.travels("dtls"))
		quit()
		sending.Wait()
		t.Logf("the MTU after %v", took)
		l.undisturbed()
		if n := l.said(protocol.NoteRenew); len(n) != 1 || !strings.Contains(n[0].Text, "more than 1400 bytes") { // its MTU in a record, by UDP and IPv4
			t.Errorf("said: %+v", n)
		}
	})
}

// TestDTLSRekeyLosesNothing: new keys every ten seconds under a steady stream of packets, of which each is answered.
func TestDTLSRekeyLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *Config) { c.DTLS.Rekey = 10 * time.Second })
		l := r.live()
		l.until(5*time.Second, "by DTLS", l.travels("dtls"))
		began, sent := time.Now(), int64(0)
		for time.Since(began) < time.Minute {
			l.ping(int(sent), 500)
			sent++
			time.Sleep(3 * time.Millisecond)
		}
		time.Sleep(time.Second)
		if n := len(l.said(protocol.NoteKeys)); n < 5 || n > 7 {
			t.Errorf("new keys %d times in a minute: %+v", n, l.notes)
		}
		if n := l.said(protocol.NoteCarrier); len(n) != 1 {
			t.Errorf("said: %+v", n)
		}
		if got := l.came.Load(); got != sent {
			t.Errorf("%d of %d packets came back", got, sent)
		}
		l.undisturbed()
	})
}

// TestSilentTLSBesideDTLS: TLS has no answers any more, DTLS has. Nothing is held up, and after half a minute the agent is asked for a new tunnel, once.
func TestSilentTLSBesideDTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *Config) { c.Settings.DPD = 10 * time.Second })
		l := r.live()
		l.until(5*time.Second, "by DTLS", l.travels("dtls"))
		r.gw.HangTLS()
		hung := time.Now()
		sent := l.came.Load()
		for len(l.said(protocol.NoteRenew)) == 0 && time.Since(hung) < 2*time.Minute {
			l.ping(int(sent), 100)
			sent++
			time.Sleep(100 * time.Millisecond)
		}
		took := time.Since(hung)
		if took < 20*time.Second || took > 45*time.Second {
			t.Errorf("asked for a new tunnel after %v", took)
		}
		if n := l.said(protocol.NoteRenew); len(n) != 1 || !strings.Contains(n[0].Text, "TLS is silent") {
			t.Errorf("said: %+v", n)
		}
		for _, kind := range []protocol.NoteKind{protocol.NoteSilence, protocol.NotePeerDead, protocol.NoteDown} {
			if n := l.said(kind); len(n) > 0 {
				t.Errorf("said: %+v", n)
			}
		}
		if got := l.came.Load(); got < sent-1 {
			t.Errorf("%d of %d packets came back", got, sent)
		}
	})
}

// mortal is a dialer whose streams the system gives up, all at once, as it does when nothing was confirmed for too long.
type mortal struct {
	protocol.Dialer
	protocol.DatagramDialer
	dead  atomic.Bool
	conns []net.Conn
}

func (m *mortal) DialTCP(ctx context.Context, to netip.AddrPort, via protocol.Path) (net.Conn, error) {
	c, err := m.Dialer.DialTCP(ctx, to, via)
	if err == nil {
		m.conns = append(m.conns, c)
		c = &doomed{c, m}
	}
	return c, err
}

func (m *mortal) giveUp() {
	m.dead.Store(true)
	for _, c := range m.conns {
		_ = c.SetReadDeadline(time.Unix(1, 0))
	}
}

type doomed struct {
	net.Conn
	m *mortal
}

func (d *doomed) Read(p []byte) (int, error) {
	n, err := d.Conn.Read(p)
	if d.m.dead.Load() {
		return 0, &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ETIMEDOUT)}
	}
	return n, err
}

// TestDTLSOutlivesTLS: the system has given up the TCP connection while DTLS answers. Packets travel on, a new tunnel is asked for, and only the end of DTLS is the end.
func TestDTLSOutlivesTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		m := &mortal{Dialer: r.pc.Dialer(), DatagramDialer: r.pc.Dialer()}
		l := r.live(func(c *cstp.Connector) { c.Dialer = m })
		l.until(5*time.Second, "by DTLS", l.travels("dtls"))
		m.giveUp()
		for seq := range 100 {
			l.ping(seq, 100)
			time.Sleep(100 * time.Millisecond)
		}
		if n := l.said(protocol.NoteRenew); len(n) != 1 || l.came.Load() != 100 {
			t.Errorf("%d packets came, said: %+v", l.came.Load(), n)
		}
		probe, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.Probe(probe); err != nil {
			t.Errorf("probe: %v", err)
		}
		l.undisturbed()
		r.gw.BlockUDP(true)
		l.ping(1, 100)
		took := l.until(2*time.Minute, "told of the end", func() bool { return len(l.said(protocol.NoteDown)) == 1 })
		t.Logf("the end after %v", took)
	})
}
