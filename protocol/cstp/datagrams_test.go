package cstp

import (
	"bytes"
	"context"
	"encoding/hex"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/dtls/v3"

	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// valve is a datagram socket whose way can be shut, both ways and without a word, as a packet filter does it.
type valve struct {
	net.Conn
	shut *atomic.Bool
}

func (v *valve) Write(p []byte) (int, error) {
	if v.shut.Load() {
		return len(p), nil
	}
	return v.Conn.Write(p)
}

func (v *valve) Read(p []byte) (int, error) {
	for {
		n, err := v.Conn.Read(p)
		if err != nil || !v.shut.Load() {
			return n, err
		}
	}
}

// udpDialer is a loopDialer with datagrams.
type udpDialer struct {
	loopDialer
	shut *atomic.Bool
}

func (d udpDialer) DialUDP(ctx context.Context, to netip.AddrPort, _ protocol.Path) (net.Conn, error) {
	var nd net.Dialer
	c, err := nd.DialContext(ctx, "udp", to.String())
	if err != nil {
		return nil, err
	}
	return &valve{c, d.shut}, nil
}

// twoWays is a tunnel with a reader for each way, its gateway's two ends, and the valve.
type twoWays struct {
	tun  *Tunnel
	tls  *Stream
	dtls chan *dtls.Conn // each channel that was made
	shut *atomic.Bool
	in   chan string // packets that came, by whichever way
}

// openTwoWays connects to a gateway that offers DTLS with more headers. wrong has it use another key.
func openTwoWays(t *testing.T, wrong bool, more ...protocol.Header) *twoWays {
	t.Helper()
	w := &twoWays{dtls: make(chan *dtls.Conn, 4), shut: &atomic.Bool{}, in: make(chan string, 64)}
	var p *peer
	l, err := dtls.ListenWithOptions("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, dtls.WithCipherSuites(dtls.TLS_PSK_WITH_AES_128_GCM_SHA256),
		dtls.WithPSK(func([]byte) ([]byte, error) {
			p.mu.Lock()
			defer p.mu.Unlock()
			k := bytes.Clone(p.key.Reveal())
			if wrong {
				k[0] ^= 1
			}
			return k, nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	headers := append([]protocol.Header{{Name: "X-DTLS-App-ID", Value: strings.Repeat("a9", 32)}, {Name: "X-DTLS-CipherSuite", Value: pskNegotiate},
		{Name: "X-DTLS-Port", Value: strconv.Itoa(l.Addr().(*net.UDPAddr).Port)}}, more...)
	p = newPeer(t, func(r *Request) []byte { return AppendResponse(nil, testSettings(), r.BaseMTU, headers...) })
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				if d := c.(*dtls.Conn); d.HandshakeContext(t.Context()) == nil {
					w.dtls <- d
				}
			})
		}
	})
	con := &Connector{Dialer: udpDialer{shut: w.shut}}
	r, err := con.Reach(t.Context(), p.session(), protocol.Path{})
	if err != nil {
		t.Fatal(err)
	}
	tun, err := con.Resume(t.Context(), p.session(), r)
	if err != nil {
		t.Fatal(err)
	}
	w.tun, w.tls = tun.(*Tunnel), <-p.streams
	beside, ok := tun.Carrier().(protocol.Doubled)
	if !ok {
		t.Fatal("the carrier has no second way")
	}
	for _, from := range []protocol.Receiver{tun.Carrier(), beside.Beside()} {
		wg.Go(func() {
			b := packet.New(16, 2048)
			for from.ReadBatch(b) == nil {
				for i := range b.Len() {
					w.in <- string(b.Packet(i))
				}
				b.Reset()
			}
		})
	}
	t.Cleanup(func() { _ = tun.Close(protocol.CloseQuiet); _ = l.Close(); wg.Wait() })
	return w
}

// answer answers DPD on a channel, as a gateway does, and returns the packets that come.
func answer(t *testing.T, d *dtls.Conn) <-chan string { return answerUpTo(t, d, &atomic.Int64{}) }

// answerUpTo is answer on a path on which nothing arrives that is longer than most, where that is not 0.
func answerUpTo(t *testing.T, d *dtls.Conn, most *atomic.Int64) <-chan string {
	t.Helper()
	out := make(chan string, 64)
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := d.Read(b)
			if err != nil {
				return
			}
			if m := most.Load(); m > 0 && n > int(m) {
				continue
			}
			switch dtlstun.Type(b[0]) {
			case dtlstun.TypeDPDReq:
				b[0] = byte(dtlstun.TypeDPDResp)
				_, _ = d.Write(b[:n])
			case dtlstun.TypeData:
				out <- string(b[1:n])
			}
		}
	}()
	t.Cleanup(func() { _ = d.Close() })
	return out
}

