package impair

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/simnet"
)

var there = netip.MustParseAddrPort("192.0.2.1:443")

// lab is a machine, a server that sends back what it gets, by TCP and UDP, and Faults between them, in a bubble.
type lab struct {
	*Faults
	net  *simnet.Net
	dial protocol.Dialer
	wg   sync.WaitGroup
}

func newLab(t *testing.T) *lab {
	l := &lab{Faults: New(), net: simnet.New(1)}
	site := l.net.Host("there", there.Addr())
	ln, err := site.Listen(443)
	if err != nil {
		t.Fatal(err)
	}
	pc, err := site.ListenPacket(443)
	if err != nil {
		t.Fatal(err)
	}
	l.wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			l.wg.Go(func() { _, _ = io.Copy(c, c); _ = c.Close() })
		}
	})
	l.wg.Go(func() {
		b := make([]byte, 2048)
		for {
			n, from, err := pc.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = pc.WriteTo(b[:n], from)
		}
	})
	pc2 := l.net.Host("here")
	pc2.Uplink("eth0", netip.MustParseAddr("198.51.100.7")).SetLatency(10 * time.Millisecond)
	l.dial = l.Dialer(pc2.Dialer())
	t.Cleanup(func() {
		l.Add(Spec{})
		_ = ln.Close()
		_ = pc.Close()
		_ = l.net.Close()
		l.wg.Wait()
	})
	return l
}

func (l *lab) tcp(t *testing.T) net.Conn {
	t.Helper()
	c, err := l.dial.DialTCP(t.Context(), there, protocol.Path{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func (l *lab) udp(t *testing.T) net.Conn {
	t.Helper()
	c, err := l.dial.(protocol.DatagramDialer).DialUDP(t.Context(), there, protocol.Path{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// echo sends something and returns how long its way back took; an error after limit.
func echo(c net.Conn, size int, limit time.Duration) (time.Duration, error) {
	began := time.Now()
	_ = c.SetReadDeadline(began.Add(limit))
	if _, err := c.Write(make([]byte, size)); err != nil {
		return 0, err
	}
	_, err := io.ReadAtLeast(c, make([]byte, size), size)
	return time.Since(began), err
}

func answered(t *testing.T, what string, c net.Conn, size int, least, most time.Duration) {
	t.Helper()
	if took, err := echo(c, size, time.Minute); err != nil || took < least || took > most {
		t.Errorf("%s: after %v: %v, want %v to %v", what, took, err, least, most)
	}
}

func silent(t *testing.T, what string, c net.Conn, size int) {
	t.Helper()
	if took, err := echo(c, size, 500*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%s: after %v: %v, want nothing", what, took, err)
	}
}

const rtt = 20 * time.Millisecond

func TestDatagrams(t *testing.T) {
	for _, c := range []struct {
		spec            Spec
		small, big, end bool // whether a datagram of 100 bytes, and of 1300, gets through, and another once it is over
	}{
		{Spec{Kind: DTLSDrop, For: 5 * time.Second}, false, false, true},
		{Spec{Kind: LinkDown, For: 5 * time.Second}, false, false, true},
		{Spec{Kind: MTU, Size: 1280, For: 5 * time.Second}, true, false, true},
		{Spec{Kind: Loss, Percent: 100, For: 5 * time.Second}, false, false, true},
		{Spec{Kind: TLSStall, For: 5 * time.Second}, true, true, true},
		{Spec{Kind: GatewayRefuse, For: 5 * time.Second}, true, true, true},
	} {
		t.Run(c.spec.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t)
				u := l.udp(t)
				answered(t, "before", u, 1300, rtt, rtt)
				l.Add(c.spec)
				for size, passes := range map[int]bool{100: c.small, 1300: c.big} {
					if passes {
						answered(t, "what passes", u, size, rtt, rtt)
					} else {
						silent(t, "what does not", u, size)
					}
				}
				time.Sleep(c.spec.For)
				answered(t, "after it ended by itself", u, 1300, rtt, rtt)
				if l.now.Load() != nil || len(l.Active()) != 0 {
					t.Errorf("left: %v", l.Active())
				}
			})
		})
	}
}

func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		u, c := l.udp(t), l.tcp(t)
		l.Add(Spec{Kind: Latency, Delay: 200 * time.Millisecond, For: 5 * time.Second})
		answered(t, "a datagram", u, 100, 200*time.Millisecond+rtt, 200*time.Millisecond+rtt)
		answered(t, "a stream", c, 100, 200*time.Millisecond+rtt, 210*time.Millisecond+rtt)
		began := time.Now()
		l.tcp(t)
		if took := time.Since(began); took < 200*time.Millisecond {
			t.Errorf("a new connection took %v", took)
		}
		time.Sleep(5 * time.Second)
		answered(t, "a datagram after", u, 100, rtt, rtt)
		answered(t, "a stream after", c, 100, rtt, rtt+10*time.Millisecond)
	})
}

func TestLossDelaysStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		c := l.tcp(t)
		l.Add(Spec{Kind: Loss, Percent: 100, For: 5 * time.Second})
		answered(t, "lost once", c, 100, retransmission+rtt, retransmission+rtt+10*time.Millisecond)
	})
}

