package gateway

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"sync"

	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

// Ports of an Echo.
const (
	echoPort = 7  // datagrams come back
	httpPort = 80 // a datagram that begins like an HTTP request gets an answer that looks like HTTP
)

// Protocol numbers (RFC 790, RFC 8200).
const (
	protoICMP   = 1
	protoUDP    = 17
	protoICMPv6 = 58
)

// maxHeld is how many answers an Echo holds for its reader before it drops.
const maxHeld = 256

// Echo is the smallest Inside: at its addresses it answers pings, UDP echo on port 7, and on UDP port 80 a request line with a page. It is pure: no goroutine, no
// timer, no TCP, so that it works inside testing/synctest. Answers that find nobody reading are dropped.
type Echo struct {
	addrs []netip.Addr

	mu     sync.Mutex
	more   *sync.Cond
	held   [][]byte
	closed bool
}

var _ Inside = (*Echo)(nil)

// NewEcho returns an Echo that answers at these addresses; none means any.
func NewEcho(addrs ...netip.Addr) *Echo {
	e := &Echo{addrs: slices.Clone(addrs)}
	e.more = sync.NewCond(&e.mu)
	return e
}

// Read waits for answers.
func (e *Echo) Read(b *packet.Batch) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(e.held) == 0 && !e.closed {
		e.more.Wait()
	}
	if e.closed {
		return io.EOF
	}
	n := 0
	for n < len(e.held) && !b.Full() {
		b.Append(e.held[n])
		n++
	}
	e.held = slices.Delete(e.held, 0, n)
	return nil
}

// Write takes packets and keeps the answers to them.
func (e *Echo) Write(b *packet.Batch) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return io.ErrClosedPipe
	}
	for i := range b.Len() {
		if a := e.answer(b.Packet(i)); a != nil && len(e.held) < maxHeld {
			e.held = append(e.held, a)
		}
	}
	e.more.Signal()
	return nil
}

// Close ends Read with io.EOF.
func (e *Echo) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	e.more.Broadcast()
	return nil
}

// answer makes the packet that answers p, nil when there is none.
func (e *Echo) answer(p []byte) []byte {
	from, to, ok := endpoints(p)
	if !ok || len(e.addrs) > 0 && !slices.Contains(e.addrs, to) {
		return nil
	}
	proto, head := p[9], int(p[0]&15)*4
	if from.Is6() {
		proto, head = p[6], 40
	}
	if head < 20 || len(p) < head+8 {
		return nil
	}
	body := p[head:]
	switch {
	case proto == protoICMP && from.Is4() && body[0] == 8:
		return build(to, from, protoICMP, append([]byte{0, 0, 0, 0}, body[4:]...))
	case proto == protoICMPv6 && from.Is6() && body[0] == 128:
		return build(to, from, protoICMPv6, append([]byte{129, 0, 0, 0}, body[4:]...))
	case proto == protoUDP:
		return udpAnswer(from, to, body)
	}
	return nil
}

// udpAnswer answers a datagram, header included.
func udpAnswer(from, to netip.Addr, body []byte) []byte {
	payload := body[8:]
	switch binary.BigEndian.Uint16(body[2:]) {
	case echoPort:
	case httpPort:
		line, _, _ := bytes.Cut(payload, []byte("\r\n"))
		path, ok := bytes.CutPrefix(line, []byte("GET "))
		if !ok {
			return nil
		}
		path, _, _ = bytes.Cut(path, []byte(" "))
		page := fmt.Sprintf("%s asks for %.100q at %s\n", from, path, to)
		payload = fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(page), page)
	default:
		return nil
	}
	u := make([]byte, 8, 8+len(payload))
	copy(u, body[2:4]) // the ports change places
	copy(u[2:], body[:2])
	binary.BigEndian.PutUint16(u[4:], uint16(8+len(payload)))
	return build(to, from, protoUDP, append(u, payload...))
}

// build makes an IP packet and fills in the checksums; body's own is zero.
func build(from, to netip.Addr, proto byte, body []byte) []byte {
	at := map[byte]int{protoICMP: 2, protoICMPv6: 2, protoUDP: 6}[proto]
	var sum uint32
	if proto != protoICMP {
		sum = checksum(checksum(0, from.AsSlice()), to.AsSlice()) + uint32(proto) + uint32(len(body))
	}
	c := fold(checksum(sum, body))
	if c == 0 && proto == protoUDP {
		c = 0xffff // zero means none (RFC 768)
	}
	binary.BigEndian.PutUint16(body[at:], c)

	var p []byte
	if from.Is4() {
		p = make([]byte, 20, 20+len(body))
		p[0], p[8], p[9] = 0x45, 64, proto
		binary.BigEndian.PutUint16(p[2:], uint16(20+len(body)))
		copy(p[12:], from.AsSlice())
		copy(p[16:], to.AsSlice())
		binary.BigEndian.PutUint16(p[10:], fold(checksum(0, p)))
	} else {
		p = make([]byte, 40, 40+len(body))
		p[0], p[6], p[7] = 0x60, proto, 64
		binary.BigEndian.PutUint16(p[4:], uint16(len(body)))
		copy(p[8:], from.AsSlice())
		copy(p[24:], to.AsSlice())
	}
	return append(p, body...)
}

// checksum adds b to a sum of 16-bit words (RFC 1071).
func checksum(sum uint32, b []byte) uint32 {
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	return sum
}

// fold finishes a checksum.
func fold(sum uint32) uint16 {
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
