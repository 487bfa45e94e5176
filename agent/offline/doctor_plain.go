package offline

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/portal"
	"github.com/holdfast-vpn/holdfast/dart/checkup"
	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol/login"
)

// page asks the gateway's own address for a page over plain HTTP, which is where a captive portal shows itself.
func (e *exam) page(ctx context.Context, a netip.Addr) checkup.Web {
	if e.anyNetwork {
		return checkup.Web{}
	}
	ctx, cancel := context.WithTimeout(ctx, webTime)
	defer cancel()
	dial := func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
		return e.dialer.DialTCP(ctx, to, 0, "", netip.Addr{})
	}
	return portal.Probe{Dial: dial, Host: e.target.Host, Agent: login.DefaultUserAgent, Port: e.web}.Look(ctx, a)
}

// greetUDP sends the first message of DTLS. Gateways answer it to nobody, or to sessions only; an ICMP error is an answer of the network.
func greetUDP(ctx context.Context, to netip.AddrPort) checkup.UDP {
	began := time.Now()
	c, err := (&net.Dialer{}).DialContext(ctx, "udp", to.String())
	if err != nil {
		return checkup.UDP{}
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	u := checkup.UDP{Sent: true}
	hello, answer := clientHello(), make([]byte, 2048)
	for range 2 {
		if _, err = c.Write(hello); err == nil {
			_ = c.SetReadDeadline(time.Now().Add(udpTime))
			_, err = c.Read(answer)
		}
		switch {
		case err == nil:
			u.Answered = true
		case errors.Is(err, syscall.ECONNREFUSED):
			u.Refused = fault.New(fault.NetRefused, err)
		case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
			u.Refused = fault.New(fault.NetNoRoute, err)
		case errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil:
			continue
		}
		break
	}
	u.Took = time.Since(began)
	return u
}

// clientHello is a whole ClientHello of DTLS 1.2 without cookie or extensions (RFC 6347 section 4.2), which any DTLS server can read and none must keep state for.
func clientHello() []byte {
	body := []byte{0xfe, 0xfd}
	random := make([]byte, 32)
	_, _ = rand.Read(random) // does not fail
	body = append(body, random...)
	body = append(body, 0, 0)                             // no session, no cookie
	body = append(body, 0, 4, 0xc0, 0x2f, 0xc0, 0x2b)     // ECDHE with AES-128-GCM, RSA and ECDSA
	body = append(body, 1, 0)                             // no compression
	length := []byte{0, 0, byte(len(body))}               // 24 bits
	message := append([]byte{1}, length...)               // client_hello
	message = append(message, 0, 0, 0, 0, 0)              // message 0, from its offset 0
	message = append(append(message, length...), body...) // in one fragment
	record := []byte{22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0}
	return append(binary.BigEndian.AppendUint16(record, uint16(len(message))), message...)
}
