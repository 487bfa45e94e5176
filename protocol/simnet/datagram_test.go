package simnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// sockets is a socket of the laptop, over its first link unless a path is named, and the gateway's.
func (w *world) sockets(t *testing.T, via protocol.Path) (client net.Conn, server *Socket) {
	t.Helper()
	s, err := w.gw.ListenPacket(443)
	if err != nil {
		t.Fatal(err)
	}
	c, err := w.pc.Dialer().DialUDP(t.Context(), gwPort, via)
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

// expect reads a datagram and returns who sent it.
func expect(t *testing.T, s *Socket, want string) netip.AddrPort {
	t.Helper()
	b := make([]byte, 2048)
	_ = s.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, from, err := s.ReadFromUDPAddrPort(b)
	if err != nil || string(b[:n]) != want {
		t.Fatalf("read %q, %v; want %q", b[:n], err, want)
	}
	return from
}

// silent checks that nothing comes.
func silent(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(time.Second))
	if n, err := c.Read(make([]byte, 2048)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%d bytes, %v; want silence", n, err)
	}
	_ = c.SetReadDeadline(time.Time{})
}

func TestDatagramTakesTheLatencyOfItsLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c, s := w.sockets(t, anyPath)
		mustWrite(t, c, "hello")
		var from netip.AddrPort
		if d := took(func() { from = expect(t, s, "hello") }); d != 20*time.Millisecond {
			t.Errorf("one way took %v", d)
		}
		if from.Addr() != netip.MustParseAddr("203.0.113.7") {
			t.Errorf("the gateway sees %s, want the translator's address", from)
		}
		mustWrite(t, c, "")
		expect(t, s, "")
		if _, err := s.WriteTo([]byte("answer"), net.UDPAddrFromAddrPort(from)); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 3)
		if n, err := c.Read(b); n != 3 || err != nil || string(b) != "ans" {
			t.Errorf("%d, %v, %q", n, err, b)
		}
		silent(t, c) // what did not fit is gone
		_ = c.Close()
		if _, err := c.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

// TestDatagramGetsLost by chance, a filter, its size, a link that is down, or a host that is off; and its sender learns nothing.
func TestDatagramGetsLost(t *testing.T) {
	for name, c := range map[string]struct {
		set  func(w *world, on bool)
		size int
	}{
		"loss":             {set: func(w *world, on bool) { w.wifi.SetLoss(map[bool]float64{true: 1}[on]) }},
		"filter":           {set: func(w *world, on bool) { w.wifi.BlockUDP(on) }},
		"gateway's filter": {set: func(w *world, on bool) { w.gw.Link(1).BlockUDP(on) }},
		"silent":           {set: func(w *world, on bool) { w.gw.SetSilent(on) }},
		"size": {size: 1000, set: func(w *world, on bool) {
			w.gw.Link(1).SetMTU(map[bool]int{true: 1027, false: 1028}[on])
		}},
		"link": {set: func(w *world, on bool) {
			if on {
				w.wifi.Down()
			} else {
				w.wifi.Up()
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				p := string(make([]byte, max(c.size, 10)))
				client, s := w.sockets(t, w.wifi.Path(gwAddr))
				mustWrite(t, client, p)
				from := expect(t, s, p)
				c.set(w, true)
				mustWrite(t, client, p)
				silent(t, s)
				if _, err := s.WriteToUDPAddrPort([]byte(p), from); err != nil {
					t.Fatal(err)
				}
				silent(t, client)
				c.set(w, false)
				mustWrite(t, client, p)
				expect(t, s, p)
			})
		})
	}
}

// TestDatagramsOvertakeEachOther: stragglers come late, the others stay in order.
func TestDatagramsOvertakeEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c, s := w.sockets(t, anyPath)
		w.wifi.SetStraggle(0.3, 5*time.Millisecond)
		for i := range 100 {
			mustWrite(t, c, fmt.Sprintf("%03d", i))
			if i%10 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
		late, last, b := 0, "", make([]byte, 8)
		for range 100 {
			n, err := s.Read(b)
			if err != nil {
				t.Fatal(err)
			}
			if now := string(b[:n]); now < last {
				late++
			} else {
				last = now
			}
		}
		if late < 10 || late > 50 {
			t.Errorf("%d of 100 came late", late)
		}
	})
}

// TestRebindMovesDatagrams: after the translator forgot them they come from another port, and what goes to the old one is lost.
func TestRebindMovesDatagrams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c, s := w.sockets(t, anyPath)
		mustWrite(t, c, "one")
		was := expect(t, s, "one")
		mustWrite(t, c, "two")
		if is := expect(t, s, "two"); is != was {
			t.Errorf("the port changed from %v to %v without a reason", was, is)
		}
		w.nat.RebindUDP()
		_, _ = s.WriteToUDPAddrPort([]byte("lost"), was)
		silent(t, c)
		mustWrite(t, c, "three")
		is := expect(t, s, "three")
		if is == was || is.Addr() != was.Addr() {
			t.Errorf("from %v, then %v", was, is)
		}
		_, _ = s.WriteToUDPAddrPort([]byte("lost"), was)
		_, _ = s.WriteToUDPAddrPort([]byte("found"), is)
		b := make([]byte, 10)
		if n, err := c.Read(b); err != nil || string(b[:n]) != "found" {
			t.Errorf("%q, %v", b[:n], err)
		}
		stranger, err := w.Host("elsewhere", netip.MustParseAddr("192.0.2.66")).Dialer().DialUDP(t.Context(), is, anyPath)
		if err != nil {
			t.Fatal(err)
		}
		mustWrite(t, stranger, "let me in")
		silent(t, c)
	})
}

// TestNobodyListens is told after a round trip, once per datagram, and is no end.
func TestNobodyListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c, err := w.pc.Dialer().DialUDP(t.Context(), gwPort, anyPath)
		if err != nil {
			t.Fatal(err)
		}
		mustWrite(t, c, "hello")
		if d := took(func() {
			if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("%v", err)
			}
		}); d != 40*time.Millisecond {
			t.Errorf("after %v", d)
		}
		silent(t, c)
		s, err := w.gw.ListenPacket(443)
		if err != nil {
			t.Fatal(err)
		}
		mustWrite(t, c, "hello")
		expect(t, s, "hello")
		w.gw.Restart()
		if _, err := s.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after the restart: %v", err)
		}
	})
}

// TestDialUDP finds no way where DialTCP finds none.
func TestDialUDP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		d := w.pc.Dialer()
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		for name, c := range map[string]struct {
			ctx  context.Context
			to   netip.AddrPort
			via  protocol.Path
			code fault.Code
		}{
			"no such path": {t.Context(), gwPort, protocol.Path{IfIndex: 9}, fault.NetNoPath},
			"no family":    {t.Context(), netip.MustParseAddrPort("[2001:db8::1]:443"), anyPath, fault.NetNoRoute},
			"cancelled":    {cancelled, gwPort, anyPath, fault.NetTimeout},
		} {
			if _, err := d.DialUDP(c.ctx, c.to, c.via); fault.As(err).Code != c.code {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := w.gw.ListenPacket(500); err != nil {
			t.Fatal(err)
		}
		if _, err := w.gw.ListenPacket(500); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("twice the same port: %v", err)
		}
		_ = w.Close()
		if _, err := w.gw.ListenPacket(501); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}
