package cstp

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/resume"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// firstAgain is a client's datagrams at a gateway: the one by which it was found first.
type firstAgain struct {
	*net.UDPConn
	to    *net.UDPAddr
	first []byte
}

func (f *firstAgain) Read(b []byte) (int, error) {
	if f.first != nil {
		n := copy(b, f.first)
		f.first = nil
		return n, nil
	}
	n, _, err := f.ReadFromUDP(b)
	return n, err
}

func (f *firstAgain) Write(b []byte) (int, error) { return f.WriteToUDP(b, f.to) }
func (f *firstAgain) RemoteAddr() net.Addr        { return f.to }

// cisco is a gateway that chose a suite for DTLS by resumption and answers one client. It knows the session by another id if wrong is set.
func cisco(t *testing.T, header, name string, wrong bool) (tun *Tunnel, tls *Stream, channel <-chan *dtlstun.Channel) {
	t.Helper()
	l, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	id := bytes.Repeat([]byte{0xc1}, 32)
	p := newPeer(t, func(r *Request) []byte {
		return AppendResponse(nil, testSettings(), r.BaseMTU, protocol.Header{Name: sid, Value: hex.EncodeToString(id)}, protocol.Header{Name: header, Value: name},
			protocol.Header{Name: port, Value: strconv.Itoa(l.LocalAddr().(*net.UDPAddr).Port)})
	})
	made := make(chan *dtlstun.Channel, 1)
	var wg sync.WaitGroup
	wg.Go(func() {
		b := make([]byte, 2048)
		n, from, err := l.ReadFromUDP(b)
		if err != nil {
			return
		}
		p.mu.Lock()
		o := p.requests[0].Resume
		p.mu.Unlock()
		s, ok := append(o.DTLS12, o.DTLS...).Find(name)
		if header == plain {
			s, ok = o.DTLS.Find(name)
		}
		if !ok {
			t.Errorf("%s was not offered", name)
			return
		}
		if wrong {
			hello := []byte{22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 82, 2, 0, 0, 70, 0, 0, 0, 0, 0, 0, 0, 70, 0xfe, 0xfd}
			hello = append(append(hello, make([]byte, 32)...), 32)
			hello = append(append(hello, make([]byte, 32)...), 0x00, 0x9d, 0)
			_, _ = l.WriteToUDP(hello, from)
			return
		}
		c := resume.Config{Version: s.Version, Suite: s.ID, SessionID: id, Master: o.Master}
		ch, err := dtlstun.AcceptResumed(t.Context(), &firstAgain{l, from, b[:n]}, c, dtlstun.Config{Heard: func(dtlstun.Type, []byte) {}})
		if err != nil {
			t.Error(err)
			return
		}
		made <- ch
	})
	con := &Connector{Dialer: udpDialer{shut: &atomic.Bool{}}}
	r, err := con.Reach(t.Context(), p.session(), protocol.Path{})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := con.Resume(t.Context(), p.session(), r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close(protocol.CloseQuiet); _ = l.Close(); wg.Wait() })
	return opened.(*Tunnel), <-p.streams, made
}

