package dataplane

import (
	"time"

	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

const (
	holdAge   = 2 * time.Second // older packets were sent again by whoever cares
	holdBytes = 1 << 20
)

// hold keeps packets while there is no carrier: the newest, up to holdBytes, and none older than holdAge. It belongs to the sender. It allocates, which an outage
// may.
type hold struct {
	packets []held
	bytes   int
}

type held struct {
	at time.Time
	p  []byte
}

// put copies the packets of b in and returns how many were forgotten for them.
func (h *hold) put(b *packet.Batch, now time.Time) (forgot int) {
	for i := range b.Len() {
		p := append([]byte(nil), b.Packet(i)...)
		h.packets = append(h.packets, held{now, p})
		h.bytes += len(p)
	}
	return h.trim(now)
}

// trim forgets what is too old or too much, and returns how many packets that were.
func (h *hold) trim(now time.Time) int {
	n := 0
	for ; n < len(h.packets) && (h.bytes > holdBytes || now.Sub(h.packets[n].at) > holdAge); n++ {
		h.bytes -= len(h.packets[n].p)
		h.packets[n].p = nil
	}
	if h.packets = h.packets[n:]; len(h.packets) == 0 {
		h.packets = nil
	}
	return n
}

// take moves packets into b as long as there is room.
func (h *hold) take(b *packet.Batch) {
	for len(h.packets) > 0 && b.Append(h.packets[0].p) {
		h.bytes -= len(h.packets[0].p)
		h.packets[0].p = nil
		h.packets = h.packets[1:]
	}
	if len(h.packets) == 0 {
		h.packets = nil
	}
}
