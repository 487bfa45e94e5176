package cstp

import (
	"crypto/tls"
	"io"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// BenchmarkBatching prints how much longer packets take one at a time, a send for each, than in batches of 40: the one number that survives a change of machine.
func BenchmarkBatching(b *testing.B) {
	a, z := loopback(b)
	c, s := tlsPair(b, tls.VersionTLS13, a, z)
	w := stream(b, c)
	go func() { _, _ = io.Copy(io.Discard, s.NetConn()) }()
	run := func(out *packet.Batch, times int) time.Duration {
		start := time.Now()
		for range times {
			if err := w.WriteBatch(out); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(start)
	}
	many, one := batch(40, 1400), batch(1, 1400)
	var batched, single time.Duration
	for b.Loop() {
		batched += run(many, 10)
		single += run(one, 400)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(single)/float64(batched), "single/batched")
}
