package interop

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/cstp"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/resume"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// here dials in the namespace of the test, which is the client's.
type here struct{}

func (here) Lookup(context.Context, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("198.51.100.1")}, nil
}

func (here) DialTCP(ctx context.Context, to netip.AddrPort, _ protocol.Path) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", to.String())
}

func (here) DialUDP(ctx context.Context, to netip.AddrPort, _ protocol.Path) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "udp", to.String())
}

// member answers as the test account.
type member struct{}

func (member) Ask(_ context.Context, f protocol.Form) (protocol.Answer, error) {
	a := protocol.Answer{Accept: true, Values: map[string]redact.Secret{}}
	for _, field := range f.Fields {
		switch field.Type {
		case "password":
			a.Values[field.Name] = redact.NewString(password)
		case "select":
			a.Values[field.Name] = redact.NewString(field.Options[0].Value)
		default:
			a.Values[field.Name] = redact.NewString(account)
		}
	}
	return a, nil
}

// TestOldDTLS: a client that offers only what old gateways have. ocserv then speaks the DTLS before the standard, which it never chooses for the agent; packets travel by it, both ways.
func TestOldDTLS(t *testing.T) {
	t.Parallel()
	for name, cipher := range map[string]string{
		"AES256-SHA": "DTLS 0.9 TLS_RSA_WITH_AES_256_CBC_SHA (weak)", "AES128-SHA": "DTLS 0.9 TLS_RSA_WITH_AES_128_CBC_SHA (weak)",
		"OC-DTLS1_2-AES128-GCM": "DTLS 1.2 TLS_RSA_WITH_AES_128_GCM_SHA256",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if w == nil {
				return
			}
			w.startOcserv(t, ciscoOnly)
			ca, err := os.ReadFile(w.pki.ca)
			if err != nil {
				t.Fatal(err)
			}
			c := &cstp.Connector{Dialer: here{}, Offer: func() cstp.ResumeOffer {
				return cstp.ResumeOffer{Master: cstp.NewResumeOffer().Master, DTLS: resume.DTLS.Named(name)}
			}}
			tun, err := c.Open(t.Context(), protocol.Target{Name: "old", Host: "vpn4.lab.example", Port: 443, Path: "/", Trust: protocol.Trust{CAPEM: ca}, Hostname: "laptop"}, member{})
			if err != nil {
				t.Fatal(err)
			}
			answers := answered(t, tun)
			waitTransport(t, tun, cipher)
			from, size := tun.Settings().Addresses[0].Addr(), tun.Settings().MTU
			before := w.counted("udp")
			const asked = 200
			for i := range asked {
				ask(t, tun, echoRequest(from, netip.MustParseAddr("10.99.0.2"), uint16(i), size))
				select {
				case <-answers:
				case <-time.After(5 * time.Second):
					t.Fatalf("no answer to echo request %d", i)
				}
			}
			if by := w.counted("udp") - before; by < 2*asked*size {
				t.Errorf("%d bytes went by UDP", by)
			}
		})
	}
}

// waitTransport waits for DTLS.
func waitTransport(t *testing.T, tun protocol.Tunnel, cipher string) {
	t.Helper()
	late := time.After(10 * time.Second)
	for {
		at := tun.(*cstp.Tunnel).Transport()
		if at.Name == "dtls" {
			if at.Cipher != cipher {
				t.Errorf("cipher %q", at.Cipher)
			}
			return
		}
		select {
		case <-tun.Notifications():
		case <-late:
			t.Fatalf("no DTLS after 10 s: %+v", at)
		}
	}
}

// answered reads both ways of a tunnel, which ends with the test, and tells of echo replies.
func answered(t *testing.T, tun protocol.Tunnel) <-chan struct{} {
	t.Helper()
	answers, ended := make(chan struct{}, 16), make(chan struct{}, 2)
	for _, from := range []protocol.Receiver{tun.Carrier(), tun.Carrier().(protocol.Doubled).Beside()} {
		go func() {
			b := packet.New(16, 2048)
			for from.ReadBatch(b) == nil {
				for i := range b.Len() {
					if p := b.Packet(i); len(p) > 20 && p[9] == 1 && p[20] == 0 {
						answers <- struct{}{}
					}
				}
				b.Reset()
			}
			ended <- struct{}{}
		}()
	}
	t.Cleanup(func() {
		_ = tun.Close(protocol.CloseUser)
		<-ended
		<-ended
	})
	return answers
}

func ask(t *testing.T, tun protocol.Tunnel, p []byte) {
	t.Helper()
	b := packet.New(1, 2048)
	b.Append(p)
	if err := tun.Carrier().WriteBatch(b); err != nil {
		t.Fatal(err)
	}
}

// echoRequest is a packet of size bytes.
func echoRequest(from, to netip.Addr, seq uint16, size int) []byte {
	p := make([]byte, 20, size)
	p[0], p[8], p[9] = 0x45, 64, 1
	binary.BigEndian.PutUint16(p[2:], uint16(size))
	copy(p[12:], from.AsSlice())
	copy(p[16:], to.AsSlice())
	binary.BigEndian.PutUint16(p[10:], checksum(p))
	icmp := append([]byte{8, 0, 0, 0, 0x0f, 0xa5, byte(seq >> 8), byte(seq)}, bytes.Repeat([]byte{0x5a}, size-28)...)
	binary.BigEndian.PutUint16(icmp[2:], checksum(icmp))
	return append(p, icmp...)
}

// checksum is that of RFC 1071.
func checksum(b []byte) uint16 {
	sum := uint32(0)
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(b[i])<<8 | uint32(b[i+1])
	}
	if len(b)%2 == 1 {
		sum += uint32(b[len(b)-1]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
