//go:build !race

// The race detector makes pools forget on purpose: allocations are counted without it.

package cstp

import (
	"crypto/tls"
	"testing"

	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

func TestFramingDoesNotAllocate(t *testing.T) {
	b := batch(1, 1400)
	if n := testing.AllocsPerRun(1000, func() {
		f := b.WithHeader(0, HeaderLen)
		PutHeader(f, TypeData, len(f)-HeaderLen)
		if _, _, err := ParseHeader(f); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// echo runs a batch from one end to the other, the reader in a goroutine of its own.
func echo(t testing.TB, version uint16, packets int) (send func()) {
	c, s := streamPair(t, version)
	out := batch(packets, 1400)
	all, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		b := packet.New(64, 2048)
		for n := 0; ; {
			b.Reset()
			if s.ReadBatch(b) != nil {
				return
			}
			for n += b.Len(); n >= packets; n -= packets {
				all <- struct{}{}
			}
		}
	}()
	t.Cleanup(func() { _ = c.Abandon(); _ = s.Abandon(); <-done })
	return func() {
		if err := c.WriteBatch(out); err != nil {
			t.Fatal(err)
		}
		<-all
	}
}

// Receiving without crypto/tls, from what came with the HTTP head: frames of packets, and control frames between them.
func TestReadBatchDoesNotAllocate(t *testing.T) {
	const packets = 40
	a, b := loopback(t)
	c, _ := tlsPair(t, tls.VersionTLS13, a, b)
	st := stream(t, c)
	var wire []byte
	for range packets {
		wire = AppendFrame(wire, TypeKeepalive, nil)
		wire = AppendFrame(wire, TypeDPDResp, make([]byte, 100))
		wire = AppendFrame(wire, TypeData, make([]byte, 1400))
	}
	in := packet.New(packets, 1500)
	run := func() {
		in.Reset()
		st.in.rest = wire
		if err := st.ReadBatch(in); err != nil || in.Len() != packets {
			t.Fatalf("%d packets, %v", in.Len(), err)
		}
	}
	run()
	if n := testing.AllocsPerRun(200, run); n != 0 {
		t.Errorf("%v allocations in a batch of %d packets", n, packets)
	}
}

// Batches through TLS, both ends in this process. Ours allocate nothing, crypto/tls does: see doc.go. AllocsPerRun counts whole allocations per run, so a run
// here is many packets and the result is divided.
func TestBatchesThroughTLSDoNotAllocatePerPacket(t *testing.T) {
	for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		const packets = 40
		send := echo(t, version, packets)
		for range 50 {
			send()
		}
		n := testing.AllocsPerRun(200, send)
		t.Logf("%s: %.2f allocations per packet", name, n/packets)
		if n >= packets {
			t.Errorf("%s: %.2f allocations per packet", name, n/packets)
		}
	}
}

// Sending alone, into a connection that takes everything: nothing at all.
func TestWriteBatchDoesNotAllocate(t *testing.T) {
	a, b := loopback(t)
	c, s := tlsPair(t, tls.VersionTLS13, a, b)
	w := stream(t, c)
	s.NetConn().(*Cork).Hold() // as in a tunnel: before it each read confirms what came, which allocates
	go func() {
		buf := make([]byte, 1<<16)
		for {
			if _, err := s.NetConn().Read(buf); err != nil {
				return
			}
		}
	}()
	out := batch(40, 1400)
	for range 50 {
		if err := w.WriteBatch(out); err != nil {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(200, func() {
		if err := w.WriteBatch(out); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations in a batch of 40 packets", n)
	}
}
