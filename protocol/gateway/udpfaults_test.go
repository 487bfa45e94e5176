package gateway

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/cstp"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// roaming is our client's tunnel with somebody who reads both ways.
type roaming struct {
	*cstp.Tunnel
	t    testing.TB
	in   chan []byte
	wait sync.WaitGroup
}

func (r *rig) open() *roaming {
	r.t.Helper()
	c, target := r.connector()
	tun, err := c.Open(r.t.Context(), target, user{"username": "alice", "password": "wonderland"})
	if err != nil {
		r.t.Fatal(err)
	}
	o := &roaming{Tunnel: tun.(*cstp.Tunnel), t: r.t, in: make(chan []byte, 100)}
	read := func(from protocol.Receiver) {
		b := packet.New(8, 2048)
		for {
			b.Reset()
			if from.ReadBatch(b) != nil {
				return
			}
			for i := range b.Len() {
				o.in <- append([]byte(nil), b.Packet(i)...)
			}
		}
	}
	o.wait.Go(func() { read(o.Carrier()) })
	if d, ok := o.Carrier().(protocol.Doubled); ok {
		o.wait.Go(func() { read(d.Beside()) })
	}
	o.wait.Go(func() {
		for range o.Notifications() {
		}
	})
	r.t.Cleanup(func() {
		_ = o.Close(protocol.CloseQuiet)
		o.wait.Wait()
	})
	return o
}

// travels waits until packets go by a transport, and the gateway answers by the same.
func (o *roaming) travels(r *rig, name string, within time.Duration) {
	o.t.Helper()
	for end := time.Now().Add(within); ; time.Sleep(50 * time.Millisecond) {
		if o.Transport().Name == name && o.answered() && r.transport() == name {
			return
		}
		if time.Now().After(end) {
			o.t.Fatalf("after %v: client %+v, gateway %s", within, o.Transport(), r.transport())
		}
	}
}

// answered sends a ping and reports whether it is answered soon.
func (o *roaming) answered() bool {
	for len(o.in) > 0 {
		<-o.in
	}
	b := packet.New(1, 2048)
	b.Append((&testTunnel{t: o.t, set: o.Settings()}).ping(inside4, 1))
	if o.Carrier().WriteBatch(b) != nil {
		return false
	}
	select {
	case <-o.in:
		return true
	case <-time.After(200 * time.Millisecond):
		return false
	}
}

// TestOurClientMeetsFaultsOfUDP: whatever goes wrong with datagrams, packets go by TLS soon, and by DTLS again when it is over.
func TestOurClientMeetsFaultsOfUDP(t *testing.T) {
	for name, c := range map[string]struct {
		breaks, mends func(r *rig)
		still         bool // no reason to leave DTLS for more than a moment
	}{
		"lost":    {breaks: func(r *rig) { r.gw.BlockUDP(true) }, mends: func(r *rig) { r.gw.BlockUDP(false) }},
		"hung":    {breaks: func(r *rig) { r.gw.HangDTLS() }},
		"dropped": {breaks: func(r *rig) { r.gw.DropDTLS() }},
		"refused": {breaks: func(r *rig) { r.gw.RefuseUDP() }, mends: func(r *rig) { r.serveUDP() }},
		"noise":   {breaks: func(r *rig) { r.gw.GarbleUDP(3) }, still: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil)
				o := r.open()
				o.travels(r, "dtls", 3*time.Second)
				c.breaks(r)
				_ = o.answered() // somebody must notice
				if !c.still {
					o.travels(r, "tls", 3*time.Second)
				}
				if c.mends != nil {
					time.Sleep(5 * time.Second)
					o.travels(r, "tls", time.Second)
					c.mends(r)
				}
				o.travels(r, "dtls", 40*time.Second)
			})
		})
	}
}

// TestNarrowUDP: where datagrams of a useful size do not pass, packets go by TLS, all the time; whether they do is asked again every ten minutes.
func TestNarrowUDP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.gw.LimitUDP(1200)
		o := r.open()
		o.travels(r, "tls", time.Second)
		time.Sleep(10 * time.Second)
		o.travels(r, "tls", time.Second)
		r.gw.LimitUDP(0)
		time.Sleep(10 * time.Minute)
		o.travels(r, "dtls", time.Minute)
	})
}

// TestRestartWithDTLS: both ports are gone and come back; the session is kept.
func TestRestartWithDTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		d := r.upWithDTLS()
		ch := d.mustChannel()
		d.asks(ch, ch, 1)
		r.gw.Restart(true)
		if err := d.ReadBatch(packet.New(1, 2048)); err == nil {
			t.Error("the connection lives on")
		}
		if _, err := d.channel(3 * time.Second); err == nil {
			t.Error("the port answers")
		}
		r.serve()
		synctest.Wait() // it serves, before the end closes it
		if list := r.gw.Sessions(); len(list) != 1 || list[0].Active || list[0].Transport != "" {
			t.Errorf("%v", list)
		}
	})
}

// TestHangIsBoth: a gateway whose process is stuck answers by neither way.
func TestHangIsBoth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		o := r.open()
		o.travels(r, "dtls", 3*time.Second)
		r.gw.Hang()
		for range 20 {
			if o.answered() {
				t.Fatal("answered")
			}
		}
	})
}
