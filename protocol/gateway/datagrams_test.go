package gateway

import (
	"bytes"
	"context"
	"encoding/hex"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/cstp"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// doubleTunnel is a tunnel by TLS with what is needed for DTLS beside it.
type doubleTunnel struct {
	*testTunnel
	r    *rig
	cfg  dtlstun.Config
	mu   sync.Mutex
	seen []dtlstun.Type // by DTLS
}

// upWithDTLS connects and asks for DTLS.
func (r *rig) upWithDTLS() *doubleTunnel {
	r.t.Helper()
	token := r.login()
	c := r.dial()
	q := &cstp.Request{Host: "vpn.example.com", UserAgent: "AnyConnect test", Token: token, Hostname: "laptop", BaseMTU: 1500, IPv6: true, DTLS: true}
	resp := c.send(q)
	set, err := resp.Settings()
	if err != nil {
		r.t.Fatal(err)
	}
	d := &doubleTunnel{testTunnel: &testTunnel{cstp.NewStream(c.tls, c.cork, cstp.Residual(c.r)), r.t, set}, r: r}
	r.t.Cleanup(func() { _ = d.Abandon() })
	for name, want := range map[string]string{"X-DTLS-CipherSuite": "PSK-NEGOTIATE", "X-DTLS-MTU": "1400", "X-DTLS-Keepalive": "20"} {
		if got := resp.Get(name); got != want {
			r.t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	d.cfg.AppID, err = hex.DecodeString(resp.Get("X-DTLS-App-ID"))
	if err != nil || len(d.cfg.AppID) != helloLen {
		r.t.Fatalf("App-ID %x, %v", d.cfg.AppID, err)
	}
	if d.cfg.Key, err = cstp.ExportKey(c.tls); err != nil {
		r.t.Fatal(err)
	}
	d.cfg.Heard = func(k dtlstun.Type, _ []byte) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.seen = append(d.seen, k)
	}
	return d
}

// heard reports whether a frame of the type has come by DTLS.
func (d *doubleTunnel) heard(k dtlstun.Type) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return bytes.Contains(asBytes(d.seen), []byte{byte(k)})
}

func asBytes(ts []dtlstun.Type) (b []byte) {
	for _, t := range ts {
		b = append(b, byte(t))
	}
	return b
}

// channel does the handshake.
func (d *doubleTunnel) channel(within time.Duration) (*dtlstun.Channel, error) {
	d.t.Helper()
	conn, err := d.r.dialUDP(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(d.t.Context(), within)
	defer cancel()
	ch, err := dtlstun.Dial(ctx, conn, d.cfg)
	if err == nil {
		d.t.Cleanup(func() { _ = ch.Close() })
	}
	return ch, err
}

func (d *doubleTunnel) mustChannel() *dtlstun.Channel {
	d.t.Helper()
	ch, err := d.channel(5 * time.Second)
	if err != nil {
		d.t.Fatal(err)
	}
	return ch
}

// carrier is either way of a tunnel.
type carrier interface {
	ReadBatch(*packet.Batch) error
	WriteBatch(*packet.Batch) error
}

// asks sends a ping by one way and waits for the answer by the other; answers to earlier ones may come before it.
func (d *doubleTunnel) asks(out, in carrier, seq uint16) {
	d.t.Helper()
	b := packet.New(4, 2048)
	b.Append(d.ping(inside4, seq))
	if err := out.WriteBatch(b); err != nil {
		d.t.Fatal(err)
	}
	for want := []byte{byte(seq >> 8), byte(seq), 'h', 'i'}; ; {
		b.Reset()
		if err := in.ReadBatch(b); err != nil {
			d.t.Fatal(err)
		}
		for i := range b.Len() {
			p := b.Packet(i)
			if from, _, _ := endpoints(p); from != inside4 {
				d.t.Fatalf("answered by %x", p)
			}
			if bytes.HasSuffix(p, want) {
				return
			}
		}
	}
}

// transport is what the gateway says.
func (r *rig) transport() string {
	r.t.Helper()
	list := r.gw.Sessions()
	if len(list) != 1 {
		r.t.Fatalf("%d sessions", len(list))
	}
	return list[0].Transport
}

// TestAnswersGoTheWayOfTheLastPacket: by TLS until a packet came by DTLS, and by TLS again when the client goes back to it; a channel that ends costs nothing but itself.
func TestAnswersGoTheWayOfTheLastPacket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		d := r.upWithDTLS()
		ch := d.mustChannel()
		d.asks(d, d, 1)
		if got := r.transport(); got != "tls" {
			t.Errorf("before DTLS was used: %s", got)
		}
		d.asks(ch, ch, 2)
		if got := r.gw.Sessions()[0].String(); !strings.Contains(got, "transport=dtls") || !strings.Contains(got, "rx=2/60B") || !strings.Contains(got, "tx=2/60B") {
			t.Errorf("by DTLS: %s", got)
		}
		d.asks(d, d, 3)
		if got := r.transport(); got != "tls" {
			t.Errorf("after the client went back to TLS: %s", got)
		}
		d.asks(ch, ch, 4)
		_ = ch.Close() // says close_notify
		time.Sleep(time.Second)
		if got := r.transport(); got != "tls" {
			t.Errorf("after the channel's end: %s", got)
		}
		d.asks(d, d, 5)
		next := d.mustChannel()
		d.asks(next, next, 6)
		if err := d.Goodbye(cstp.ReasonUser, ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if left := r.gw.Sessions(); len(left) != 0 {
			t.Errorf("after the goodbye: %v", left)
		}
		if err := next.ReadBatch(packet.New(1, 2048)); err == nil {
			t.Error("the channel lives on without its session")
		}
	})
}

