package pollconn

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// pair is a taken connection and its peer.
func pair(t testing.TB) (c *Conn, peer net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	raw, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if peer, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	c, ok := Take(raw).(*Conn)
	if !ok {
		t.Fatal("not taken")
	}
	t.Cleanup(func() { _ = c.Close(); _ = peer.Close() })
	if _, err := raw.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the original is open: %v", err)
	}
	return c, peer
}

func TestBothWays(t *testing.T) {
	c, peer := pair(t)
	if c.LocalAddr().String() != peer.RemoteAddr().String() || c.RemoteAddr().String() != peer.LocalAddr().String() {
		t.Error("addresses differ")
	}
	big := bytes.Repeat([]byte("holdfast"), 1<<20)
	go func() { _, _ = c.Write(big); _ = c.CloseWrite() }()
	if got, err := io.ReadAll(peer); err != nil || !bytes.Equal(got, big) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	go func() { _, _ = peer.Write(big); _ = peer.Close() }()
	if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, big) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// blocked are the calls that wait.
var blocked = map[string]func(*Conn) error{
	"read":  func(c *Conn) error { _, err := c.Read(make([]byte, 1)); return err },
	"write": func(c *Conn) error { _, err := c.Write(make([]byte, 64<<20)); return err },
	"raw read": func(c *Conn) error {
		raw, _ := c.SyscallConn()
		return raw.Read(func(uintptr) bool { return false })
	},
}

func TestCloseEndsCalls(t *testing.T) {
	for name, call := range blocked {
		t.Run(name, func(t *testing.T) {
			c, _ := pair(t)
			done := make(chan error, 1)
			go func() { done <- call(c) }()
			time.Sleep(20 * time.Millisecond)
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			if err := <-done; !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
			if err := call(c); !errors.Is(err, net.ErrClosed) {
				t.Errorf("after Close: %v", err)
			}
			if err := c.Close(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("a second Close: %v", err)
			}
		})
	}
}

// A deadline counts for calls that wait already, and can be moved and taken away.
func TestDeadlines(t *testing.T) {
	for name, call := range blocked {
		t.Run(name, func(t *testing.T) {
			c, peer := pair(t)
			expired := func(err error) bool {
				var e net.Error
				return errors.Is(err, os.ErrDeadlineExceeded) && errors.As(err, &e) && e.Timeout()
			}
			_ = c.SetDeadline(time.Now().Add(-time.Second))
			if err := call(c); !expired(err) {
				t.Errorf("past: %v", err)
			}
			_ = c.SetDeadline(time.Now().Add(time.Hour))
			done := make(chan error, 1)
			go func() { done <- call(c) }()
			time.Sleep(20 * time.Millisecond)
			_ = c.SetDeadline(time.Now().Add(10 * time.Millisecond))
			if err := <-done; !expired(err) {
				t.Errorf("moved: %v", err)
			}
			if name != "read" {
				return
			}
			_ = c.SetDeadline(time.Time{})
			go func() { time.Sleep(20 * time.Millisecond); _, _ = peer.Write([]byte("x")) }()
			if err := call(c); err != nil {
				t.Errorf("taken away: %v", err)
			}
		})
	}
}

func TestPeerIsGone(t *testing.T) {
	c, peer := pair(t)
	_ = peer.(*net.TCPConn).SetLinger(0)
	_ = peer.Close()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("read: %v", err)
	}
	if _, err := c.Write(make([]byte, 1)); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("write: %v", err)
	}
}

func TestDatagrams(t *testing.T) {
	peer, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = peer.Close() }()
	raw, err := net.Dial("udp", peer.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := Take(raw).(*Conn)
	defer func() { _ = c.Close() }()
	for _, want := range []string{"ping", ""} {
		if _, err := c.Write([]byte(want)); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 10)
		n, from, err := peer.ReadFrom(buf)
		if err != nil || string(buf[:n]) != want {
			t.Fatalf("%q, %v", buf[:n], err)
		}
		if _, err := peer.WriteTo(buf[:n], from); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(buf); err != nil || string(buf[:n]) != want {
			t.Fatalf("%q, %v", buf[:n], err)
		}
	}
	if err := errors.Join(c.SetReadBuffer(1<<20), c.SetWriteBuffer(1<<20)); err != nil {
		t.Error(err)
	}
}

func TestOthersAreLeft(t *testing.T) {
	a, b := net.Pipe()
	defer func() { _ = a.Close(); _ = b.Close() }()
	if Take(a) != a {
		t.Error("taken")
	}
}

func TestNothingAllocates(t *testing.T) {
	c, peer := pair(t)
	buf := make([]byte, 1000)
	if n := testing.AllocsPerRun(200, func() {
		_, _ = peer.Write(buf)
		_, _ = c.Read(buf)
		_, _ = c.Write(buf)
		_, _ = peer.Read(buf)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
