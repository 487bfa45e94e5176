package udpbatch

import (
	"bytes"
	"net"
	"slices"
	"sync/atomic"
	"testing"
)

// gate is one that lets datagrams of an odd size through while it is shut. Its own Read and Write are those of the socket: only what goes by batches is asked here.
type gate struct {
	net.Conn
	shut atomic.Bool
}

func (g *gate) Below() net.Conn  { return g.Conn }
func (g *gate) Impaired() bool   { return g.shut.Load() }
func (g *gate) In(size int) bool { return size%2 == 1 }
func (g *gate) Out(list [][]byte) [][]byte {
	var out [][]byte
	for _, d := range list {
		if len(d)%2 == 1 {
			out = append(out, d)
		}
	}
	return out
}

// TestGate: a gate has its say over every datagram of a batch, both ways, also over those that came glued; and none while it is open, at no cost.
func TestGate(t *testing.T) {
	var gates []*gate
	a, b := ends(t, func(c net.Conn) net.Conn {
		gates = append(gates, &gate{Conn: c})
		return gates[len(gates)-1]
	})
	if a.fast == nil || b.fast == nil {
		t.Fatal("a gate costs the fast way")
	}
	var all, odd [][]byte
	for i := range 20 {
		d := bytes.Repeat([]byte{byte(i)}, 100+i/5) // runs of equal size: the kernel glues them
		all = append(all, d)
		if len(d)%2 == 1 {
			odd = append(odd, d)
		}
	}
	for _, c := range []struct {
		name    string
		out, in bool
		want    [][]byte
	}{
		{"open", false, false, all}, {"shut before sending", true, false, odd}, {"shut after receiving", false, true, odd}, {"open again", false, false, all},
	} {
		gates[0].shut.Store(c.out)
		gates[1].shut.Store(c.in)
		if err := a.Send(all); err != nil {
			t.Fatal(err)
		}
		last := []byte("the end") // of an odd length: every gate lets it through, and what should have been lost would come before it
		if err := a.Send([][]byte{last}); err != nil {
			t.Fatal(err)
		}
		for _, want := range append(slices.Clone(c.want), last) {
			if err := expect(b, want); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
	}
	gates[1].shut.Store(false)
	gates[0].shut.Store(false)
	turn := func() {
		if err := a.Send(all); err != nil {
			t.Error(err)
		}
		for left := len(all); left > 0; {
			if err := b.Receive(); err != nil {
				t.Error(err)
				return
			}
			for b.Next() != nil {
				left--
			}
		}
	}
	for range 20 { // buffers grow
		turn()
	}
	if n := testing.AllocsPerRun(100, turn); n > 0 {
		t.Errorf("%v allocations for a batch through an open gate", n)
	}
}
