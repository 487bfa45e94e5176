package bench

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/interop/lab"
)

// firstAnswer sends an echo request every 2 ms, as soon as there is a route for it, and returns when the first answer is there.
func (l *bed) firstAnswer(ctx context.Context, to string) error {
	echo, err := lab.NewEcho(l.client, to, 0x4846, 2*time.Millisecond)
	if err != nil {
		return err
	}
	defer func() { _ = echo.Close() }()
	for n := uint16(0); ctx.Err() == nil; n++ {
		if echo.Ask(n) != nil { // no route yet
			time.Sleep(time.Millisecond)
			continue
		}
		if _, ok, err := echo.Heard(); ok || err != nil {
			return err
		}
	}
	return ctx.Err()
}

// answers waits for an address behind the gateway.
func (l *bed) answers(addr string) { l.timed(addr, func() {}) }

// timed runs start and returns the time until the address behind the gateway answered.
func (l *bed) timed(to string, start func()) time.Duration {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.Context(), 40*time.Second)
	defer cancel()
	answered := make(chan error, 1)
	var at time.Time
	begun := time.Now()
	go func() {
		err := l.firstAnswer(ctx, to)
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
func (l *bed) pingOurs(agent *lab.Agent, port string) time.Duration {
	l.Helper()
	took := l.timed("10.99.0.1", func() { agent.Connect(gatewayAddr + ":" + port) })
	agent.Disconnect()
	return took
}

func (l *bed) pingTheirs(port string) time.Duration {
	l.Helper()
	var p *lab.Process
	took := l.timed("10.98.0.1", func() { p = l.openconnect(port, "Configured as") })
	p.End()
	return took
}

type pingPair struct{ ours, theirs time.Duration }

// firstPing measures the time from the command to the first answer, in pairs.
func firstPing(l *bed, r *report) {
	server, agent := l.startOcserv("443", "10.13.0.0/24", true), l.startAgent()
	defer server.Stop(syscall.SIGTERM)
	defer agent.End()
	n := 10
	if *quick {
		n = 2
	}
	var pairs []pingPair
	for range n {
		p := pingPair{l.pingOurs(agent, "443"), l.pingTheirs("443")}
		progress("  first ping   holdfast %v   openconnect %v", p.ours.Round(time.Millisecond), p.theirs.Round(time.Millisecond))
		pairs = append(pairs, p)
	}
	ms := func(d time.Duration) float64 { return float64(d) / 1e6 }
	ours, theirs := median(pairs, func(p pingPair) float64 { return ms(p.ours) }), median(pairs, func(p pingPair) float64 { return ms(p.theirs) })
	ratio := median(pairs, func(p pingPair) float64 { return ms(p.ours) / ms(p.theirs) })
	r.pings = append(r.pings, fmt.Sprintf("| UDP open, %d pairs | %.0f ms | %.0f ms | not slower: ratio %.2f | %s |\n", n, ours, theirs, ratio, verdict(ratio <= 1)))
}

// firstPingWithoutUDP drops the gateway's UDP port without a word. openconnect has one run: it waits long.
func firstPingWithoutUDP(l *bed, r *report) {
	server, agent := l.startOcserv("443", "10.13.0.0/24", true), l.startAgent()
	defer server.Stop(syscall.SIGTERM)
	defer agent.End()
	l.gateway.Run(l, "nft", "add table ip mute; add chain ip mute in { type filter hook input priority 0; }; add rule ip mute in udp dport 443 drop")
	defer l.gateway.Run(l, "nft", "delete table ip mute")
	var times []time.Duration
	for range 5 {
		times = append(times, l.pingOurs(agent, "443"))
		progress("  UDP dropped  holdfast %v", times[len(times)-1].Round(time.Millisecond))
	}
	ours := median(times, func(d time.Duration) float64 { return float64(d) / 1e6 })
	theirs := l.pingTheirs("443")
	progress("  UDP dropped  openconnect %v", theirs.Round(time.Millisecond))
	r.pings = append(r.pings, fmt.Sprintf("| UDP 443 dropped | %.0f ms | %.0f ms | ≤ 200 ms | %s |\n", ours, float64(theirs)/1e6, verdict(ours <= 200)))
}
