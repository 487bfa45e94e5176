package dtlstun

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	dtlsnet "github.com/pion/dtls/v3/pkg/net"

	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/record"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

const (
	benchPackets = 45 // what a TUN device makes of one 64 KiB segment
	benchSize    = 1400
)

// BenchmarkPaths moves batches of full packets over loopback, in turns so that nothing is lost, by the channel and by the library whose place it takes; "AES alone" is what no path can do
// without: sealing and opening. Compare within one run; the time is that of both ends.
func BenchmarkPaths(b *testing.B) {
	b.Run("channel", func(b *testing.B) {
		from, to := established(b, record.DTLS12, 0x009d, Config{}, Config{})
		out, in := packet.New(benchPackets, 1500), packet.New(packet.MaxBatch, 1500)
		b.SetBytes(benchPackets * benchSize)
		b.ReportAllocs()
		for b.Loop() {
			for out.Reset(); !out.Full(); out.Commit(benchSize) {
				out.Next()
			}
			if err := from.WriteBatch(out); err != nil {
				b.Fatal(err)
			}
			for in.Reset(); in.Len() < benchPackets; {
				if err := to.ReadBatch(in); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("pion", func(b *testing.B) {
		from, to := pions(b)
		p := make([]byte, benchSize+HeaderLen)
		b.SetBytes(benchPackets * benchSize)
		b.ReportAllocs()
		for b.Loop() {
			for range benchPackets {
				if _, err := from.Write(p); err != nil {
					b.Fatal(err)
				}
				if _, err := to.Read(p); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("AES alone", func(b *testing.B) {
		block, err := aes.NewCipher(make([]byte, 32))
		if err != nil {
			b.Fatal(err)
		}
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			b.Fatal(err)
		}
		p, nonce := make([]byte, benchSize+HeaderLen, benchSize+64), make([]byte, gcm.NonceSize())
		b.SetBytes(benchPackets * benchSize)
		for b.Loop() {
			for range benchPackets {
				sealed := gcm.Seal(p[:0], nonce, p, nil)
				if _, err := gcm.Open(sealed[:0], nonce, sealed, nil); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

// pions returns two ends of pion's, with the suite whose records are as the channel's.
func pions(b *testing.B) (client, server *dtls.Conn) {
	b.Helper()
	x, y := sockets(b)
	psk := func([]byte) ([]byte, error) { return []byte(testKey), nil }
	suite := func() []dtls.CipherSuite { return []dtls.CipherSuite{&psk256{}} }
	client, err := dtls.ClientWithOptions(dtlsnet.PacketConnFromConn(x), x.RemoteAddr(), dtls.WithPSK(psk), dtls.WithPSKIdentityHint([]byte(identity)), dtls.WithCustomCipherSuites(suite))
	if err != nil {
		b.Fatal(err)
	}
	server, err = dtls.ServerWithOptions(dtlsnet.PacketConnFromConn(y), y.RemoteAddr(), dtls.WithPSK(psk), dtls.WithCustomCipherSuites(suite), dtls.WithInsecureSkipVerifyHello(true))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { client.Close(); server.Close() })
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- server.HandshakeContext(ctx) }()
	if err := client.HandshakeContext(ctx); err != nil {
		b.Fatal(err)
	}
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	return client, server
}
