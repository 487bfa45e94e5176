package bench

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.zx2c4.com/wireguard/tun"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/gateway"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

const (
	gatewayPort = "8443"
	farMTU      = 1400
)

// farSide is an Inside that is the machine itself, through a TUN device with segmentation offload.
type farSide struct {
	tun  tun.Device
	room *packet.Batch // the device appends a flow's segments to its first packet: that needs long slots
}

func (d *farSide) Read(b *packet.Batch) error {
	n, err := d.tun.Read(b.Bufs, b.Sizes, packet.Headroom)
	b.SetLen(n)
	return err
}

func (d *farSide) Write(b *packet.Batch) error {
	d.room.Reset()
	for i := range b.Len() {
		d.room.Append(b.Packet(i))
	}
	_, err := d.tun.Write(d.room.Trimmed(), packet.Headroom)
	return err
}

func (d *farSide) Close() error { return d.tun.Close() }

// serveGateway is the far end: the embedded gateway on real sockets. Its arguments are the files of certificate and key.
func serveGateway(args []string) error {
	cert, err := tls.LoadX509KeyPair(args[0], args[1])
	if err != nil {
		return err
	}
	t, err := tun.CreateTUN("far0", farMTU)
	if err != nil {
		return err
	}
	g, err := gateway.New(gateway.Config{
		Certificate: cert, Inside: &farSide{tun: t, room: packet.New(packet.MaxBatch, 64<<10-packet.Headroom-packet.Tailroom)},
		Users:    []gateway.User{{Name: account, Password: redact.NewString(password)}},
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
	fmt.Println("ready")
	fmt.Fprintln(os.Stderr, g.Serve(l))
	return g.Close()
}

// startGateway starts it and routes the clients' addresses to it.
func (l *lab) startGateway() *process {
	l.Helper()
	p := l.ready(l.gateway.Command(l.self, "role", "gateway", l.cert, l.key), "ready")
	l.ip(l.gateway, "link set far0 up", "route add 10.12.0.0/24 dev far0")
	return p
}
