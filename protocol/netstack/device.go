package netstack

import (
	"os"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// batch is how many packets one Read fills at most.
const batch = 64

// Name is the interface's name, always the same.
func (s *Stack) Name() string { return "netstack0" }

// Index is the interface's number, always the same.
func (s *Stack) Index() int { return nic }

// BatchSize is how many packets one Read fills at most.
func (s *Stack) BatchSize() int { return batch }

// Read waits for a packet that the stack sends and fills bufs, from offset on, with what else is there. Packets that do not fit are dropped. After Close: os.ErrClosed.
func (s *Stack) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	if err := s.enter(); err != nil {
		return 0, err
	}
	defer s.device.Done()
	limit := min(len(bufs), len(sizes), batch)
	for n := 0; ; {
		pkt := s.ep.ReadContext(s.ctx)
		if pkt == nil {
			return 0, os.ErrClosed
		}
		for ; pkt != nil; pkt = s.ep.Read() {
			if sizes[n] = unload(pkt, bufs[n][offset:]); sizes[n] > 0 {
				n++
			}
			if n == limit {
				break
			}
		}
		if n > 0 {
			return n, nil
		}
	}
}

// unload copies a packet into b and lets go of it. 0 is a packet that does not fit.
func unload(pkt *stack.PacketBuffer, b []byte) int {
	defer pkt.DecRef()
	if pkt.Size() > len(b) {
		return 0
	}
	n := 0
	for _, part := range pkt.AsSlices() {
		n += copy(b[n:], part)
	}
	return n
}

// Write hands packets, each from offset on in its buffer, to the stack. What is no IP packet is dropped. It returns len(bufs), or os.ErrClosed after Close.
func (s *Stack) Write(bufs [][]byte, offset int) (int, error) {
	if err := s.enter(); err != nil {
		return 0, err
	}
	defer s.device.Done()
	for _, b := range bufs {
		if len(b) <= offset {
			continue
		}
		p := b[offset:]
		protocol := header.IPv4ProtocolNumber
		switch p[0] >> 4 {
		case 4:
		case 6:
			protocol = header.IPv6ProtocolNumber
		default:
			continue
		}
		pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(p)})
		s.ep.InjectInbound(protocol, pkt)
		pkt.DecRef()
	}
	return len(bufs), nil
}
