package netstack

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// full is an address as gVisor wants it. An unspecified one means any.
func full(a netip.AddrPort) tcpip.FullAddress {
	f := tcpip.FullAddress{NIC: nic, Port: a.Port()}
	if !a.Addr().IsUnspecified() {
		f.Addr = tcpip.AddrFromSlice(a.Addr().AsSlice())
	}
	return f
}

// DialTCP connects to an address through the interface.
func (s *Stack) DialTCP(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	c, err := gonet.DialContextTCP(ctx, s.ip, full(to), family(to.Addr()))
	if err != nil {
		return nil, err
	}
	return c, nil
}

// ListenTCP listens on an address of the interface, with 0.0.0.0 on all of IPv4, with :: on all of both families.
func (s *Stack) ListenTCP(at netip.AddrPort) (net.Listener, error) {
	l, err := gonet.ListenTCP(s.ip, full(at), family(at.Addr()))
	if err != nil {
		return nil, err
	}
	return stackListener{l}, nil
}

// stackListener is gonet's listener whose Close also wakes Accept.
type stackListener struct{ *gonet.TCPListener }

func (l stackListener) Close() error {
	l.Shutdown()
	return l.TCPListener.Close()
}

// DialUDP makes a socket connected to an address.
func (s *Stack) DialUDP(to netip.AddrPort) (net.Conn, error) {
	remote := full(to)
	c, err := gonet.DialUDP(s.ip, nil, &remote, family(to.Addr()))
	if err != nil {
		return nil, err
	}
	return c, nil
}

// ListenUDP makes a socket on an address of the interface, with 0.0.0.0 on all of IPv4, with :: on all of both families.
func (s *Stack) ListenUDP(at netip.AddrPort) (net.PacketConn, error) {
	local := full(at)
	c, err := gonet.DialUDP(s.ip, &local, nil, family(at.Addr()))
	if err != nil {
		return nil, err
	}
	return c, nil
}

// pingEvery is how long Ping waits for an answer before it asks again.
const pingEvery = time.Second

// Ping sends an ICMP echo request, and again every second, until one is answered or ctx ends. It returns the round trip of the one that was answered.
func (s *Stack) Ping(ctx context.Context, to netip.Addr) (time.Duration, error) {
	transport, kind, reply := icmp.ProtocolNumber4, byte(header.ICMPv4Echo), byte(header.ICMPv4EchoReply)
	if to.Is6() {
		transport, kind, reply = icmp.ProtocolNumber6, byte(header.ICMPv6EchoRequest), byte(header.ICMPv6EchoReply)
	}
	var wq waiter.Queue
	ep, terr := s.ip.NewEndpoint(transport, family(to), &wq)
	if terr != nil {
		return 0, fmt.Errorf("netstack: ping: %s", terr)
	}
	c := gonet.NewUDPConn(&wq, ep)
	defer func() { _ = c.Close() }()
	if terr := ep.Connect(full(netip.AddrPortFrom(to, 0))); terr != nil {
		return 0, fmt.Errorf("netstack: ping %s: %s", to, terr)
	}
	unblock := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	defer unblock()

	var sent []time.Time
	answer := make([]byte, 64)
	for ctx.Err() == nil {
		ask := [8]byte{kind}
		binary.BigEndian.PutUint16(ask[6:], uint16(len(sent)))
		sent = append(sent, time.Now())
		if _, err := c.Write(ask[:]); err != nil {
			return 0, fmt.Errorf("netstack: ping %s: %w", to, err)
		}
		_ = c.SetReadDeadline(time.Now().Add(pingEvery))
		for {
			n, err := c.Read(answer)
			if err != nil {
				var timeout net.Error
				if !errors.As(err, &timeout) || !timeout.Timeout() {
					return 0, fmt.Errorf("netstack: ping %s: %w", to, err)
				}
				break
			}
			if seq := int(binary.BigEndian.Uint16(answer[6:])); n >= 8 && answer[0] == reply && seq < len(sent) {
				return time.Since(sent[seq]), nil
			}
		}
	}
	return 0, fmt.Errorf("netstack: ping %s: %w", to, ctx.Err())
}