// TestOneChannelFollowsAnother: the second handshake of a tunnel, as for new keys, ends the first channel and nothing else.
func TestOneChannelFollowsAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		d := r.upWithDTLS()
		for seq := range uint16(5) {
			ch := d.mustChannel()
			d.asks(ch, ch, seq)
			if got := r.transport(); got != "dtls" {
				t.Errorf("channel %d: %s", seq, got)
			}
		}
	})
}

// TestNoOffer: DTLS is not offered to a client who does not want it, nor where no socket takes it.
func TestNoOffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		token := r.login()
		if resp := r.dial().connect(token); resp.Get("X-DTLS-App-ID") != "" || resp.Get("X-DTLS-Port") != "" {
			t.Errorf("unasked: %v", resp.Fields)
		}
		r.gw.RefuseUDP()
		c, target := r.connector()
		tun, err := c.Open(t.Context(), target, user{"username": "alice", "password": "wonderland"})
		if err != nil {
			t.Fatal(err)
		}
		if tr := tun.(*cstp.Tunnel).Transport(); tr.Name != "tls" || tr.Reason != "gateway offers no DTLS" {
			t.Errorf("%+v", tr)
		}
		_ = tun.Close(protocol.CloseUser)
		if err := r.gw.ServeDatagrams(&net.UnixConn{}); err == nil {
			t.Error("a socket that is none of UDP was taken")
		}
	})
}

// TestGatewayWatchesDTLS: it asks a silent channel, and gives up one that stays silent.
func TestGatewayWatchesDTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *Config) { c.Settings.DPD = 4 * time.Second })
		d := r.upWithDTLS()
		ch := d.mustChannel()
		d.asks(ch, ch, 1)
		var reading sync.WaitGroup
		reading.Go(func() {
			for ch.ReadBatch(packet.New(4, 2048)) == nil {
			}
		})
		reading.Go(func() {
			for d.ReadBatch(packet.New(4, 2048)) == nil {
			}
		})
		time.Sleep(30 * time.Second)
		if !d.heard(dtlstun.TypeDPDReq) || r.transport() != "dtls" {
			t.Errorf("heard %v, transport %s", d.seen, r.transport())
		}
		r.pc.Link(1).BlockUDP(true)
		time.Sleep(15 * time.Second)
		if got := r.transport(); got != "tls" {
			t.Errorf("15 s after UDP ended: %s", got)
		}
		_ = ch.Close()
		_ = d.Abandon()
		reading.Wait()
	})
}

