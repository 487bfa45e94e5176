package packet

const (
	// Headroom is where a packet starts in its slot.
	Headroom = 64
	// Tailroom is kept free behind the largest packet.
	Tailroom = 64
	// MaxBatch is the number of slots that fits every batch system call in use.
	MaxBatch = 128
)

// Batch is a run of packets in an arena. Len packets are in it; Bufs and Sizes have the layout that TUN devices want: Bufs[i] is the whole slot, and packet i
// is Bufs[i][Headroom : Headroom+Sizes[i]].
type Batch struct {
	Bufs  [][]byte
	Sizes []int
	n     int
	slot  int
	arena []byte
}

// New returns a batch of n slots for packets up to max bytes.
func New(n, maxPacket int) *Batch {
	slot := Headroom + maxPacket + Tailroom
	b := &Batch{Bufs: make([][]byte, n), Sizes: make([]int, n), slot: slot, arena: make([]byte, n*slot)}
	b.rebuild()
	return b
}

// rebuild restores the slot slices: a TUN write may swap or shorten them.
func (b *Batch) rebuild() {
	for i := range b.Bufs {
		b.Bufs[i] = b.arena[i*b.slot : (i+1)*b.slot : (i+1)*b.slot]
	}
}

// Reset empties the batch and restores its slots.
func (b *Batch) Reset() {
	b.n = 0
	b.rebuild()
}

// Cap is the number of slots.
func (b *Batch) Cap() int { return len(b.Bufs) }

// Len is the number of packets.
func (b *Batch) Len() int { return b.n }

// SetLen says that the first n slots hold packets of Sizes bytes, as after a TUN read.
func (b *Batch) SetLen(n int) { b.n = n }

// Full reports whether no slot is free.
func (b *Batch) Full() bool { return b.n == len(b.Bufs) }

// Packet returns packet i in place.
func (b *Batch) Packet(i int) []byte { return b.Bufs[i][Headroom : Headroom+b.Sizes[i]] }

// WithHeader returns packet i with h bytes of header room before it, in place.
func (b *Batch) WithHeader(i, h int) []byte { return b.Bufs[i][Headroom-h : Headroom+b.Sizes[i]] }

// Room is the largest packet that fits.
func (b *Batch) Room() int { return b.slot - Headroom - Tailroom }

// Next returns the free slot's packet area, Room bytes long; Commit makes it part of the batch. The batch must not be full.
func (b *Batch) Next() []byte { return b.Bufs[b.n][Headroom : b.slot-Tailroom] }

// Commit appends the packet of size bytes that was written into Next.
func (b *Batch) Commit(size int) {
	b.Sizes[b.n] = size
	b.n++
}

// Filter keeps the packets that keep wants, in order, and returns how many went. Slots change places with it, until the next Reset.
func (b *Batch) Filter(keep func(p []byte) bool) int {
	n := 0
	for i := range b.n {
		if !keep(b.Packet(i)) {
			continue
		}
		b.Bufs[n], b.Bufs[i] = b.Bufs[i], b.Bufs[n]
		b.Sizes[n] = b.Sizes[i]
		n++
	}
	gone := b.n - n
	b.n = n
	return gone
}

// Trimmed returns the packets' slots cut behind each packet, as a TUN write wants them (offset Headroom): it may grow one into the rest of its slot, and swap
// them. The batch is of no use after that until Reset.
func (b *Batch) Trimmed() [][]byte {
	for i := range b.n {
		b.Bufs[i] = b.Bufs[i][:Headroom+b.Sizes[i]]
	}
	return b.Bufs[:b.n]
}

// Append copies p into the next slot and reports whether it fitted.
func (b *Batch) Append(p []byte) bool {
	if b.Full() || len(p) > b.Room() {
		return false
	}
	b.Commit(copy(b.Next(), p))
	return true
}
