package netstack

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	left4, right4 = netip.MustParsePrefix("10.9.0.1/24"), netip.MustParsePrefix("10.9.0.2/24")
	left6, right6 = netip.MustParsePrefix("fd00:9::1/64"), netip.MustParsePrefix("fd00:9::2/64")
)

// couple is two stacks whose devices are joined.
func couple(t *testing.T) (left, right *Stack) {
	t.Helper()
	build := func(a ...netip.Prefix) *Stack {
		s, err := New(1400)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.SetAddresses(a); err != nil {
			t.Fatal(err)
		}
		return s
	}
	left, right = build(left4, left6), build(right4, right6)
	var wg sync.WaitGroup
	for _, d := range [][2]*Stack{{left, right}, {right, left}} {
		wg.Go(func() { pump(d[0], d[1]) })
	}
	t.Cleanup(func() {
		_ = left.Close()
		_ = right.Close()
		wg.Wait()
	})
	return left, right
}

// pump moves packets with an offset, as a data plane does, until a device is closed.
func pump(from, to *Stack) {
	const offset = 64
	bufs, sizes := make([][]byte, from.BatchSize()), make([]int, from.BatchSize())
	for i := range bufs {
		bufs[i] = make([]byte, 2048)
	}
	for {
		n, err := from.Read(bufs, sizes, offset)
		if err != nil {
			return
		}
		out := make([][]byte, n)
		for i := range out {
			out[i] = bufs[i][:offset+sizes[i]]
		}
		if _, err := to.Write(out, offset); err != nil {
			return
		}
	}
}

func TestSockets(t *testing.T) {
	left, right := couple(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, addr := range []netip.Addr{right4.Addr(), right6.Addr()} {
		t.Run("ping "+addr.String(), func(t *testing.T) {
			rtt, err := left.Ping(ctx, addr)
			if err != nil || rtt <= 0 || rtt > 5*time.Second {
				t.Errorf("%v, %v", rtt, err)
			}
		})
		t.Run("tcp "+addr.String(), func(t *testing.T) {
			at := netip.AddrPortFrom(addr, 7)
			l, err := right.ListenTCP(at)
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				c, err := l.Accept()
				if err == nil {
					_, _ = io.Copy(c, c)
					_ = c.Close()
				}
			}()
			c, err := left.DialTCP(ctx, at)
			if err != nil {
				t.Fatal(err)
			}
			want := bytes.Repeat([]byte("holdfast"), 1<<15)
			go func() { _, _ = c.Write(want) }()
			got := make([]byte, len(want))
			if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, want) {
				t.Errorf("echo: %v", err)
			}
			_ = c.Close()
			_ = l.Close()
		})
		t.Run("udp "+addr.String(), func(t *testing.T) {
			at := netip.AddrPortFrom(addr, 7)
			pc, err := right.ListenUDP(at)
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				b := make([]byte, 2048)
				n, from, err := pc.ReadFrom(b)
				if err == nil {
					_, _ = pc.WriteTo(b[:n], from)
				}
			}()
			c, err := left.DialUDP(at)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Write([]byte("hello")); err != nil {
				t.Fatal(err)
			}
			_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
			b := make([]byte, 16)
			if n, err := c.Read(b); err != nil || string(b[:n]) != "hello" {
				t.Errorf("%q, %v", b[:n], err)
			}
			_ = c.Close()
			_ = pc.Close()
		})
	}
}

func TestRoutesAndAddressesAreWhatWasSetLast(t *testing.T) {
	left, right := couple(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	left.SetRoutes([]netip.Prefix{netip.MustParsePrefix("10.9.0.0/24")})
	if _, err := left.Ping(ctx, right4.Addr()); err != nil {
		t.Errorf("within the route: %v", err)
	}
	if _, err := left.Ping(ctx, right6.Addr()); err == nil {
		t.Error("without a route the other family still answers")
	}
	moved := netip.MustParsePrefix("10.9.0.77/24")
	if err := right.SetAddresses([]netip.Prefix{moved, right6}); err != nil {
		t.Fatal(err)
	}
	if _, err := left.Ping(ctx, moved.Addr()); err != nil {
		t.Errorf("the new address: %v", err)
	}
	short, cancelShort := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancelShort()
	if _, err := left.Ping(short, right4.Addr()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the old address: %v, want no answer", err)
	}
}

func TestHostilePackets(t *testing.T) {
	s, err := New(1400)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	bufs := [][]byte{nil, {}, make([]byte, 10), append(make([]byte, 10), 0x45), append(make([]byte, 10), 0x60, 0), append(make([]byte, 10), 0xf0), bytes.Repeat([]byte{0x45}, 70000)}
	if n, err := s.Write(bufs, 10); n != len(bufs) || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

func TestCloseUnblocksAndLeavesNothing(t *testing.T) {
	s, err := New(1400)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetAddresses([]netip.Prefix{left4}); err != nil {
		t.Fatal(err)
	}
	l, err := s.ListenTCP(netip.AddrPortFrom(netip.IPv4Unspecified(), 80))
	if err != nil {
		t.Fatal(err)
	}
	pc, err := s.ListenUDP(netip.AddrPortFrom(left4.Addr(), 53))
	if err != nil {
		t.Fatal(err)
	}
	blocked := []func() error{
		func() error { _, err := l.Accept(); return err },
		func() error { _, _, err := pc.ReadFrom(make([]byte, 1)); return err },
		func() error {
			_, err := s.DialTCP(context.Background(), netip.MustParseAddrPort("10.9.0.9:1"))
			return err
		},
		func() error {
			for {
				if _, err := s.Read([][]byte{make([]byte, 1500)}, make([]int, 1), 0); err != nil {
					if !errors.Is(err, os.ErrClosed) {
						t.Errorf("Read: %v", err)
					}
					return err
				}
			}
		},
	}
	errs := make(chan error, len(blocked))
	for _, f := range blocked {
		go func() { errs <- f() }()
	}
	time.Sleep(20 * time.Millisecond) // let them block; the result is the same when they have not
	_ = s.Close()
	_ = s.Close()
	for range blocked {
		select {
		case err := <-errs:
			if err == nil {
				t.Error("a call on a closed stack succeeded")
			}
		case <-time.After(10 * time.Second):
			t.Fatal("a call is still blocked after Close")
		}
	}
	if _, err := s.Write([][]byte{{0x45}}, 0); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Write: %v", err)
	}
	waitForGoroutines(t)
}

// waitForGoroutines fails when goroutines of gVisor or of this package are left.
func waitForGoroutines(t *testing.T) {
	t.Helper()
	var left string
	for range 100 {
		b := make([]byte, 1<<20)
		left = ""
		for g := range strings.SplitSeq(string(b[:runtime.Stack(b, true)]), "\n\n") {
			if strings.Contains(g, "gvisor.dev") && !strings.Contains(g, "waitForGoroutines") {
				left += g + "\n\n"
			}
		}
		if left == "" {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("goroutines left:\n%s", left)
}

var _ net.Listener = stackListener{}