// TestStrangersGetNoAnswer: noise, hellos with an id that nobody was given, and other people's hellos without the key.
func TestStrangersGetNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		d := r.upWithDTLS()
		ch := d.mustChannel()
		d.asks(ch, ch, 1)
		stranger, err := r.net.Host("elsewhere", netip.MustParseAddr("203.0.113.66")).Dialer().DialUDP(t.Context(), netip.AddrPortFrom(gwAddr, 443), protocol.Path{})
		if err != nil {
			t.Fatal(err)
		}
		unknown := d.cfg
		unknown.AppID = bytes.Repeat([]byte{7}, helloLen)
		for _, p := range [][]byte{nil, {22}, make([]byte, 4096), bytes.Repeat([]byte{23, 0xfe, 0xfd, 0, 1}, 40), fakeHello(unknown.AppID)} {
			if _, err := stranger.Write(p); err != nil {
				t.Fatal(err)
			}
		}
		_ = stranger.SetReadDeadline(time.Now().Add(time.Second))
		if n, err := stranger.Read(make([]byte, 2048)); err == nil {
			t.Errorf("%d bytes were answered", n)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if _, err := dtlstun.Dial(ctx, stranger, unknown); err == nil {
			t.Error("an unknown id was let in")
		}
		d.asks(ch, ch, 2)
	})
}

// fakeHello is what the gateway takes for the beginning of a handshake.
func fakeHello(id []byte) []byte {
	b := make([]byte, 100)
	copy(b, []byte{22, 0xfe, 0xff})
	b[13], b[59] = 1, helloLen
	copy(b[60:], id)
	return b
}

// TestHellosAreBounded: whoever saw the id go by and repeats the hello from many addresses opens a few handshakes, which end, and the channel in use does not notice.
func TestHellosAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		d := r.upWithDTLS()
		ch := d.mustChannel()
		d.asks(ch, ch, 1)
		other := r.net.Host("elsewhere", netip.MustParseAddr("203.0.113.66"))
		for range 100 {
			c, err := other.Dialer().DialUDP(t.Context(), netip.AddrPortFrom(gwAddr, 443), protocol.Path{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Write(fakeHello(d.cfg.AppID)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		if n := r.gw.udp.open.Load(); n > maxWays {
			t.Errorf("%d handshakes are open", n)
		}
		d.asks(ch, ch, 2)
		time.Sleep(handshakeFor)
		if n := r.gw.udp.open.Load(); n != 0 {
			t.Errorf("%d handshakes are open for ever", n)
		}
		next := d.mustChannel()
		d.asks(next, next, 3)
	})
}

// TestForeignSources: what comes by DTLS is held to the session's addresses as what comes by TLS.
func TestForeignSources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		d := r.upWithDTLS()
		ch := d.mustChannel()
		b := packet.New(4, 2048)
		b.Append(build(netip.MustParseAddr("10.11.0.77"), inside4, protoICMP, []byte{8, 0, 0, 0, 1, 2, 3, 4}))
		b.Append([]byte{0x45})
		if err := ch.WriteBatch(b); err != nil {
			t.Fatal(err)
		}
		d.asks(ch, ch, 1)
		if s := r.gw.Sessions()[0]; s.Rx.Drops != 2 || s.Rx.Packets != 1 {
			t.Errorf("%s", s)
		}
	})
}

// FuzzHelloID: any datagram is looked at without harm, and what is found lies in it.
func FuzzHelloID(f *testing.F) {
	f.Add(fakeHello(bytes.Repeat([]byte{7}, helloLen)))
	f.Add([]byte{22, 0xfe, 0xfd})
	f.Fuzz(func(t *testing.T, d []byte) {
		if id, ok := helloID(d); ok && !bytes.Equal(id[:], d[60:60+helloLen]) {
			t.Errorf("%x in %x", id, d)
		}
	})
}
