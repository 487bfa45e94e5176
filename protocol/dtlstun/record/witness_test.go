package record

import (
	"bytes"
	"testing"
)

// TestWitness recognises what the Opener would open, again and again, and nothing else; the Opener does not notice.
func TestWitness(t *testing.T) {
	for _, k := range kinds {
		t.Run(Name(k.version, k.id), func(t *testing.T) {
			seal, open := pair(t, k.version, k.id)
			w := open.Witness()
			if Weak(k.id) {
				if w != nil {
					t.Error("a witness of AES-CBC, which has a state")
				}
				return
			}
			for n := range uint64(3) {
				rec, err := seal.Seal(TypeData, slotOf([]byte("packet")), Headroom, 6)
				if err != nil {
					t.Fatal(err)
				}
				was := bytes.Clone(rec)
				h, one, _, err := Parse(rec)
				if err != nil || !w.Vouches(h, one) || !w.Vouches(h, one) || !bytes.Equal(rec, was) {
					t.Fatalf("record %d is not recognised, or was changed: %v", n, err)
				}
				h.Seq++
				if w.Vouches(h, one) {
					t.Error("a record with another number is recognised")
				}
				h.Seq--
				for _, i := range []int{HeaderLen, HeaderLen + 8, len(one) - 1} {
					one[i] ^= 1
					if w.Vouches(h, one) {
						t.Errorf("a record with byte %d changed is recognised", i)
					}
					one[i] ^= 1
				}
				if w.Vouches(h, one[:HeaderLen+4]) || w.Vouches(Header{Type: TypeData, Version: k.version}, one) {
					t.Error("a piece, or another epoch, is recognised")
				}
				if p, err := open.Open(nil, h, one); err != nil || string(p) != "packet" || open.Next() != n+1 {
					t.Errorf("%q, %v, next %d", p, err, open.Next())
				}
			}
		})
	}
}
