package dtlstun

import (
	"bytes"
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/dtls/v3"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

const testKey = "0123456789abcdef0123456789abcdef"

var testApp = bytes.Repeat([]byte{0xa9}, MaxAppID)

// gateway is the other end: a pion server with a PSK, on loopback, that keeps the first datagram it got.
type gateway struct {
	sock  *net.UDPConn
	first chan []byte
	conn  chan *dtls.Conn // nil when the handshake failed
}

// firstOf is a PacketConn that keeps a copy of the first datagram.
type firstOf struct {
	*net.UDPConn
	once sync.Once
	to   chan []byte
}

func (f *firstOf) ReadFrom(p []byte) (int, net.Addr, error) {
	n, from, err := f.UDPConn.ReadFrom(p)
	if err == nil {
		f.once.Do(func() { f.to <- bytes.Clone(p[:n]) })
	}
	return n, from, err
}

// listen starts a gateway that offers the suites.
func listen(t *testing.T, key string, suites ...dtls.ServerOption) *gateway {
	t.Helper()
	sock, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{sock: sock, first: make(chan []byte, 1), conn: make(chan *dtls.Conn, 1)}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(g.conn)
		var pc net.PacketConn = &firstOf{UDPConn: sock, to: g.first}
		b := make([]byte, 2048)
		n, from, err := pc.ReadFrom(b)
		if err != nil {
			return
		}
		pc = &replay{PacketConn: pc, first: b[:n], from: from}
		opts := append([]dtls.ServerOption{dtls.WithPSK(func([]byte) ([]byte, error) { return []byte(key), nil }), dtls.WithInsecureSkipVerifyHello(true)}, suites...)
		d, err := dtls.ServerWithOptions(pc, from, opts...)
		if err != nil {
			t.Error(err)
			return
		}
		if d.HandshakeContext(ctx) == nil {
			g.conn <- d
		}
	})
	t.Cleanup(func() { cancel(); _ = sock.Close(); wg.Wait() })
	return g
}

// replay gives back the datagram by which the peer was found.
type replay struct {
	net.PacketConn
	first []byte
	from  net.Addr
}

func (r *replay) ReadFrom(p []byte) (int, net.Addr, error) {
	if r.first != nil {
		n := copy(p, r.first)
		r.first = nil
		return n, r.from, nil
	}
	return r.PacketConn.ReadFrom(p)
}

func (g *gateway) dial(t *testing.T, key string, within time.Duration, heard func(Type, []byte)) (*Channel, error) {
	t.Helper()
	conn, err := net.Dial("udp", g.sock.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	c, err := Dial(ctx, conn, Config{AppID: testApp, Key: redact.NewString(key), Heard: heard})
	if err == nil {
		t.Cleanup(func() { _ = c.Close() })
	}
	return c, err
}

func quiet(Type, []byte) {}

// TestHandshake: either suite is taken, and the App-ID lies where the gateway looks for it.
func TestHandshake(t *testing.T) {
	strong := dtls.WithCustomCipherSuites(func() []dtls.CipherSuite { return []dtls.CipherSuite{&psk256{}} })
	weak := dtls.WithCipherSuites(dtls.TLS_PSK_WITH_AES_128_GCM_SHA256)
	for _, c := range []struct {
		name   string
		suites []dtls.ServerOption
		want   string
	}{
		{"AES-256", []dtls.ServerOption{strong, weak}, "AES_256_GCM_SHA384"},
		{"only AES-128", []dtls.ServerOption{weak}, "AES_128_GCM_SHA256"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := listen(t, testKey, c.suites...)
			ch, err := g.dial(t, testKey, 5*time.Second, quiet)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(ch.Cipher(), c.want) {
				t.Errorf("cipher %s", ch.Cipher())
			}
			// record header 13, handshake header 12, version 2, random 32, then the length of the session id
			hello := <-g.first
			if hello[59] != MaxAppID || !bytes.Equal(hello[60:60+MaxAppID], testApp) {
				t.Errorf("session id in the hello: %x", hello[59:])
			}
		})
	}
}

