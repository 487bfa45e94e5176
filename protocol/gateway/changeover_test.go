package gateway

import (
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// TestNothingIsLostWhenTheCarrierChanges: from the first packet by TLS on, through DTLS coming up, every packet is answered.
func TestNothingIsLostWhenTheCarrierChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 20 {
			r := newRig(t, nil)
			o := r.open()
			answered := map[uint16]bool{}
			b := packet.New(1, 2048)
			for seq := range uint16(300) {
				b.Reset()
				b.Append((&testTunnel{t: t, set: o.Settings()}).ping(inside4, seq))
				if err := o.Carrier().WriteBatch(b); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Millisecond)
				for len(o.in) > 0 {
					p := <-o.in
					answered[binary.BigEndian.Uint16(p[26:])] = true
				}
			}
			time.Sleep(50 * time.Millisecond)
			for len(o.in) > 0 {
				p := <-o.in
				answered[binary.BigEndian.Uint16(p[26:])] = true
			}
			if len(answered) != 300 || o.Transport().Name != "dtls" {
				for seq := range uint16(300) {
					if !answered[seq] {
						t.Errorf("%d is not answered", seq)
					}
				}
			}
			r.gw.DropConnections()
		}
	})
}
