package agent

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/holdfast-vpn/holdfast/platform/fake"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// TestCarrierChanges: the state says at any time what packets travel by, the timeline when that changed, and nothing on the host is done for it.
func TestCarrierChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		r := start(t, &scripted{open: opens(w)})
		r.connect(alice, "vpn.example.com")
		r.want("connected")
		sets := 0
		r.m.Intercept(fake.Router, func(context.Context) error { sets++; return nil })
		w.transport.Store(&protocol.Transport{Name: "dtls", Cipher: "DTLS 1.2"})
		w.notes <- protocol.Notification{Kind: protocol.NoteCarrier, Text: "dtls"}
		synctest.Wait()
		if s := r.want("connected"); s.Transport != "dtls" || s.TransportReason != "" || s.Cipher != "DTLS 1.2" || s.Reconnects.Tunnel != 0 {
			t.Errorf("state %+v", s)
		}
		w.transport.Store(&protocol.Transport{Name: "tls", Reason: "UDP blocked"})
		if s := r.want("connected"); s.Transport != "tls" || s.TransportReason != "UDP blocked" || s.Cipher != "TLS_AES_128_GCM_SHA256" {
			t.Errorf("state %+v", s)
		}
		if !slices.Contains(r.events(), "carrier-changed") {
			t.Errorf("the timeline: %v", r.events())
		}
		if sets != 0 {
			t.Errorf("routes were set %d times", sets)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestMTUChanges: packets of another size fit through a tunnel. The device gets the new MTU while packets flow, once, and to the user it is a reconnect with reason 16.
func TestMTUChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		r := start(t, &scripted{open: opens(w)})
		r.connect(alice, "vpn.example.com")
		r.want("connected")
		sets := 0
		r.m.Intercept(fake.Router, func(context.Context) error { sets++; return nil })
		w.mtu.Store(1367)
		w.notes <- protocol.Notification{Kind: protocol.NoteMTU, Text: "1367: UDP blocked"}
		synctest.Wait()
		s := r.want("connected")
		if s.MTU != 1367 || s.Reconnects.Tunnel != 1 || s.Reconnects.Session != 0 || s.LastReconnect == nil || s.LastReconnect.Code != 16 || sets != 1 {
			t.Errorf("%d routers were set: %+v, last %+v", sets, s, s.LastReconnect)
		}
		if got := r.m.Routes().MTU; got != 1367 {
			t.Errorf("the device has MTU %d", got)
		}
		w.notes <- protocol.Notification{Kind: protocol.NoteMTU, Text: "again"}
		synctest.Wait()
		if s := r.want("connected"); s.Reconnects.Tunnel != 1 || sets != 1 {
			t.Errorf("the same again: %d routers were set, %+v", sets, s.Reconnects)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}
