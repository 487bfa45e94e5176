package simnet

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
)

var (
	gwAddr  = netip.MustParseAddr("198.51.100.1")
	gwPort  = netip.AddrPortFrom(gwAddr, 443)
	anyPath protocol.Path
)

// world is a gateway, and a laptop with two uplinks, wifi behind a translator.
type world struct {
	*Net
	gw, pc      *Host
	wifi, wired *Link
	nat         *NAT
	listener    net.Listener
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Net: New(1)}
	w.gw = w.Host("gateway", gwAddr)
	w.pc = w.Host("laptop")
	w.wifi = w.pc.Uplink("wifi0", netip.MustParseAddr("192.168.1.20"))
	w.wifi.SetLatency(20 * time.Millisecond)
	w.nat = w.wifi.NAT(netip.MustParseAddr("203.0.113.7"))
	w.wired = w.pc.Uplink("wired0", netip.MustParseAddr("192.0.2.9"))
	w.wired.SetLatency(time.Millisecond)
	l, err := w.gw.Listen(443)
	if err != nil {
		t.Fatal(err)
	}
	w.listener = l
	t.Cleanup(func() { _ = w.Close() })
	return w
}

// pair dials over a path and accepts.
func (w *world) pair(t *testing.T, via protocol.Path) (client, server net.Conn) {
	t.Helper()
	c, err := w.pc.Dialer().DialTCP(t.Context(), gwPort, via)
	if err != nil {
		t.Fatal(err)
	}
	s, err := w.listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

// took runs f and returns how long it took on the bubble's clock.
func took(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

func mustRead(t *testing.T, c net.Conn, want string) {
	t.Helper()
	b := make([]byte, len(want))
	if _, err := io.ReadFull(c, b); err != nil || string(b) != want {
		t.Fatalf("read %q, %v; want %q", b, err, want)
	}
}

func mustWrite(t *testing.T, c net.Conn, s string) {
	t.Helper()
	if n, err := c.Write([]byte(s)); n != len(s) || err != nil {
		t.Fatalf("write: %d, %v", n, err)
	}
}

func TestStreamTakesTheLatencyOfItsLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var c, s net.Conn
		if d := took(func() { c, s = w.pair(t, anyPath) }); d != 40*time.Millisecond {
			t.Errorf("connecting took %v, want one round trip of 40ms", d)
		}
		mustWrite(t, c, "hello")
		if d := took(func() { mustRead(t, s, "hello") }); d != 20*time.Millisecond {
			t.Errorf("one way took %v", d)
		}
		if got := s.RemoteAddr().(*net.TCPAddr).IP.String(); got != "203.0.113.7" {
			t.Errorf("the gateway sees %s, want the translator's address", got)
		}
		if got := c.LocalAddr().(*net.TCPAddr).IP.String(); got != "192.168.1.20" {
			t.Errorf("the laptop is %s", got)
		}
		mustWrite(t, s, "bye")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		mustRead(t, c, "bye")
		if _, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("after the peer's close: %v, want EOF", err)
		}
		_ = c.Close()
		if n := w.Streams(); n != 0 {
			t.Errorf("%d streams left", n)
		}
	})
}