// A stream that stands still loses nothing and mixes nothing up; one that is made meanwhile works; and who gives up can.
func TestStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		old, other := l.tcp(t), l.tcp(t)
		l.Add(Spec{Kind: TLSStall, For: 10 * time.Second})
		answered(t, "a new connection", l.tcp(t), 100, rtt, rtt+10*time.Millisecond)
		for i := range byte(100) {
			if _, err := old.Write([]byte{i}); err != nil {
				t.Fatal(err)
			}
		}
		silent(t, "one that was there", other, 100)
		began, got := time.Now(), make([]byte, 100)
		if _, err := io.ReadFull(old, got); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 9*time.Second {
			t.Errorf("it came after %v", took)
		}
		if !slices.IsSorted(got) || got[99] != 99 {
			t.Errorf("it came as %v", got)
		}
		l.Add(Spec{Kind: LinkDown, For: time.Minute})
		done := make(chan error, 1)
		go func() { _, err := old.Read(got); done <- err }()
		go func() { _, _ = old.Write(make([]byte, held)); _, _ = old.Write(make([]byte, held)) }()
		time.Sleep(time.Second)
		if err := old.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; err == nil {
			t.Error("a read outlived its connection")
		}
	})
}

func TestCloseAndRefuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		c := l.tcp(t)
		done := make(chan error, 1)
		go func() { _, err := c.Read(make([]byte, 1)); done <- err }()
		synctest.Wait()
		l.Add(Spec{Kind: TLSClose})
		if err := <-done; !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("who waited got %v", err)
		}
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("who comes later got %v", err)
		}
		answered(t, "a new connection", l.tcp(t), 100, rtt, rtt+10*time.Millisecond)
		for kind, code := range map[Kind]fault.Code{GatewayRefuse: fault.NetRefused, LinkDown: fault.NetNoPath} {
			l.Add(Spec{Kind: kind, For: 5 * time.Second})
			if _, err := l.dial.DialTCP(context.Background(), there, protocol.Path{}); fault.As(err).Code != code {
				t.Errorf("kind %d: %v", kind, err)
			}
			l.Add(Spec{})
		}
	})
}

// What was written before the end of a stream arrives before it, late or not.
func TestLateGoodbye(t *testing.T) {
	for _, spec := range []Spec{{Kind: GatewayRefuse, For: time.Minute}, {Kind: Latency, Delay: 200 * time.Millisecond, For: time.Minute}} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t)
			c := l.tcp(t)
			l.Add(spec)
			if _, err := c.Write([]byte("goodbye")); err != nil {
				t.Fatal(err)
			}
			_ = c.SetWriteDeadline(time.Now().Add(250 * time.Millisecond))
			if err := c.(*Stream).CloseWrite(); err != nil {
				t.Errorf("%v: %v", spec, err)
			}
			if b, err := io.ReadAll(c); string(b) != "goodbye" || err != nil {
				t.Errorf("%v: %q, %v", spec, b, err)
			}
		})
	}
}

// Faults end each at its time; a new one of a kind takes the old one's place; off ends all and sleep is never taken back.
func TestEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New()
		f.Add(Spec{Kind: DTLSDrop, For: 10 * time.Second})
		f.Add(Spec{Kind: Loss, Percent: 5, For: 3 * time.Second})
		f.Add(Spec{Kind: DTLSDrop, For: 5 * time.Second})
		f.Add(Spec{Kind: Sleep, Delay: 7 * time.Second})
		want := func(list ...Spec) {
			t.Helper()
			if got := f.Active(); !slices.Equal(got, list) {
				t.Errorf("in force: %v, want %v", got, list)
			}
		}
		want(Spec{Kind: DTLSDrop, For: 5 * time.Second}, Spec{Kind: Loss, Percent: 5, For: 3 * time.Second})
		<-f.Changed()
		time.Sleep(4 * time.Second)
		<-f.Changed() // the loss ended
		want(Spec{Kind: DTLSDrop, For: time.Second})
		time.Sleep(2 * time.Second)
		<-f.Changed()
		want()
		f.Add(Spec{Kind: LinkDown, For: time.Hour})
		if !f.Down() {
			t.Error("the link is up")
		}
		f.Add(Spec{})
		want()
		if f.Down() || f.Slept() != 7*time.Second {
			t.Errorf("down %v, slept %v", f.Down(), f.Slept())
		}
	})
}

// While nothing is impaired a socket costs no allocation.
func TestAllocatesNothing(t *testing.T) {
	f := New()
	near, far := net.Pipe()
	s := f.stream(near)
	defer s.Close()
	go func() { _, _ = io.Copy(far, far) }()
	b := make([]byte, 64)
	if n := testing.AllocsPerRun(200, func() {
		if _, err := s.Write(b); err != nil {
			t.Error(err)
		}
		if _, err := io.ReadFull(s, b); err != nil {
			t.Error(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations for a write and a read", n)
	}
	d := f.datagrams(near, false)
	list := [][]byte{b, b}
	if n := testing.AllocsPerRun(200, func() {
		if d.Impaired() || len(d.Out(list)) != 2 || !d.In(64) {
			t.Error("something is impaired")
		}
	}); n > 0 {
		t.Errorf("%v allocations for a batch", n)
	}
}
