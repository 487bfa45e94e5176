package udpbatch

import (
	"testing"
)

// BenchmarkLoopback moves batches of 45 full packets, as a TUN device gives them, in one direction, in turns so that nothing is lost. The time is that of both ends.
func BenchmarkLoopback(b *testing.B) {
	for _, name := range []string{"batched", "one by one"} {
		b.Run(name, func(b *testing.B) {
			from, to := ends(b, ways[name])
			out := make([][]byte, 45)
			for i := range out {
				out[i] = make([]byte, 1437)
			}
			b.SetBytes(45 * 1437)
			b.ReportAllocs()
			for b.Loop() {
				if err := from.Send(out); err != nil {
					b.Fatal(err)
				}
				for n := 0; n < len(out); {
					if err := to.Receive(); err != nil {
						b.Fatal(err)
					}
					for ; to.Next() != nil; n++ {
					}
				}
			}
		})
	}
}
