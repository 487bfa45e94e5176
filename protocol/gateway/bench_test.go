package gateway

import (
	"io"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// firehose is an Inside that has packets for one client whenever it is asked, and forgets what it gets.
type firehose struct {
	mu     sync.Mutex
	more   *sync.Cond
	packet []byte
	left   int // packets to give
	got    int
	closed bool
}

func newFirehose() *firehose {
	f := &firehose{}
	f.more = sync.NewCond(&f.mu)
	return f
}

func (f *firehose) Read(b *packet.Batch) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.left == 0 && !f.closed {
		f.more.Wait()
	}
	if f.closed {
		return io.EOF
	}
	for f.left > 0 && b.Append(f.packet) {
		f.left--
	}
	return nil
}

func (f *firehose) Write(b *packet.Batch) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got += b.Len()
	f.more.Broadcast()
	return nil
}

func (f *firehose) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.more.Broadcast()
	return nil
}

// give makes n packets to be had.
func (f *firehose) give(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left += n
	f.more.Broadcast()
}

// TestNothingIsAllocatedPerPacket between the inside and a client's channel, both ways.
func TestNothingIsAllocatedPerPacket(t *testing.T) {
	r, d, _ := firehoseRig(t)
	ch := d.mustChannel()
	d.pushes(ch)
	var tun *tunnel
	for _, tun = range *r.gw.ways.Load() {
		if tun.udp.live.Load() == nil {
			t.Fatal("not by DTLS")
		}
	}
	b := packet.New(packet.MaxBatch, maxDatagram)
	p := d.ping(inside4, 1)
	if n := testing.AllocsPerRun(100, func() {
		b.Reset()
		for range 32 {
			b.Append(p)
		}
		tun.deliver(b)
	}); n > 0 {
		t.Errorf("%.1f allocations for 32 packets to the client", n)
	}
	if n := testing.AllocsPerRun(100, func() {
		b.Reset()
		for range 32 {
			b.Append(p)
		}
		_ = tun.toInside(b)
	}); n > 0 {
		t.Errorf("%.1f allocations for 32 packets from the client", n)
	}
}

func firehoseRig(t testing.TB) (*rig, *doubleTunnel, *firehose) {
	t.Helper()
	f := newFirehose()
	r := newRealRig(t, func(c *Config) { c.Inside = f })
	d := r.upWithDTLS()
	f.packet = make([]byte, 1400)
	copy(f.packet, build(inside4, d.local(inside4), protoUDP, make([]byte, 1380)))
	return r, d, f
}

// pushes sends a packet, so that the gateway sends by the same way.
func (d *doubleTunnel) pushes(out carrier) {
	d.t.Helper()
	b := packet.New(1, 2048)
	b.Append(d.ping(inside4, 1))
	if err := out.WriteBatch(b); err != nil {
		d.t.Fatal(err)
	}
	for d.r.transport() != "dtls" {
		time.Sleep(time.Millisecond)
	}
}

// BenchmarkToClient: from the inside to a client who reads, by DTLS over loopback. Its own end is in the figures, too.
func BenchmarkToClient(b *testing.B) {
	_, d, f := firehoseRig(b)
	ch := d.mustChannel()
	d.pushes(ch)
	in := packet.New(packet.MaxBatch, 2048)
	b.SetBytes(1400)
	b.ReportAllocs()
	b.ResetTimer()
	const window = 512 // fits the socket's buffer: nothing is lost
	for got, given := 0, 0; got < b.N; got += in.Len() {
		if n := min(window, b.N-given); given-got < window/2 && n > 0 {
			f.give(n)
			given += n
		}
		in.Reset()
		if err := ch.ReadBatch(in); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFromClient: the other way.
func BenchmarkFromClient(b *testing.B) {
	_, d, f := firehoseRig(b)
	ch := d.mustChannel()
	d.pushes(ch)
	p := build(d.local(inside4), inside4, protoUDP, make([]byte, 1372))
	out := packet.New(packet.MaxBatch, 2048)
	b.SetBytes(1400)
	b.ReportAllocs()
	b.ResetTimer()
	f.mu.Lock()
	f.got = 0
	f.mu.Unlock()
	for sent := 0; sent < b.N; sent += out.Len() {
		out.Reset()
		for range min(packet.MaxBatch, b.N-sent) {
			out.Append(p)
		}
		n := out.Len()
		if err := ch.WriteBatch(out); err != nil {
			b.Fatal(err)
		}
		f.mu.Lock()
		for f.got < sent+n-512 {
			f.more.Wait()
		}
		f.mu.Unlock()
	}
}
