package offline

import (
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/dart/checkup"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/uplink"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// TestLargePacketsVanish: a way that carries small packets alone is not taken for a silent gateway, and our greeting is long enough to notice.
func TestLargePacketsVanish(t *testing.T) {
	cert, pem := issue(t, nil)
	greeting := make(chan int, 1)
	port := listen(t, func(c net.Conn) {
		if segment(c) > smallSegment {
			n := 0
			for b := make([]byte, 4096); n <= 1500; {
				m, err := c.Read(b)
				if err != nil {
					break
				}
				n += m
			}
			greeting <- n
			return // and never answers
		}
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}})
		if s.Handshake() == nil {
			_, _ = s.Read(make([]byte, 1))
			_, _ = io.WriteString(s, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	e := &exam{target: protocol.Target{Host: "vpn.example", Port: port, Path: "/", Trust: protocol.Trust{CAPEM: pem}}, web: closed(t), wait: 3 * time.Second, // a busy machine needs some of it to make the greeting
		dialer: names{Dialer: uplink.NewUnmarked(nil), addrs: []netip.Addr{loopback}}, look: func() (platform.NetSnapshot, error) { return platform.NetSnapshot{}, nil }}
	o := e.run(t.Context())
	if v := checkup.Judge(o).Verdict; v.Layer != checkup.MTU || v.Code != fault.NetSize {
		t.Errorf("blames %q %q\n%+v", v.Layer, v.Code, o)
	}
	if n := <-greeting; n <= 1500 {
		t.Errorf("the greeting is %d bytes: it fits a packet", n)
	}
}

// segment is the largest segment that we may send on c.
func segment(c net.Conn) int {
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		return 0
	}
	n := 0
	_ = raw.Control(func(fd uintptr) { n, _ = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG) })
	return n
}
