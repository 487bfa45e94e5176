package udpbatch

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
	"time"
)

// plain hides what a connection is, so that datagrams go one by one.
type plain struct{ net.Conn }

// ends returns two connected sockets on loopback.
func ends(t testing.TB, as func(net.Conn) net.Conn) (a, b *Socket) {
	t.Helper()
	l, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.DialUDP("udp", nil, l.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	// The listener's port, as a connected socket: nobody else can have it in between, because it is shared on purpose only.
	local := l.LocalAddr().(*net.UDPAddr)
	l.Close()
	d, err := net.DialUDP("udp", local, c.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	a, b = New(as(c)), New(as(d))
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

func itself(c net.Conn) net.Conn { return c }

var ways = map[string]func(net.Conn) net.Conn{"batched": itself, "one by one": func(c net.Conn) net.Conn { return plain{c} }}

// TestOrder: datagrams of all sizes arrive whole and in order, whatever runs they make.
func TestOrder(t *testing.T) {
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			a, b := ends(t, way)
			rng := rand.New(rand.NewPCG(1, 2))
			for round := range 40 {
				var sent [][]byte
				for size := 1; len(sent) < 150; {
					if rng.IntN(8) == 0 {
						size = 1 + rng.IntN(1500)
					}
					if rng.IntN(100) == 0 {
						size = 30000
					}
					d := bytes.Repeat([]byte{byte(round), byte(len(sent))}, size)[:size]
					sent = append(sent, d)
				}
				errs := make(chan error, 1)
				go func() {
					for len(sent) > 0 {
						n, total := 0, 0
						for n < len(sent) && (n == 0 || n < 70 && total+len(sent[n]) < 40000) { // no queue is ever full
							total += len(sent[n])
							n++
						}
						if err := a.Send(sent[:n]); err != nil {
							errs <- err
							return
						}
						for i := range n {
							if err := expect(b, sent[i]); err != nil {
								errs <- fmt.Errorf("round %d: datagram %d of %d: %w", round, i, n, err)
								return
							}
						}
						sent = sent[n:]
					}
					errs <- nil
				}()
				select {
				case err := <-errs:
					if err != nil {
						t.Fatal(err)
					}
				case <-time.After(20 * time.Second):
					t.Fatal("a datagram is missing")
				}
			}
			if a.TooBig() {
				t.Error("something was too big")
			}
		})
	}
}

// expect waits for one datagram.
func expect(s *Socket, want []byte) error {
	got := s.Next()
	if got == nil {
		if _, err := s.More(); err != nil {
			return err
		}
		got = s.Next()
	}
	for got == nil {
		if err := s.Receive(); err != nil {
			return err
		}
		got = s.Next()
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%d bytes of %x, want %d of %x", len(got), got[0], len(want), want[0])
	}
	return nil
}

// TestNobodyThere: that nobody listens is no end of a socket, and what comes later arrives.
func TestNobodyThere(t *testing.T) {
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			l, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
			if err != nil {
				t.Fatal(err)
			}
			at := l.LocalAddr().(*net.UDPAddr)
			l.Close()
			conn, err := net.DialUDP("udp", nil, at)
			if err != nil {
				t.Fatal(err)
			}
			s := New(way(conn))
			defer s.Close()
			for range 5 {
				if err := errors.Join(s.Send([][]byte{{1}, {2}, {3, 4}}), s.Write([]byte{5})); err != nil {
					t.Fatal(err)
				}
			}
			got := make(chan error, 1)
			go func() { got <- expect(s, []byte("late")) }()
			peer, err := net.DialUDP("udp", at, conn.LocalAddr().(*net.UDPAddr))
			if err != nil {
				t.Fatal(err)
			}
			defer peer.Close()
			if _, err := peer.Write([]byte("late")); err != nil {
				t.Fatal(err)
			}
			if err := <-got; err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestClose ends a Receive that waits, and every Send after it.
func TestClose(t *testing.T) {
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			a, _ := ends(t, way)
			end := make(chan error, 1)
			go func() { end <- a.Receive() }()
			a.Close()
			if err := <-end; err == nil {
				t.Error("Receive has no error")
			}
			if a.Send([][]byte{{1}}) == nil || a.Write([]byte{1}) == nil {
				t.Error("Send or Write has no error")
			}
		})
	}
}

func TestNoAllocations(t *testing.T) {
	a, b := ends(t, itself)
	out := make([][]byte, 40)
	for i := range out {
		out[i] = make([]byte, 1400)
	}
	out[39] = out[39][:700]
	turn := func() {
		if err := a.Send(out); err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(out); {
			if err := b.Receive(); err != nil {
				t.Fatal(err)
			}
			for ; b.Next() != nil; n++ {
			}
		}
	}
	for range 20 { // buffers grow
		turn()
	}
	if n := testing.AllocsPerRun(50, turn); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzRun: a run is what the kernel can cut again: all of a size but the last, within its limits.
func FuzzRun(f *testing.F) {
	f.Add([]byte{10, 10, 10, 5, 10})
	f.Add([]byte{255, 255, 254, 255})
	f.Add(bytes.Repeat([]byte{200}, 100))
	f.Fuzz(func(t *testing.T, sizes []byte) {
		var d [][]byte
		for _, s := range sizes {
			d = append(d, make([]byte, 1+int(s)*20))
		}
		for len(d) > 0 {
			n, total := run(d), 0
			if n < 1 || n > maxSegments || n > len(d) {
				t.Fatalf("a run of %d", n)
			}
			for i, one := range d[:n] {
				total += len(one)
				if len(one) > len(d[0]) || i < n-1 && len(one) != len(d[0]) {
					t.Fatalf("datagram %d of %d is %d long, the first %d", i, n, len(one), len(d[0]))
				}
			}
			if total > maxDatagram {
				t.Fatalf("%d bytes", total)
			}
			d = d[n:]
		}
	})
}
