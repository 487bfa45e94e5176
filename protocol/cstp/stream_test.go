package cstp

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

func TestStreamCarriesBatches(t *testing.T) {
	for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			c, s := streamPair(t, version)
			for _, dir := range []struct{ from, to *Stream }{{c, s}, {s, c}} {
				if err := dir.from.WriteBatch(batch(20, 1400)); err != nil {
					t.Fatal(err)
				}
				for i, p := range readAll(t, dir.to, 20) {
					if len(p) != 1400 || p[0] != byte(i) {
						t.Fatalf("packet %d: %d bytes, number %d", i, len(p), p[0])
					}
				}
			}
		})
	}
}

// A peer that reads per record must find exactly one frame in each.
func TestOneFramePerRecord(t *testing.T) {
	a, b := loopback(t)
	c, s := tlsPair(t, tls.VersionTLS13, a, b)
	w := stream(t, c)
	if err := w.WriteBatch(batch(40, 1300)); err != nil {
		t.Fatal(err)
	}
	if err := w.WriteControl(TypeKeepalive, nil); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 20000)
	for i := range 41 {
		n, err := s.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		kind, size, err := ParseHeader(buf[:n])
		if err != nil || n != HeaderLen+size || (kind == TypeData) != (i < 40) {
			t.Fatalf("record %d: %d bytes, type %d, payload %d, %v", i, n, kind, size, err)
		}
	}
}

// The reader takes any split of frames over records.
func TestReaderTakesAnySplit(t *testing.T) {
	var wire []byte
	for i := range 12 {
		wire = AppendFrame(wire, TypeData, bytes.Repeat([]byte{byte(i)}, 100+i))
		wire = AppendFrame(wire, TypeKeepalive, nil)
		wire = AppendFrame(wire, 0x42, []byte("unknown"))
	}
	for name, cut := range map[string]int{"byte by byte": 1, "within headers": 7, "odd": 113, "many in one": len(wire)} {
		t.Run(name, func(t *testing.T) {
			a, b := loopback(t)
			c, s := tlsPair(t, tls.VersionTLS13, a, b)
			go func() {
				for w := wire; len(w) > 0; w = w[min(cut, len(w)):] {
					_, _ = s.Write(w[:min(cut, len(w))])
				}
			}()
			for i, p := range readAll(t, stream(t, c), 12) {
				if len(p) != 100+i || p[0] != byte(i) || p[len(p)-1] != byte(i) {
					t.Fatalf("packet %d is %d bytes of %d", i, len(p), p[0])
				}
			}
		})
	}
}

// What was read together with the HTTP head comes first.
func TestResidualComesFirst(t *testing.T) {
	a, b := loopback(t)
	c, s := tlsPair(t, tls.VersionTLS13, a, b)
	whole := AppendFrame(AppendFrame(nil, TypeData, []byte("first")), TypeData, []byte("second"))
	st := NewStream(c, c.NetConn().(*Cork), whole[:17])
	defer func() { _ = st.Abandon() }()
	if _, err := s.Write(whole[17:]); err != nil {
		t.Fatal(err)
	}
	got := readAll(t, st, 2)
	if string(got[0]) != "first" || string(got[1]) != "second" {
		t.Fatalf("%q", got)
	}
}

