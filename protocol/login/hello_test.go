package login

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// peeked is a connection whose first bytes were read already.
type peeked struct {
	net.Conn
	r io.Reader
}

func (p peeked) Read(b []byte) (int, error) { return p.r.Read(b) }

// TestShortHello: a gateway, or a box before it, that does not bear a long ClientHello is greeted with a short one; that is found out once.
func TestShortHello(t *testing.T) {
	for name, silent := range map[string]bool{"it resets": false, "it swallows": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.end()
				cfg := w.config()
				var hellos atomic.Int32
				w.listen(addr1, func(c net.Conn) {
					hellos.Add(1)
					head := make([]byte, 5)
					if _, err := io.ReadFull(c, head); err != nil {
						return
					}
					if binary.BigEndian.Uint16(head[3:]) > 1000 { // more than a segment
						if silent {
							_, _ = io.Copy(io.Discard, c)
						}
						return
					}
					w.serve(peeked{c, io.MultiReader(bytes.NewReader(head), c)}, cfg, passwordGateway)
				})
				o := Options{Hellos: &Hellos{}}
				began := time.Now()
				c, err := Dial(t.Context(), w.pc.Dialer(), w.target(), anyPath, o)
				if err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took > 4*time.Second || !silent && took > time.Second {
					t.Errorf("found out after %v", took)
				}
				if id := c.TLS.ConnectionState().CurveID; id != tls.X25519 {
					t.Errorf("curve %v", id)
				}
				_ = c.Close()
				s := protocol.SessionRef{Target: w.target(), Gateway: c.Gateway, LeafKey: c.LeafKey}
				began, hellosBefore := time.Now(), hellos.Load()
				if c, err = DialSession(t.Context(), w.pc.Dialer(), s, anyPath, o); err != nil {
					t.Fatal(err)
				}
				_ = c.Close()
				if time.Since(began) > time.Second || hellos.Load() != hellosBefore+1 {
					t.Errorf("found out again: %v, %d hellos", time.Since(began), hellos.Load()-hellosBefore)
				}
				if _, err = DialSession(t.Context(), w.pc.Dialer(), s, anyPath, Options{}); err == nil {
					t.Error("a session that comes back found it out by itself")
				}
			})
		})
	}
}

// TestLongHelloStays: a gateway that has spoken is not greeted again, whatever it said, and one that is fine gets the post-quantum curve.
func TestLongHelloStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		var hellos atomic.Int32
		good := w.config()
		slow := func(c net.Conn) { hellos.Add(1); time.Sleep(2 * time.Second); w.serve(c, good, passwordGateway) }
		w.listen(addr1, slow)
		c, err := Dial(t.Context(), w.pc.Dialer(), w.target(), anyPath, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if id := c.TLS.ConnectionState().CurveID; id != tls.X25519MLKEM768 || hellos.Load() != 1 {
			t.Errorf("curve %v after %d hellos", id, hellos.Load())
		}
		_ = c.Close()
		target := w.target()
		target.Trust.CAPEM = nil
		if _, err := Dial(t.Context(), w.pc.Dialer(), target, anyPath, Options{}); err == nil || fault.As(err).Code != fault.TLSUntrusted || hellos.Load() != 2 {
			t.Errorf("%v after %d hellos", err, hellos.Load())
		}
	})
}

func TestHellosAreBounded(t *testing.T) {
	var h Hellos
	for i := range 3 * maxHellos {
		h.remember(netip.AddrPortFrom(addr1, uint16(i)))
	}
	if len(h.short) > maxHellos || !h.wantsShort(netip.AddrPortFrom(addr1, 3*maxHellos-1)) {
		t.Errorf("%d remembered", len(h.short))
	}
	var none *Hellos
	none.remember(netip.AddrPort{})
	if none.wantsShort(netip.AddrPort{}) {
		t.Error("nothing remembers something")
	}
}
