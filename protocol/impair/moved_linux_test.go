package impair

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol/pollconn"
	"github.com/holdfast-vpn/holdfast/protocol/udpbatch"
)

// The sockets of a tunnel wait in the kernel (pollconn), also where they can be impaired; a reset reaches a reader who waits there.
func TestMoved(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err == nil {
			_, _ = io.Copy(c, c)
			c.Close()
		}
	}()
	raw, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	f := New()
	s := f.stream(raw)
	defer s.Close()
	if c := pollconn.Take(s); c != net.Conn(s) {
		t.Errorf("the wrapper is lost: %T", c)
	}
	if _, ok := s.conn().(*pollconn.Conn); !ok {
		t.Errorf("below is %T", s.conn())
	}
	if took, err := echo(s, 100, 10*time.Second); err != nil {
		t.Errorf("after %v: %v", took, err)
	}
	_ = s.SetReadDeadline(time.Time{})
	done := make(chan error, 1)
	go func() { _, err := s.Read(make([]byte, 1)); done <- err }()
	time.Sleep(10 * time.Millisecond) // it waits, or will: both must end
	f.Add(Spec{Kind: TLSClose})
	if err := <-done; !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("who waited got %v", err)
	}
	_ = s.SetReadDeadline(time.Time{})
	if _, err := s.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("with a deadline of its own: %v", err)
	}
	u, err := net.Dial("udp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	d := f.datagrams(u, false)
	defer d.Close()
	pollconn.Take(d)
	if _, ok := d.Below().(*pollconn.Conn); !ok {
		t.Errorf("below is %T", d.Below())
	}
	if sock := udpbatch.New(d); sock.Conn() != net.Conn(d) {
		t.Errorf("the socket's own is %T", sock.Conn())
	}
}
