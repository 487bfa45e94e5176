package bench

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-vpn/holdfast/agent/interop/lab"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/platform/tunif/queue"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/gateway"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

const (
	gatewayPort = "8443"
	farMTU      = 1400
)

// farSide is an Inside that is the machine itself, through a TUN device with segmentation offload.
type farSide struct{ *queue.Queue }

func newFarSide(name string) (*farSide, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	req, err := unix.NewIfreq(name)
	if err != nil {
		return nil, err
	}
	req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, req); err != nil {
		return nil, err
	}
	q, err := queue.New(fd)
	return &farSide{q}, err
}

func (f *farSide) Read(b *packet.Batch) error {
	n, err := f.Queue.Read(b.Bufs, b.Sizes, packet.Headroom)
	b.SetLen(n)
	return err
}

func (f *farSide) Write(b *packet.Batch) error {
	_, err := f.Queue.Write(b.Trimmed(), packet.Headroom)
	return err
}

// serveGateway is the far end: the embedded gateway on real sockets. Its arguments are the files of certificate and key.
func serveGateway(args []string) error {
	cert, err := tls.LoadX509KeyPair(args[0], args[1])
	if err != nil {
		return err
	}
	far, err := newFarSide("far0")
	if err != nil {
		return err
	}
	g, err := gateway.New(gateway.Config{
		Certificate: cert, Inside: far,
		Users:    []gateway.User{{Name: lab.Account, Password: redact.NewString(lab.Password)}},
		Pools:    []netip.Prefix{netip.MustParsePrefix("10.12.0.0/24")},
		Settings: protocol.Settings{MTU: farMTU, DPD: time.Minute, Keepalive: 2 * time.Minute, SplitInclude: []netip.Prefix{netip.MustParsePrefix("10.97.0.0/16")}},
	})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", gatewayAddr+":"+gatewayPort)
	if err != nil {
		return err
	}
	u, err := net.ListenPacket("udp", gatewayAddr+":"+gatewayPort)
	if err != nil {
		return err
	}
	go func() { _ = g.ServeDatagrams(u) }()
	fmt.Println("ready")
	fmt.Fprintln(os.Stderr, g.Serve(l))
	return g.Close()
}

// startGateway starts it and routes the clients' addresses to it.
func (l *bed) startGateway() *lab.Process {
	l.Helper()
	p := l.Ready(l.gateway.Command(l.Self, "role", "gateway", l.Cert, l.Key), "ready")
	l.IP(l.gateway, "link set far0 up mtu "+itoa(farMTU), "route add 10.12.0.0/24 dev far0")
	return p
}