func TestDialFaults(t *testing.T) {
	tests := []struct {
		name     string
		sabotage func(w *world)
		to       string
		via      protocol.Path
		limit    time.Duration // of the context; 0 is none
		code     fault.Code
		cause    error
		took     time.Duration
	}{
		{"port closed", func(w *world) {}, "198.51.100.1:80", anyPath, 0, fault.NetRefused, syscall.ECONNREFUSED, 40 * time.Millisecond},
		{"host silent", func(w *world) { w.gw.SetSilent(true) }, "198.51.100.1:443", anyPath, 3 * time.Second, fault.NetSilent, context.DeadlineExceeded, 3 * time.Second},
		{"host silent, no deadline", func(w *world) { w.gw.SetSilent(true) }, "198.51.100.1:443", anyPath, 0, fault.NetSilent, syscall.ETIMEDOUT, 127 * time.Second},
		{"nobody has the address", func(w *world) {}, "198.51.100.9:443", anyPath, time.Second, fault.NetSilent, context.DeadlineExceeded, time.Second},
		{"no address of the family", func(w *world) {}, "[2001:db8::1]:443", anyPath, 0, fault.NetNoRoute, syscall.ENETUNREACH, 0},
		{"no such link", func(w *world) {}, "198.51.100.1:443", protocol.Path{IfIndex: 9}, 0, fault.NetNoPath, syscall.EADDRNOTAVAIL, 0},
		{"address gone", func(w *world) {}, "198.51.100.1:443", protocol.Path{IfIndex: 1, Local: gwAddr}, 0, fault.NetNoPath, syscall.EADDRNOTAVAIL, 0},
		{"chosen link down", func(w *world) { w.wifi.Down() }, "198.51.100.1:443", protocol.Path{IfIndex: 1}, time.Second, fault.NetSilent, context.DeadlineExceeded, time.Second},
		{"gateway restarted, nobody listens", func(w *world) { w.gw.Restart() }, "198.51.100.1:443", anyPath, 0, fault.NetRefused, syscall.ECONNREFUSED, 40 * time.Millisecond},
		{"network closed", func(w *world) { _ = w.Close() }, "198.51.100.1:443", anyPath, 0, fault.NetNoPath, net.ErrClosed, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				tt.sabotage(w)
				ctx := t.Context()
				if tt.limit > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.limit)
					defer cancel()
				}
				var err error
				d := took(func() { _, err = w.pc.Dialer().DialTCP(ctx, netip.MustParseAddrPort(tt.to), tt.via) })
				if fault.As(err).Code != tt.code || !errors.Is(err, tt.cause) {
					t.Errorf("error %v, want %s with %v", err, tt.code, tt.cause)
				}
				if d != tt.took {
					t.Errorf("took %v, want %v", d, tt.took)
				}
			})
		})
	}
}

func TestAnyPathTakesALinkThatIsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.wifi.Down()
		c, _ := w.pair(t, anyPath)
		if got := c.LocalAddr().(*net.TCPAddr).IP.String(); got != "192.0.2.9" {
			t.Errorf("dialled from %s, want the wired link", got)
		}
		w.wifi.Up()
		c, _ = w.pair(t, w.wired.Path(gwAddr))
		if got := c.LocalAddr().(*net.TCPAddr).IP.String(); got != "192.0.2.9" {
			t.Errorf("dialled from %s, want the link asked for", got)
		}
	})
}

func TestDialGoesOnWhenTheLinkComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.wifi.Down()
		time.AfterFunc(2*time.Second, w.wifi.Up)
		d := took(func() { w.pair(t, protocol.Path{IfIndex: 1}) })
		if want := 3*time.Second + 40*time.Millisecond; d != want {
			t.Errorf("connected after %v, want the third SYN's %v", d, want)
		}
	})
}

func TestCancelledDialLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(30*time.Millisecond, cancel) // the SYN has arrived, its answer has not
		if _, err := w.pc.Dialer().DialTCP(ctx, gwPort, anyPath); fault.As(err).Code != fault.NetTimeout {
			t.Fatalf("error %v", err)
		}
		s, err := w.listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the gateway's side: %v, want a reset", err)
		}
		_ = s.Close()
		if n := w.Streams(); n != 0 {
			t.Errorf("%d streams left", n)
		}
	})
}

func TestLinkDownStallsAndResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c, s := w.pair(t, anyPath)
		w.wifi.Down()
		mustWrite(t, c, "one")
		time.Sleep(5 * time.Second)
		mustWrite(t, c, "two")
		w.wifi.Up()
		d := took(func() { mustRead(t, s, "onetwo") })
		// Stalled at 20 ms; time-outs of 200, 400, 800, 1600, 3200 ms end at 6.22 s, and the segment needs 20 ms.
		if want := 1240 * time.Millisecond; d != want {
			t.Errorf("resumed %v after the link came back, want %v", d, want)
		}
		mustWrite(t, c, "three")
		if d := took(func() { mustRead(t, s, "three") }); d != 20*time.Millisecond {
			t.Errorf("afterwards one way takes %v", d)
		}
	})
}

// A path that became narrower without a word: what is too long never arrives, nor does what follows it, until the path is as it was; a stream that was dialled for such a path does not notice.
func TestNarrowLinkHoldsStreamsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		long := strings.Repeat("x", 1400)
		c, s := w.pair(t, anyPath)
		w.wifi.SetMTU(1280)
		mustWrite(t, c, "short")
		mustRead(t, s, "short")
		mustWrite(t, c, long)
		mustWrite(t, c, "behind")
		_ = s.SetReadDeadline(time.Now().Add(time.Minute))
		if n, err := s.Read(make([]byte, 1)); err == nil {
			t.Errorf("%d bytes came", n)
		}
		_ = s.SetReadDeadline(time.Time{})
		via := w.wifi.Path(gwAddr)
		via.MTU = 1280
		narrow, peer := w.pair(t, via)
		mustWrite(t, narrow, long)
		mustRead(t, peer, long)
		w.wifi.SetMTU(0)
		mustRead(t, s, long+"behind")
	})
}

func TestRebindStrandsOldStreamsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c, s := w.pair(t, anyPath)
		wc, ws := w.pair(t, w.wired.Path(gwAddr))
		w.nat.Rebind()
		for _, e := range []net.Conn{c, s} {
			mustWrite(t, e, "lost")
			_ = e.SetReadDeadline(time.Now().Add(24 * time.Hour))
			if _, err := e.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("a stranded stream: %v, want silence", err)
			}
		}
		w.wifi.Down()
		w.wifi.Up()
		_ = s.SetReadDeadline(time.Now().Add(24 * time.Hour))
		if _, err := s.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("after the link came back: %v, want silence", err)
		}
		mustWrite(t, wc, "other link")
		mustRead(t, ws, "other link")
		c, s = w.pair(t, anyPath)
		mustWrite(t, c, "new")
		mustRead(t, s, "new")
	})
}

func TestRestartResetsPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c, _ := w.pair(t, anyPath)
		accept := make(chan error)
		go func() { _, err := w.listener.Accept(); accept <- err }()
		synctest.Wait()
		w.gw.Restart()
		if err := <-accept; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept: %v", err)
		}
		if d := took(func() {
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the laptop reads %v, want a reset", err)
			}
		}); d != 20*time.Millisecond {
			t.Errorf("the reset took %v", d)
		}
		l, err := w.gw.Listen(443)
		if err != nil {
			t.Fatal(err)
		}
		w.listener = l
		w.pair(t, anyPath)
	})
}

func TestPowerCutIsFoundByTheNextSegment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c, _ := w.pair(t, anyPath)
		w.gw.SetSilent(true)
		w.gw.Restart()
		w.gw.SetSilent(false)
		_ = c.SetReadDeadline(time.Now().Add(time.Hour))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("nothing was sent: %v, want silence", err)
		}
		_ = c.SetReadDeadline(time.Time{})
		mustWrite(t, c, "x")
		if d := took(func() {
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("read %v, want a reset", err)
			}
		}); d != 40*time.Millisecond {
			t.Errorf("the reset came after %v, want a round trip", d)
		}
	})
}

func TestBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c, s := w.pair(t, anyPath)
		_ = c.SetWriteDeadline(time.Now().Add(time.Minute))
		big := bytes.Repeat([]byte("0123456789abcdef"), 2*window/16)
		n, err := c.Write(big)
		if n != window || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("wrote %d, %v without a reader; want %d and the deadline", n, err, window)
		}
		_ = c.SetWriteDeadline(time.Time{})
		go func() {
			_, _ = c.Write(big[n:])
			_ = c.Close()
		}()
		got, err := io.ReadAll(s)
		if err != nil || !bytes.Equal(got, big) {
			t.Errorf("read %d bytes, %v; want the %d that were written", len(got), err, len(big))
		}
	})
}