// Both sides write without reading until both TCP windows are full, and ask for answers meanwhile. Reading must then free them: a reader that wrote would not.
func TestTwoFullWindowsDoNotDeadlock(t *testing.T) {
	c, s := streamPair(t, tls.VersionTLS13)
	const rounds, size = 800, 32
	var wg sync.WaitGroup
	for _, end := range []*Stream{c, s} {
		wg.Go(func() {
			b := batch(size, 1400)
			for i := range rounds {
				if err := end.WriteBatch(b); err != nil {
					t.Error(err)
					return
				}
				if i%50 == 0 {
					if err := end.WriteControl(TypeDPDReq, nil); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
		wg.Go(func() {
			b := packet.New(64, 2048)
			for n := 0; n < rounds*size; n += b.Len() {
				b.Reset()
				if err := end.ReadBatch(b); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestDPDRequestIsAnswered(t *testing.T) {
	c, s := streamPair(t, tls.VersionTLS13)
	if err := c.WriteControl(TypeDPDReq, []byte("probe")); err != nil {
		t.Fatal(err)
	}
	if err := c.WriteBatch(batch(1, 60)); err != nil {
		t.Fatal(err)
	}
	readAll(t, s, 1)
	var got Type = 0xff
	done := make(chan error, 1)
	go func() {
		var h [HeaderLen]byte
		_, err := c.readTLS(h[:])
		got = Type(h[6])
		done <- err
	}()
	if err := <-done; err != nil || got != TypeDPDResp {
		t.Fatalf("type %d, %v", got, err)
	}
}

// More requests than the queue holds cost answers, never the reader.
func TestRequestFloodIsDropped(t *testing.T) {
	c, s := streamPair(t, tls.VersionTLS13)
	var wire []byte
	for range 5000 {
		wire = AppendFrame(wire, TypeDPDReq, nil)
	}
	wire = AppendFrame(wire, TypeData, []byte("after"))
	for w := wire; len(w) > 0; w = w[min(16000, len(w)):] {
		if _, err := c.tls.Write(w[:min(16000, len(w))]); err != nil {
			t.Fatal(err)
		}
		if err := c.cork.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if got := readAll(t, s, 1); string(got[0]) != "after" {
		t.Fatalf("%q", got)
	}
}

func TestReaderEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		wire []byte
		code fault.Code
		want error
	}{
		{"bad magic", []byte("HTTP/1.1 400 no"), fault.GwFrame, ErrMagic},
		{"last header byte set", []byte{'S', 'T', 'F', 1, 0, 0, 0, 1}, fault.GwFrame, ErrMagic},
		{"oversize", []byte{'S', 'T', 'F', 1, 0xff, 0xff, 0, 0}, fault.GwFrame, ErrOversize},
		{"disconnect without a word", AppendFrame(nil, TypeDisconnect, nil), fault.GwEnded, nil},
		{"cut within a frame", AppendFrame(nil, TypeData, make([]byte, 100))[:50], fault.NetLost, nil},
		{"end of stream", nil, fault.NetLost, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := loopback(t)
			cl, srv := tlsPair(t, tls.VersionTLS13, a, b)
			st := stream(t, cl)
			if len(c.wire) > 0 {
				if _, err := srv.Write(c.wire); err != nil {
					t.Fatal(err)
				}
			}
			_ = srv.Close()
			buf := packet.New(4, 1500)
			err := st.ReadBatch(buf)
			wantCode(t, err, c.code)
			if c.want != nil && !errors.Is(err, c.want) {
				t.Fatalf("%v is not %v", err, c.want)
			}
			if again := st.ReadBatch(buf); again == nil || again.Error() != err.Error() {
				t.Fatalf("the second call says %v", again)
			}
		})
	}
}

// What came before the end is delivered, then the end is told with its reason.
func TestDisconnectAfterData(t *testing.T) {
	c, s := streamPair(t, tls.VersionTLS13)
	if err := s.WriteBatch(batch(3, 100)); err != nil {
		t.Fatal(err)
	}
	if err := s.WriteControl(TypeDisconnect, AppendDisconnect(nil, ReasonUser, "bye\x1b[2J\nnow")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	readAll(t, c, 3)
	err := c.ReadBatch(packet.New(4, 1500))
	var closed *PeerClosed
	if !errors.As(err, &closed) || closed.Reason != ReasonUser || closed.Text != "bye [2J now" {
		t.Fatalf("%v", err)
	}
}

// A peer that takes nothing delays Close by the grace and no more, and Close ends the blocked writer.
func TestCloseWithFullWindow(t *testing.T) {
	c, _ := streamPair(t, tls.VersionTLS13)
	blocked := make(chan error, 1)
	go func() {
		b := batch(64, 1400)
		for {
			if err := c.WriteBatch(b); err != nil {
				blocked <- err
				return
			}
		}
	}()
	for last, same := -1, 0; same < 20; time.Sleep(5 * time.Millisecond) {
		if n := int(c.act.sent.Load()); n == last {
			same++
		} else {
			last, same = n, 0
		}
	}
	if err := c.WriteControl(TypeDisconnect, AppendDisconnect(nil, ReasonUser, "")); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	_ = c.Close()
	if d := time.Since(start); d > 2*time.Second {
		t.Fatalf("Close took %v", d)
	}
	wantCode(t, <-blocked, fault.NetLost)
}

// A second Close waits for the first, which waits for a peer that takes nothing: in a bubble time must go by meanwhile.
func TestSecondCloseLetsTimePass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		p := newPath(a)
		c, s := tlsPair(t, tls.VersionTLS13, p, b)
		st := NewStream(c, c.NetConn().(*Cork), nil)
		p.down()
		start := time.Now()
		var wg sync.WaitGroup
		for _, end := range []func() error{func() error { return st.Goodbye(ReasonUser, "") }, st.Close, st.Abandon} {
			wg.Go(func() { _ = end() })
			synctest.Wait()
		}
		time.AfterFunc(time.Second, p.up)
		wg.Wait()
		if d := time.Since(start); d != time.Second {
			t.Errorf("closing took %v", d)
		}
		_ = s.NetConn().Close()
	})
}
