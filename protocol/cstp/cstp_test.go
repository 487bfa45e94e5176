package cstp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

var _ protocol.Carrier = (*Stream)(nil)

// testCert is a self-signed certificate for both roles' tests; verification is not what they are about.
var testCert = func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), DNSNames: []string{"gw.example"}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}()

// loopback returns the two ends of a TCP connection.
func loopback(t testing.TB) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close(); _ = server.Close() })
	return client, server
}

// tlsPair runs the handshake over the two ends of a connection, each under a Cork.
func tlsPair(t testing.TB, version uint16, c, s net.Conn) (client, server *tls.Conn) {
	t.Helper()
	client = tls.Client(Wrap(c), &tls.Config{RootCAs: pool(), ServerName: "gw.example", MinVersion: version, MaxVersion: version,
		DynamicRecordSizingDisabled: true})
	server = tls.Server(Wrap(s), &tls.Config{Certificates: []tls.Certificate{testCert}, MinVersion: version, MaxVersion: version,
		DynamicRecordSizingDisabled: true, SessionTicketsDisabled: true})
	errc := make(chan error, 1)
	go func() { errc <- server.Handshake() }()
	if err := errors.Join(client.Handshake(), <-errc); err != nil {
		t.Fatal(err)
	}
	return client, server
}

func pool() *x509.CertPool {
	c, err := x509.ParseCertificate(testCert.Certificate[0])
	if err != nil {
		panic(err)
	}
	p := x509.NewCertPool()
	p.AddCert(c)
	return p
}

func stream(t testing.TB, c *tls.Conn) *Stream {
	s := NewStream(c, c.NetConn().(*Cork), nil)
	t.Cleanup(func() { _ = s.Abandon() })
	return s
}

func streamPair(t testing.TB, version uint16) (client, server *Stream) {
	t.Helper()
	a, b := loopback(t)
	c, s := tlsPair(t, version, a, b)
	return stream(t, c), stream(t, s)
}

// batch returns a batch of packets, each of size bytes and with its number in the first byte.
func batch(n, size int) *packet.Batch {
	b := packet.New(n, max(size, 1500))
	for i := range n {
		p := b.Next()[:size]
		p[0] = byte(i)
		b.Commit(size)
	}
	return b
}

// readAll reads until n packets came.
func readAll(t testing.TB, s *Stream, n int) [][]byte {
	t.Helper()
	var got [][]byte
	b := packet.New(8, 2048)
	for len(got) < n {
		b.Reset()
		if err := s.ReadBatch(b); err != nil {
			t.Fatalf("after %d packets: %v", len(got), err)
		}
		for i := range b.Len() {
			got = append(got, append([]byte(nil), b.Packet(i)...))
		}
	}
	return got
}

func wantCode(t *testing.T, err error, code fault.Code) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != code {
		t.Fatalf("got %v, want %s", err, code)
	}
}
