package record

// windowWords times 64 numbers are remembered, less those of the word that is being reused (the ring of RFC 6479). Receive offloads and parallel queues reorder
// by tens of packets, paths by hundreds.
const windowWords = 32

// window is a replay window (RFC 6347 section 4.1.2.6).
type window struct {
	next uint64 // one more than the largest number seen
	base uint64 // numbers below count as seen
	ring [windowWords]uint64
}

func newWindow(base uint64) window { return window{next: base, base: base} }

// fresh reports whether a number was not seen and can still be told from one that was.
func (w *window) fresh(seq uint64) bool {
	if seq >= w.next {
		return true
	}
	if seq < w.base || (w.next-1)>>6-seq>>6 >= windowWords {
		return false
	}
	return w.ring[seq>>6%windowWords]&(1<<(seq&63)) == 0
}

// see marks a fresh number.
func (w *window) see(seq uint64) {
	word := seq >> 6
	if seq >= w.next {
		// The words that no number so far lies in, up to this one's, come into use anew.
		for i := max((w.next+63)>>6, word-min(word, windowWords-1)); i <= word; i++ {
			w.ring[i%windowWords] = 0
		}
		w.next = seq + 1
	}
	w.ring[word%windowWords] |= 1 << (seq & 63)
}
