package record

import (
	"bytes"
	"testing"
)

// FuzzOpen: bytes from the network never panic, and nothing opens but what was sealed.
func FuzzOpen(f *testing.F) {
	for i, k := range kinds {
		seal, _ := pair(f, k.version, k.id)
		rec, err := seal.Seal(TypeData, slotOf([]byte("a packet")), Headroom, 8)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), bytes.Clone(rec))
		f.Add(uint8(i), append(bytes.Clone(rec), rec[:len(rec)-1]...))
		f.Add(uint8(i), rec[:len(rec)-1])
	}
	f.Fuzz(func(t *testing.T, kind uint8, b []byte) {
		k := kinds[int(kind)%len(kinds)]
		seal, open := pair(t, k.version, k.id)
		for rest := b; ; {
			h, rec, more, err := Parse(rest)
			if err != nil {
				break
			}
			if len(rec)+len(more) != len(rest) || !bytes.Equal(h.Append(nil, len(rec)-HeaderLen), rec[:HeaderLen]) {
				t.Fatalf("%+v is not the header of %x", h, rec)
			}
			rest = more
			dst := make([]byte, len(rec))
			plain, err := open.Open(dst, h, bytes.Clone(rec))
			if err != nil {
				continue
			}
			if seal.cbc != nil { // an IV of its own each time
				continue
			}
			seal.next.Store(h.Seq)
			if again, err := seal.Seal(h.Type, slotOf(plain), Headroom, len(plain)); err != nil || !bytes.Equal(again, rec) {
				t.Fatalf("%x opened, and was never sealed", rec)
			}
		}
	})
}

// FuzzWindow compares the window with a set.
func FuzzWindow(f *testing.F) {
	f.Add(uint8(0), []byte{0, 1, 2, 2, 1, 0})
	f.Add(uint8(200), []byte{63, 64, 65, 0xff, 0xff, 1, 128, 129, 200})
	f.Fuzz(func(t *testing.T, base uint8, steps []byte) {
		w := newWindow(uint64(base))
		seen, top := map[uint64]bool{}, uint64(0)
		for i, s := range steps {
			// Steps near what was largest, back and forth, and now and then a leap.
			seq := top + uint64(s&0x7f)
			if s >= 0x80 {
				seq = top - min(top, uint64(s&0x7f)*20)
			}
			if i%7 == 6 {
				seq += uint64(s) * 500
			}
			fresh := w.fresh(seq)
			switch {
			case seq < uint64(base) || seen[seq]:
				if fresh {
					t.Fatalf("step %d: %d was seen", i, seq)
				}
			case top < seq || top-seq < 64*(windowWords-1):
				if !fresh {
					t.Fatalf("step %d: %d is new, the largest is %d", i, seq, top)
				}
			}
			if fresh {
				w.see(seq)
				seen[seq] = true
				top = max(top, seq)
			}
		}
	})
}
