package gateway

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/cstp"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// user answers the gateway's questions by field name and accepts banners.
type user map[string]string

func (u user) Ask(_ context.Context, f protocol.Form) (protocol.Answer, error) {
	a := protocol.Answer{Accept: true, Values: map[string]redact.Secret{}}
	for _, in := range f.Fields {
		if v, ok := u[in.Name]; ok {
			a.Values[in.Name] = redact.NewString(v)
		}
	}
	return a, nil
}

func (r *rig) connector() (*cstp.Connector, protocol.Target) {
	r.net.Name("vpn.example.com", gwAddr)
	return &cstp.Connector{Dialer: r.pc.Dialer()}, protocol.Target{
		Name: "vpn.example.com", Host: "vpn.example.com", Port: 443, Path: "/", Group: "staff", Trust: protocol.Trust{Pins: [][32]byte{r.id.Pin}},
	}
}

// echoes sends a ping through a tunnel's carrier and waits for the answer.
func echoes(t *testing.T, tun protocol.Tunnel) {
	t.Helper()
	b := packet.New(4, 2048)
	p := testTunnel{t: t, set: tun.Settings()}
	b.Append(p.ping(inside4, 7))
	if err := tun.Carrier().WriteBatch(b); err != nil {
		t.Fatal(err)
	}
	b.Reset()
	if err := tun.Carrier().ReadBatch(b); err != nil {
		t.Fatal(err)
	}
	if from, _, _ := endpoints(b.Packet(0)); from != inside4 {
		t.Errorf("answered by %x", b.Packet(0))
	}
}

func TestOurClientLogsInAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		nat := r.pc.Link(1).NAT(netip.MustParseAddr("203.0.113.7"))
		c, target := r.connector()
		tun, err := c.Open(t.Context(), target, user{"username": "bob", "password": "builder", "answer": "424242"})
		if err != nil {
			t.Fatal(err)
		}
		echoes(t, tun)
		before := tun.Settings().Addresses

		nat.Rebind()
		probe, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		reading := make(chan struct{})
		go func() {
			defer close(reading)
			_ = tun.Carrier().ReadBatch(packet.New(4, 2048))
		}()
		if err := tun.Probe(probe); err == nil {
			t.Error("a stranded tunnel answered a probe")
		}
		reached, err := c.Reach(t.Context(), tun.Session(), protocol.Path{})
		if err != nil {
			t.Fatal(err)
		}
		next, err := c.Resume(t.Context(), tun.Session(), reached)
		if err != nil {
			t.Fatal(err)
		}
		_ = tun.Close(protocol.CloseQuiet)
		<-reading
		echoes(t, next)
		if after := next.Settings().Addresses; len(after) != 2 || after[0] != before[0] || after[1] != before[1] {
			t.Errorf("the addresses changed from %v to %v", before, after)
		}
		if s := r.gw.Sessions(); len(s) != 1 || s[0].Reconnects != 1 || s[0].User != "bob" {
			t.Errorf("sessions %v", s)
		}
		_ = next.Close(protocol.CloseUser)
		time.Sleep(time.Second)
		if s := r.gw.Sessions(); len(s) != 0 {
			t.Errorf("after the user's disconnect: %v", s)
		}
	})
}

func TestOurClientMeetsFaults(t *testing.T) {
	for name, tt := range map[string]struct {
		fault func(*Gateway)
		code  fault.Code
	}{
		"garbage":       {func(g *Gateway) { g.Misbehave(StageLogin, &Misdeed{Kind: Garbage}) }, fault.NetNotVPN},
		"portal":        {func(g *Gateway) { g.Misbehave(StageLogin, &Misdeed{Kind: HTML}) }, fault.NetNotVPN},
		"endless":       {func(g *Gateway) { g.Misbehave(StageLogin, &Misdeed{Kind: Endless}) }, fault.NetTooMuch},
		"503 at login":  {func(g *Gateway) { g.Misbehave(StageLogin, &Misdeed{Kind: Unavailable, Reason: "Full"}) }, fault.GwUnavailable},
		"503 at tunnel": {func(g *Gateway) { g.Misbehave(StageConnect, &Misdeed{Kind: Unavailable, Reason: "Full"}) }, fault.GwUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil)
				tt.fault(r.gw)
				c, target := r.connector()
				_, err := c.Open(t.Context(), target, user{"username": "alice", "password": "wonderland"})
				wantCode(t, err, tt.code)
			})
		})
	}
}

func TestOurClientMeetsARevokedSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		c, target := r.connector()
		tun, err := c.Open(t.Context(), target, user{"username": "alice", "password": "wonderland"})
		if err != nil {
			t.Fatal(err)
		}
		r.gw.Revoke(r.gw.Sessions()[0].ID)
		reached, err := c.Reach(t.Context(), tun.Session(), protocol.Path{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Resume(t.Context(), tun.Session(), reached)
		wantCode(t, err, fault.GwSession)
		if fault.KindOf(err) != fault.SessionLost {
			t.Errorf("kind %v", fault.KindOf(err))
		}
		_ = tun.Close(protocol.CloseQuiet)
	})
}