// packets reads a stream as a gateway does and returns what comes.
func packets(s *Stream) <-chan string {
	out := make(chan string, 64)
	go func() {
		b := packet.New(16, 2048)
		for s.ReadBatch(b) == nil {
			for i := range b.Len() {
				out <- string(b.Packet(i))
			}
			b.Reset()
		}
	}()
	return out
}

func (w *twoWays) send(t *testing.T, text string) {
	t.Helper()
	b := packet.New(1, 1500)
	b.Append([]byte(text))
	if err := w.tun.Carrier().WriteBatch(b); err != nil {
		t.Fatal(err)
	}
}

func want[T comparable](t *testing.T, from <-chan T, what T) {
	t.Helper()
	select {
	case got := <-from:
		if got != what {
			t.Fatalf("%v, not %v", got, what)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("no %v after 10 s", what)
	}
}

// wantNote waits for a notification of a kind, past others.
func (w *twoWays) wantNote(t *testing.T, kind protocol.NoteKind, text string) {
	t.Helper()
	late := time.After(10 * time.Second)
	for {
		select {
		case n := <-w.tun.Notifications():
			if n.Kind == kind && strings.HasPrefix(n.Text, text) {
				return
			}
		case <-late:
			t.Fatalf("no notification %d %q after 10 s; transport %+v", kind, text, w.tun.Transport())
		}
	}
}

// TestMoveToDTLS: packets go by TLS until a packet of full size was answered by DTLS, and by DTLS from then on; what comes is taken from both.
func TestMoveToDTLS(t *testing.T) {
	w := openTwoWays(t, false, protocol.Header{Name: "X-DTLS-MTU", Value: "1300"})
	byTLS := packets(w.tls)
	if w.tun.Settings().MTU != 1300 {
		t.Errorf("MTU %d", w.tun.Settings().MTU)
	}
	d := <-w.dtls
	w.send(t, "first")
	want(t, byTLS, "first")
	if got := w.tun.Transport(); got.Name != "tls" || got.Code != protocol.TransportSetup {
		t.Errorf("before anything was answered: %+v", got)
	}
	byDTLS := answer(t, d)
	w.wantNote(t, protocol.NoteCarrier, "dtls")
	if got := w.tun.Transport(); got.Name != "dtls" || got.Reason != "" || !strings.Contains(got.Cipher, "TLS_PSK_WITH_AES_128_GCM_SHA256") {
		t.Errorf("%+v", got)
	}
	w.send(t, "second")
	want(t, byDTLS, "second")
	if _, err := d.Write(append([]byte{byte(dtlstun.TypeData)}, "down by DTLS"...)); err != nil {
		t.Fatal(err)
	}
	want(t, w.in, "down by DTLS")
	b := packet.New(1, 1500)
	b.Append([]byte("down by TLS"))
	if err := w.tls.WriteBatch(b); err != nil {
		t.Fatal(err)
	}
	want(t, w.in, "down by TLS")
	_ = d.Close()
	w.wantNote(t, protocol.NoteCarrier, "tls: ")
	w.send(t, "third")
	want(t, byTLS, "third")
}

// TestUDPStops: UDP goes silent while TLS answers. Packets go by TLS, the agent is told that the gateway may not know, and DTLS comes back.
func TestUDPStops(t *testing.T) {
	w := openTwoWays(t, false)
	byTLS := packets(w.tls)
	byDTLS := answer(t, <-w.dtls)
	w.wantNote(t, protocol.NoteCarrier, "dtls")
	w.send(t, "before")
	want(t, byDTLS, "before")
	w.shut.Store(true)
	w.send(t, "lost")
	w.wantNote(t, protocol.NoteCarrier, "tls: UDP blocked")
	w.wantNote(t, protocol.NoteRenew, "")
	w.send(t, "after")
	want(t, byTLS, "after")
	w.shut.Store(false)
	answer(t, <-w.dtls)
	w.wantNote(t, protocol.NoteCarrier, "dtls")
}

// TestDownloadStops: only packets come, and then none does any more, by UDP. Nobody has anything to send that would not be answered, and still it is found within a second.
func TestDownloadStops(t *testing.T) {
	w := openTwoWays(t, false)
	packets(w.tls)
	d := <-w.dtls
	byDTLS := answer(t, d)
	w.wantNote(t, protocol.NoteCarrier, "dtls")
	w.send(t, "more")
	want(t, byDTLS, "more")
	for live := w.tun.udp.live.Load(); !live.act.steady.Load(); { // on a busy machine there are pauses
		if _, err := d.Write(append([]byte{byte(dtlstun.TypeData)}, "some"...)); err != nil {
			t.Fatal(err)
		}
		want(t, w.in, "some")
		time.Sleep(10 * time.Millisecond)
	}
	w.shut.Store(true)
	w.wantNote(t, protocol.NoteCarrier, "tls: UDP blocked")
}

// TestNarrowUnderDownload: what travels is long on the way down and short on the way up, and then the path carries no long packets any more. That is found in seconds.
func TestNarrowUnderDownload(t *testing.T) {
	w := openTwoWays(t, false, protocol.Header{Name: "X-DTLS-MTU", Value: "1300"})
	packets(w.tls)
	d, most := <-w.dtls, atomic.Int64{}
	byDTLS := answerUpTo(t, d, &most)
	w.wantNote(t, protocol.NoteCarrier, "dtls")
	w.send(t, "more")
	want(t, byDTLS, "more")
	long := strings.Repeat("x", 1200)
	if _, err := d.Write(append([]byte{byte(dtlstun.TypeData)}, long...)); err != nil {
		t.Fatal(err)
	}
	want(t, w.in, long)
	most.Store(1290)
	w.wantNote(t, protocol.NoteMTU, "")
}

// TestAllSilent: neither way answers. That says nothing of UDP: DTLS stays, and the agent is told to look for another path.
func TestAllSilent(t *testing.T) {
	w := openTwoWays(t, false)
	answer(t, <-w.dtls)
	w.wantNote(t, protocol.NoteCarrier, "dtls")
	w.shut.Store(true)
	w.send(t, "lost")
	w.wantNote(t, protocol.NoteSilence, "")
	if got := w.tun.Transport(); got.Name != "dtls" {
		t.Errorf("%+v", got)
	}
	w.shut.Store(false)
	w.wantNote(t, protocol.NoteHeard, "")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := w.tun.Probe(ctx); err != nil { // TLS is silent still
		t.Errorf("probe: %v", err)
	}
}

// TestProbeIsRepeated: a link that has just come back loses what is sent first. A probe says it again, by UDP, where nobody else does.
func TestProbeIsRepeated(t *testing.T) {
	w := openTwoWays(t, false)
	answer(t, <-w.dtls)
	w.wantNote(t, protocol.NoteCarrier, "dtls")
	w.shut.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	probed, live := make(chan error, 1), w.tun.udp.live.Load()
	sent := live.act.sent.Load()
	go func() { probed <- w.tun.Probe(ctx) }()
	for live.act.sent.Load() == sent {
		time.Sleep(time.Millisecond)
	}
	w.shut.Store(false)
	want(t, probed, nil)
}

// TestDPDDead: nobody sends anything, and DPD by UDP gets no answer.
func TestDPDDead(t *testing.T) {
	w := openTwoWays(t, false, protocol.Header{Name: "X-DTLS-DPD", Value: "1"})
	packets(w.tls)
	answer(t, <-w.dtls)
	w.wantNote(t, protocol.NoteCarrier, "dtls")
	w.shut.Store(true)
	w.wantNote(t, protocol.NoteCarrier, "tls: UDP blocked")
}

// TestRenewDTLS: new keys are a new handshake, and packets do not wait for it. It is told once, as what it is.
func TestRenewDTLS(t *testing.T) {
	w := openTwoWays(t, false, protocol.Header{Name: "X-DTLS-Rekey-Time", Value: "1"}, protocol.Header{Name: "X-DTLS-Rekey-Method", Value: "new-tunnel"})
	packets(w.tls)
	answer(t, <-w.dtls)
	w.wantNote(t, protocol.NoteCarrier, "dtls")
	answer(t, <-w.dtls)
	w.wantNote(t, protocol.NoteKeys, "dtls")
}

// TestWrongKey: somebody answers who has another key.
func TestWrongKey(t *testing.T) {
	w := openTwoWays(t, true)
	packets(w.tls)
	w.wantNote(t, protocol.NoteCarrier, "tls: handshake failed: ")
}

// TestNoDatagrams: why there is no DTLS, before any is tried.
func TestNoDatagrams(t *testing.T) {
	p := newPeer(t, accept(testSettings()))
	tun, err := comeBack(t, p)
	if err != nil {
		t.Fatal(err)
	}
	defer tun.Close(protocol.CloseQuiet)
	if _, ok := tun.Carrier().(protocol.Doubled); ok || tun.(*Tunnel).Transport().Code != protocol.TransportDisabled || p.requests[0].DTLS {
		t.Errorf("without datagrams: doubled %v, %+v, offered %v", ok, tun.(*Tunnel).Transport(), p.requests[0].DTLS)
	}
	c := &Connector{Dialer: udpDialer{shut: &atomic.Bool{}}}
	r, err := c.Reach(t.Context(), p.session(), protocol.Path{})
	if err != nil {
		t.Fatal(err)
	}
	if tun, err = c.Resume(t.Context(), p.session(), r); err != nil {
		t.Fatal(err)
	}
	defer tun.Close(protocol.CloseQuiet)
	if got := tun.(*Tunnel).Transport(); got.Code != protocol.TransportNoOffer || !p.requests[1].DTLS {
		t.Errorf("without an offer: %+v, offered %v", got, p.requests[1].DTLS)
	}
}

func TestOffer(t *testing.T) {
	id := strings.Repeat("0f", 32)
	good := map[string]string{"X-DTLS-App-ID": id, "x-dtls-ciphersuite": pskNegotiate, "X-DTLS-Port": "8443", "X-DTLS-DPD": "30", "X-DTLS-Keepalive": "none",
		"X-DTLS-MTU": "1390", "X-DTLS-Rekey-Time": "3600", "X-DTLS-Rekey-Method": "ssl"}
	for _, c := range []struct {
		name, header, value string
		not                 why
	}{
		{"as ocserv says it", "", "", why{}},
		{"no App-ID", "X-DTLS-App-ID", "", whyNoOffer},
		{"another kind of DTLS", "x-dtls-ciphersuite", "AES256-SHA", whyNoOffer},
		{"App-ID that is no hex", "X-DTLS-App-ID", "xyz", whyBadOffer},
		{"App-ID too long", "X-DTLS-App-ID", id + "00", whyBadOffer},
		{"no port", "X-DTLS-Port", "", whyBadOffer},
		{"port 0", "X-DTLS-Port", "0", whyBadOffer},
		{"port too large", "X-DTLS-Port", "65536", whyBadOffer},
		{"negative MTU", "X-DTLS-MTU", "-5", why{}},
		{"endless DPD", "X-DTLS-DPD", "99999999999999999999", why{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &Response{Status: 200}
			for k, v := range good {
				if k == c.header {
					v = c.value
				}
				r.Fields = append(r.Fields, protocol.Header{Name: k, Value: v})
			}
			o, not := r.offer(both())
			if not != c.not || (o == nil) != (not != why{}) {
				t.Fatalf("%+v, %q", o, not)
			}
			if o == nil {
				return
			}
			if hex.EncodeToString(o.id) != id || o.port != 8443 || o.keepalive != 0 || o.rekey != time.Hour || o.dpd < 0 || o.dpd > maxDuration || o.mtu < 0 || o.mtu > maxMTU {
				t.Errorf("%+v", o)
			}
		})
	}
}

// TestLimit: the MTU is the one for DTLS, and not below what IPv6 needs.
func TestLimit(t *testing.T) {
	v4, v6 := netip.MustParsePrefix("10.1.0.2/24"), netip.MustParsePrefix("2001:db8::2/64")
	for _, c := range []struct {
		name      string
		tls, dtls int
		addrs     []netip.Prefix
		want      int
	}{
		{"DTLS says nothing", 1400, 0, []netip.Prefix{v4}, 1400},
		{"DTLS has less room", 1400, 1300, []netip.Prefix{v4, v6}, 1300},
		{"DTLS has more room", 1300, 1400, []netip.Prefix{v4}, 1400},
		{"too little for IPv6", 1400, 1000, []netip.Prefix{v4, v6}, 1280},
		{"too little for IPv6 already", 1200, 1000, []netip.Prefix{v6}, 1200},
		{"little, and no IPv6", 1400, 1000, []netip.Prefix{v4}, 1000},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (&offer{mtu: c.dtls}).limit(&protocol.Settings{MTU: c.tls, Addresses: c.addrs}); got != c.want {
				t.Errorf("%d, want %d", got, c.want)
			}
		})
	}
}

func TestRetries(t *testing.T) {
	for i, want := range []time.Duration{1, 2, 4, 8, 16, 45, 45} {
		if got := retryAfter(i + 1); got != want*time.Second {
			t.Errorf("after %d failures %v", i+1, got)
		}
	}
}
