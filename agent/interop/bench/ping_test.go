package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// firstAnswer sends an echo request every 2 ms, as soon as there is a route for it, and returns when the first answer is there.
func firstAnswer(ctx context.Context, to string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMP)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	addr := &unix.SockaddrInet4{Addr: netip.MustParseAddr(to).As4()}
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 2000}); err != nil {
		return err
	}
	buf := make([]byte, 128)
	for n := uint16(0); ctx.Err() == nil; n++ {
		q := binary.BigEndian.AppendUint16([]byte{8, 0, 0, 0, 0x48, 0x46}, n)
		binary.BigEndian.PutUint16(q[2:], ^sum16(q))
		if unix.Sendto(fd, q, 0, addr) != nil { // no route yet
			time.Sleep(time.Millisecond)
			continue
		}
		for {
			k, from, err := unix.Recvfrom(fd, buf, 0)
			if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
				break
			}
			if err != nil {
				return err
			}
			if a, ok := from.(*unix.SockaddrInet4); ok && a.Addr == addr.Addr && k >= 28 && buf[20] == 0 && buf[24] == 0x48 && buf[25] == 0x46 {
				return nil
			}
		}
	}
	return ctx.Err()
}

func sum16(p []byte) uint16 {
	s := uint32(0)
	for i := 0; i < len(p); i += 2 {
		s += uint32(binary.BigEndian.Uint16(p[i:]))
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

// answers waits for an address behind the gateway.
func (l *lab) answers(addr string) { l.timed(addr, func() {}) }

// timed runs start and returns the time until the address behind the gateway answered.
func (l *lab) timed(to string, start func()) time.Duration {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.Context(), 40*time.Second)
	defer cancel()
	answered := make(chan error, 1)
	var at time.Time
	begun := time.Now()
	go func() {
		err := firstAnswer(ctx, to)
		at = time.Now()
		answered <- err
	}()
	start()
	if err := <-answered; err != nil {
		l.Fatalf("no answer from %s: %v", to, err)
	}
	return at.Sub(begun)
}

// pingOurs and pingTheirs connect, wait for the first answer, and end.
func (l *lab) pingOurs(port string) time.Duration {
	l.Helper()
	took := l.timed("10.99.0.1", func() { l.connect(port) })
	l.disconnect()
	return took
}

func (l *lab) pingTheirs(port string) time.Duration {
	l.Helper()
	var p *process
	took := l.timed("10.98.0.1", func() { p = l.openconnect(port, "Configured as") })
	p.end()
	return took
}

type pingPair struct{ ours, theirs time.Duration }

// firstPing measures the time from the command to the first answer, in pairs.
func firstPing(l *lab, r *report) {
	server, agent := l.startOcserv("443", "10.13.0.0/24", true), l.startAgent()
	defer server.stop(syscall.SIGTERM)
	defer agent.end()
	n := 10
	if *quick {
		n = 2
	}
	var pairs []pingPair
	for range n {
		p := pingPair{l.pingOurs("443"), l.pingTheirs("443")}
		progress("  first ping   holdfast %v   openconnect %v", p.ours.Round(time.Millisecond), p.theirs.Round(time.Millisecond))
		pairs = append(pairs, p)
	}
	ms := func(d time.Duration) float64 { return float64(d) / 1e6 }
	ours, theirs := median(pairs, func(p pingPair) float64 { return ms(p.ours) }), median(pairs, func(p pingPair) float64 { return ms(p.theirs) })
	ratio := median(pairs, func(p pingPair) float64 { return ms(p.ours) / ms(p.theirs) })
	r.pings = append(r.pings, fmt.Sprintf("| UDP open, %d pairs | %.0f ms | %.0f ms | not slower: ratio %.2f | %s |\n", n, ours, theirs, ratio, verdict(ratio <= 1)))
}

// firstPingWithoutUDP drops the gateway's UDP port without a word. openconnect has one run: it waits long.
func firstPingWithoutUDP(l *lab, r *report) {
	server, agent := l.startOcserv("443", "10.13.0.0/24", true), l.startAgent()
	defer server.stop(syscall.SIGTERM)
	defer agent.end()
	l.gateway.Run(l.B, "nft", "add table ip mute; add chain ip mute in { type filter hook input priority 0; }; add rule ip mute in udp dport 443 drop")
	defer l.gateway.Run(l.B, "nft", "delete table ip mute")
	var times []time.Duration
	for range 5 {
		times = append(times, l.pingOurs("443"))
		progress("  UDP dropped  holdfast %v", times[len(times)-1].Round(time.Millisecond))
	}
	ours := median(times, func(d time.Duration) float64 { return float64(d) / 1e6 })
	theirs := l.pingTheirs("443")
	progress("  UDP dropped  openconnect %v", theirs.Round(time.Millisecond))
	r.pings = append(r.pings, fmt.Sprintf("| UDP 443 dropped | %.0f ms | %.0f ms | ≤ 200 ms | %s |\n", ours, float64(theirs)/1e6, verdict(ours <= 200)))
}