// TestResumedDTLS: packets go by DTLS with each kind of suite a gateway may choose, and the state says which, and whether it is weak.
func TestResumedDTLS(t *testing.T) {
	for _, c := range []struct{ header, name, cipher string }{
		{new12, "AES256-GCM-SHA384", "DTLS 1.2 TLS_RSA_WITH_AES_256_GCM_SHA384"},
		{new12, "ECDHE-RSA-AES128-GCM-SHA256", "DTLS 1.2 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
		{new12, "AES256-SHA", "DTLS 1.2 TLS_RSA_WITH_AES_256_CBC_SHA (weak)"},
		{plain, "AES128-SHA", "DTLS 0.9 TLS_RSA_WITH_AES_128_CBC_SHA (weak)"},
	} {
		t.Run(c.header+" "+c.name, func(t *testing.T) {
			tun, tls, made := cisco(t, c.header, c.name, false)
			packets(tls)
			in := make(chan string, 8)
			var wg sync.WaitGroup
			defer wg.Wait()
			defer func() { _ = tun.Close(protocol.CloseQuiet) }()
			read := func(from protocol.Receiver) {
				b := packet.New(8, 2048)
				for from.ReadBatch(b) == nil {
					for i := range b.Len() {
						in <- string(b.Packet(i))
					}
					b.Reset()
				}
			}
			wg.Go(func() { read(tun.Carrier()) })
			wg.Go(func() { read(tun.Carrier().(protocol.Doubled).Beside()) })
			ch := <-made
			defer func() { _ = ch.Close() }()
			gateway := make(chan string, 8)
			wg.Go(func() { // its end, which answers DPD by itself
				b := packet.New(8, 2048)
				for ch.ReadBatch(b) == nil {
					for i := range b.Len() {
						gateway <- string(b.Packet(i))
					}
					b.Reset()
				}
			})
			(&twoWays{tun: tun}).wantNote(t, protocol.NoteCarrier, "dtls")
			if got := tun.Transport(); got.Name != "dtls" || got.Cipher != c.cipher {
				t.Errorf("%+v", got)
			}
			b := packet.New(1, 2048)
			b.Append([]byte("by udp"))
			if err := tun.Carrier().WriteBatch(b); err != nil {
				t.Fatal(err)
			}
			want(t, gateway, "by udp")
			b.Reset()
			b.Append([]byte("and back"))
			if err := ch.WriteBatch(b); err != nil {
				t.Fatal(err)
			}
			want(t, in, "and back")
		})
	}
}

// TestNotResumed: somebody answers by UDP who does not know the session. The tunnel is on TLS and says so.
func TestNotResumed(t *testing.T) {
	tun, tls, _ := cisco(t, new12, "AES256-GCM-SHA384", true)
	packets(tls)
	(&twoWays{tun: tun}).wantNote(t, protocol.NoteCarrier, "tls: DTLS refused")
	if got := tun.Transport(); got.Name != "tls" || !strings.HasPrefix(got.Reason, "DTLS refused") {
		t.Errorf("%+v", got)
	}
}

// TestReasons: why packets go by TLS is told in plain words, and by a word that does not change.
func TestReasons(t *testing.T) {
	for _, c := range []struct {
		err  error
		code protocol.TransportCode
		want string
	}{
		{fmt.Errorf("%w: version 0303", resume.ErrNotResumed), protocol.TransportRefused, "DTLS refused: who answered did not know the session"},
		{fmt.Errorf("%w: alert 40 (%w)", resume.ErrAlert, context.DeadlineExceeded), protocol.TransportRefused, "DTLS refused: the gateway broke the handshake off"},
		{resume.ErrFinished, protocol.TransportRefused, "DTLS refused: the handshake was tampered with"},
		{fmt.Errorf("%w: %w", dtlstun.ErrNoAnswer, context.DeadlineExceeded), protocol.TransportUDPBlocked, "UDP blocked"},
		{dtlstun.ErrRefused, protocol.TransportUDPRefused, "UDP blocked: nobody listens on the gateway's port"},
		{errSilent, protocol.TransportUDPStopped, "UDP blocked: the gateway stopped answering there"},
		{errUDPDead, protocol.TransportUDPStopped, "UDP blocked: the gateway stopped answering there"},
		{errMute, protocol.TransportUDPBlocked, "UDP blocked: DTLS was set up and then nothing came"},
		{errNarrow, protocol.TransportUDPNarrow, "UDP carries no packets of a useful size"},
		{errFickle, protocol.TransportUDPUnstable, "UDP comes and goes"},
		{dtlstun.ErrClosed, protocol.TransportEnded, "the gateway ended DTLS"},
		{fault.New(fault.NetNoRoute, nil), protocol.TransportFailed, "UDP: there is no route to the gateway"},
		{errors.New("who\nknows"), protocol.TransportFailed, "handshake failed: who knows"},
	} {
		if got := whyFor(c.err); got.text != c.want || got.code != c.code {
			t.Errorf("%v: %q", c.err, got)
		}
	}
}
