package dtlstun

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/record"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/resume"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// TestResume: a channel comes of every version, and says of a weak suite that it is.
func TestResume(t *testing.T) {
	for _, v := range versions {
		t.Run(record.Name(v.version, v.suite), func(t *testing.T) {
			a, b := sockets(t)
			c := testSession(false)
			c.Version, c.Suite = v.version, v.suite
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			accepted := make(chan *Channel, 1)
			go func() {
				s, err := AcceptResumed(ctx, b, c, testPSK)
				if err != nil {
					t.Error(err)
				}
				accepted <- s
			}()
			ch, err := Resume(ctx, a, c, quiet)
			if err != nil {
				t.Fatal(err)
			}
			defer ch.Close()
			s := <-accepted
			if s == nil {
				return
			}
			defer s.Close()
			if ch.Cipher() != s.Cipher() || !strings.HasPrefix(ch.Cipher(), record.Name(v.version, v.suite)) || strings.HasSuffix(ch.Cipher(), " (weak)") != record.Weak(v.suite) {
				t.Errorf("%q and %q", ch.Cipher(), s.Cipher())
			}
			for _, d := range []struct{ from, to *Channel }{{ch, s}, {s, ch}} {
				out, in := packet.New(1, 1500), packet.New(1, 1500)
				out.Append([]byte("hello"))
				if err := d.from.WriteBatch(out); err != nil {
					t.Fatal(err)
				}
				if err := d.to.ReadBatch(in); err != nil || string(in.Packet(0)) != "hello" {
					t.Fatalf("%q, %v", in.Packet(0), err)
				}
			}
		})
	}
}

// TestNoResume: what there is to say when there is no channel, and that the socket is gone.
func TestNoResume(t *testing.T) {
	for _, c := range []struct {
		name    string
		spoil   func(*resume.Config)
		peer    func(net.Conn)
		cancel  bool
		refused error
	}{
		{name: "silence", refused: ErrNoAnswer},
		{name: "nobody there", peer: func(b net.Conn) { _ = b.Close() }, refused: ErrRefused},
		{name: "cancelled", cancel: true, refused: context.Canceled},
		{name: "no secret", spoil: func(c *resume.Config) { c.Master = redact.Secret{} }, refused: resume.ErrConfig},
		{name: "a full handshake", peer: func(b net.Conn) {
			_, _ = b.Write([]byte{22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 14, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		}, refused: resume.ErrNotResumed},
		{name: "an alert", peer: func(b net.Conn) { _, _ = b.Write([]byte{21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 40}) }, refused: resume.ErrAlert},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := sockets(t)
			defer b.Close()
			if c.peer != nil {
				c.peer(b)
			}
			s := testSession(false)
			if c.spoil != nil {
				c.spoil(&s)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
			defer cancel()
			if c.cancel {
				cancel()
			}
			if _, err := Resume(ctx, a, s, quiet); !errors.Is(err, c.refused) {
				t.Errorf("err = %v", err)
			}
			if _, err := a.Write(nil); !errors.Is(err, net.ErrClosed) {
				t.Errorf("the socket is open: %v", err)
			}
		})
	}
}