func TestLossIsDelayAndDependsOnTheSeedAlone(t *testing.T) {
	run := func(seed uint64) (arrivals []time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			n := New(seed)
			defer func() { _ = n.Close() }()
			gw, pc := n.Host("gateway", gwAddr), n.Host("laptop", netip.MustParseAddr("192.0.2.1"))
			l, err := gw.Listen(443)
			if err != nil {
				t.Fatal(err)
			}
			link := pc.Link(1)
			c, err := pc.Dialer().DialTCP(t.Context(), gwPort, anyPath)
			if err != nil {
				t.Fatal(err)
			}
			s, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			link.SetLatency(10 * time.Millisecond)
			link.SetLoss(0.2)
			start := time.Now()
			go func() {
				for i := range 50 {
					_, _ = c.Write([]byte{byte(i)})
					time.Sleep(5 * time.Millisecond)
				}
			}()
			for i := range 50 {
				var b [1]byte
				if _, err := io.ReadFull(s, b[:]); err != nil || b[0] != byte(i) {
					t.Fatalf("byte %d is %d, %v", i, b[0], err)
				}
				arrivals = append(arrivals, time.Since(start))
			}
		})
		return arrivals
	}
	a, b, c := run(7), run(7), run(8)
	late := 0
	differ := false
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("byte %d: %v and %v with one seed", i, a[i], b[i])
		}
		differ = differ || a[i] != c[i]
		if a[i] > time.Duration(i)*5*time.Millisecond+10*time.Millisecond {
			late++
		}
	}
	if late == 0 || !differ {
		t.Errorf("%d bytes were late, another seed differs: %t", late, differ)
	}
}

func TestCloseUnblocksEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c, _ := w.pair(t, anyPath)
		w.gw.SetSilent(true)
		errs := make(chan error)
		go func() { _, err := c.Read(make([]byte, 1)); errs <- err }()
		go func() { _, err := c.Write(make([]byte, 2*window)); errs <- err }()
		go func() { _, err := w.listener.Accept(); errs <- err }()
		go func() { _, err := w.pc.Dialer().DialTCP(context.Background(), gwPort, anyPath); errs <- err }()
		synctest.Wait()
		_ = w.Close()
		for range 4 {
			if err := <-errs; !errors.Is(err, net.ErrClosed) {
				t.Errorf("%v, want closed", err)
			}
		}
	})
}

func TestLookup(t *testing.T) {
	n := New(1)
	defer func() { _ = n.Close() }()
	n.Name("VPN.example.com", gwAddr)
	d := n.Host("laptop").Dialer()
	for host, want := range map[string]string{"vpn.example.com": "198.51.100.1", "vpn.EXAMPLE.com.": "198.51.100.1", "2001:db8::7": "2001:db8::7"} {
		if got, err := d.Lookup(t.Context(), host); err != nil || len(got) != 1 || got[0].String() != want {
			t.Errorf("Lookup(%q) = %v, %v", host, got, err)
		}
	}
	if _, err := d.Lookup(t.Context(), "nobody.example.com"); fault.As(err).Code != fault.NetNoName {
		t.Errorf("an unknown name: %v", err)
	}
}

// TestRealTime moves data outside a bubble: the demo does.
func TestRealTime(t *testing.T) {
	w := newWorld(t)
	c, s := w.pair(t, w.wired.Path(gwAddr))
	go func() {
		_, _ = io.Copy(s, s)
		_ = s.Close()
	}()
	want := bytes.Repeat([]byte("holdfast"), 1<<15)
	go func() { _, _ = c.Write(want) }()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("echo: %v", err)
	}
}