// TestNoHandshake: whoever has no key, is not there or says nothing is no gateway, and the error says which.
func TestNoHandshake(t *testing.T) {
	t.Run("another key", func(t *testing.T) {
		g := listen(t, strings.Repeat("x", 32), dtls.WithCipherSuites(dtls.TLS_PSK_WITH_AES_128_GCM_SHA256))
		if _, err := g.dial(t, testKey, 2*time.Second, quiet); err == nil || errors.Is(err, ErrNoAnswer) {
			t.Errorf("err = %v", err)
		}
	})
	t.Run("silence", func(t *testing.T) {
		sock, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		defer sock.Close()
		if _, err := (&gateway{sock: sock}).dial(t, testKey, 300*time.Millisecond, quiet); !errors.Is(err, ErrNoAnswer) {
			t.Errorf("err = %v", err)
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		sock, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		_ = sock.Close()
		if _, err := (&gateway{sock: sock}).dial(t, testKey, 300*time.Millisecond, quiet); !errors.Is(err, ErrRefused) {
			t.Errorf("err = %v", err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		sock, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		defer sock.Close()
		conn, err := net.Dial("udp", sock.LocalAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		if _, err := Dial(ctx, conn, Config{AppID: testApp, Key: redact.NewString(testKey), Heard: quiet}); !errors.Is(err, context.Canceled) {
			t.Errorf("err = %v", err)
		}
	})
}

// TestTraffic: packets both ways, a question answered with its own bytes, what is too long left out, and an end.
func TestTraffic(t *testing.T) {
	g := listen(t, testKey, dtls.WithCipherSuites(dtls.TLS_PSK_WITH_AES_128_GCM_SHA256))
	var seen []Type
	ch, err := g.dial(t, testKey, 5*time.Second, func(k Type, _ []byte) { seen = append(seen, k) })
	if err != nil {
		t.Fatal(err)
	}
	peer := <-g.conn
	if peer == nil {
		t.Fatal("the gateway has no connection")
	}
	read := func() []byte {
		t.Helper()
		b := make([]byte, 4096)
		if err := peer.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := peer.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return b[:n]
	}
	say := func(k Type, payload []byte) {
		t.Helper()
		if _, err := peer.Write(AppendFrame(nil, k, payload)); err != nil {
			t.Fatal(err)
		}
	}
	out := packet.New(4, 1500)
	for i := range 3 {
		out.Append(bytes.Repeat([]byte{byte(i + 1)}, 100*(i+1)))
	}
	if err := ch.WriteBatch(out); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if got := read(); got[0] != byte(TypeData) || !bytes.Equal(got[1:], bytes.Repeat([]byte{byte(i + 1)}, 100*(i+1))) {
			t.Errorf("packet %d arrived as %x", i, got)
		}
	}
	say(TypeDPDReq, []byte("question"))
	say(TypeData, make([]byte, 1600)) // longer than a slot
	say(TypeData, nil)
	say(0x7f, []byte("?"))
	say(TypeData, []byte("answer"))
	in := packet.New(4, 1500)
	if err := ch.ReadBatch(in); err != nil || in.Len() != 1 || string(in.Packet(0)) != "answer" {
		t.Fatalf("%d packets, %v", in.Len(), err)
	}
	if got := read(); got[0] != byte(TypeDPDResp) || string(got[1:]) != "question" {
		t.Errorf("the question was answered %x", got)
	}
	say(TypeTerminate, []byte{0xb0})
	if err := ch.ReadBatch(in); !errors.Is(err, ErrClosed) {
		t.Errorf("err = %v", err)
	}
	if want := []Type{TypeDPDReq, TypeData, 0x7f, TypeData, TypeTerminate}; !slices.Equal(seen, want) {
		t.Errorf("heard %v", seen)
	}
}

// TestClose unblocks the reader.
func TestClose(t *testing.T) {
	g := listen(t, testKey, dtls.WithCipherSuites(dtls.TLS_PSK_WITH_AES_128_GCM_SHA256))
	ch, err := g.dial(t, testKey, 5*time.Second, quiet)
	if err != nil {
		t.Fatal(err)
	}
	end := make(chan error, 1)
	go func() { end <- ch.ReadBatch(packet.New(1, 1500)) }()
	_ = ch.Close()
	select {
	case err := <-end:
		if err == nil {
			t.Error("no error after Close")
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the reader still waits")
	}
}
