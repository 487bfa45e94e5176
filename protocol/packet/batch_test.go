package packet

import (
	"bytes"
	"testing"
)

func TestLayout(t *testing.T) {
	b := New(3, 100)
	if b.Cap() != 3 || b.Room() != 100 || len(b.Next()) != 100 {
		t.Fatalf("cap %d, room %d, next %d", b.Cap(), b.Room(), len(b.Next()))
	}
	b.Commit(copy(b.Next(), "abc"))
	if !b.Append([]byte("defg")) || b.Append(make([]byte, 101)) || !b.Append(make([]byte, 100)) || b.Append([]byte("x")) || !b.Full() {
		t.Fatal("Append takes what fits and nothing else")
	}
	h := b.WithHeader(1, 8)
	copy(h, "HEADER__")
	if len(h) != 12 || string(h) != "HEADER__defg" || string(b.Packet(1)) != "defg" || string(b.Packet(0)) != "abc" {
		t.Fatalf("%q %q", h, b.Packet(0))
	}
}

// Neither header nor tail of one packet reaches another's slot, and a slot cannot grow into its neighbour.
func TestSlotsDoNotTouch(t *testing.T) {
	b := New(2, 10)
	b.Commit(10)
	b.Commit(10)
	first := b.Trimmed()[0]
	if cap(first) != Headroom+10+Tailroom {
		t.Fatalf("a slot's capacity is %d", cap(first))
	}
	_ = append(first, bytes.Repeat([]byte{1}, Tailroom)...)
	clear(b.WithHeader(1, Headroom))
	for i, c := range b.Bufs[1][:cap(b.Bufs[1])] {
		if c != 0 {
			t.Fatalf("byte %d of the neighbour was written", i)
		}
	}
}

func TestFilter(t *testing.T) {
	b := New(5, 10)
	for _, p := range []string{"a", "xx", "bb", "xxx", "ccc"} {
		b.Append([]byte(p))
	}
	if gone := b.Filter(func(p []byte) bool { return p[0] != 'x' }); gone != 2 || b.Len() != 3 {
		t.Fatalf("%d gone, %d left", gone, b.Len())
	}
	for i, want := range []string{"a", "bb", "ccc"} {
		if string(b.Packet(i)) != want {
			t.Errorf("packet %d is %q", i, b.Packet(i))
		}
	}
}

// A TUN write shortens and swaps slots; Reset gives back the layout.
func TestResetRestores(t *testing.T) {
	b := New(3, 10)
	b.Append([]byte("abc"))
	b.Append([]byte("def"))
	bufs := b.Trimmed()
	bufs[0], bufs[1] = bufs[1], bufs[0]
	b.Reset()
	for i := range b.Bufs {
		if len(b.Bufs[i]) != Headroom+10+Tailroom || &b.Bufs[i][0] != &b.arena[i*b.slot] {
			t.Fatalf("slot %d is not where it was", i)
		}
	}
	if b.Len() != 0 {
		t.Fatalf("%d packets after Reset", b.Len())
	}
}

func TestNoAllocations(t *testing.T) {
	b, p := New(16, 1500), make([]byte, 1400)
	keep := func(p []byte) bool { return len(p) > 0 }
	if n := testing.AllocsPerRun(100, func() {
		b.Reset()
		for b.Append(p) {
		}
		b.Filter(keep)
		b.WithHeader(3, 8)[0] = 1
		b.Trimmed()
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}
