package agent

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// manyLinks is a host's dialer whose uplinks answer after a time, or not at all; "" stands for what the system routes.
type manyLinks struct {
	after map[string]time.Duration
	code  fault.Code // what a link without an answer says when it does

	mu     sync.Mutex
	asked  []string
	opened []*kept
}

// kept is a connection that knows that it was closed.
type kept struct {
	net.Conn
	by     string
	closed bool
}

func (k *kept) Close() error { k.closed = true; return nil }

func (m *manyLinks) answer(ctx context.Context, by string) error {
	m.mu.Lock()
	m.asked = append(m.asked, by)
	m.mu.Unlock()
	d, ok := m.after[by]
	if !ok && m.code != "" {
		return fault.New(m.code, nil)
	}
	if !ok {
		d = time.Hour
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return fault.New(fault.NetSilent, ctx.Err())
	}
}

func (m *manyLinks) Lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	return m.LookupOn(ctx, host, "")
}

func (m *manyLinks) LookupOn(ctx context.Context, _, ifName string) ([]netip.Addr, error) {
	if err := m.answer(ctx, ifName); err != nil {
		return nil, err
	}
	return addrs("192.0.2.1"), nil
}

func (m *manyLinks) DialTCP(ctx context.Context, _ netip.AddrPort, _ int, ifName string, _ netip.Addr) (net.Conn, error) {
	if err := m.answer(ctx, ifName); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	c := &kept{by: ifName}
	m.opened = append(m.opened, c)
	return c, nil
}

func (m *manyLinks) DialUDP(_ context.Context, _ netip.AddrPort, _ int, ifName string, _ netip.Addr) (net.Conn, error) {
	return &kept{by: ifName}, nil
}

// TestHostDialer: without a path it goes as the system routes; where nobody answers there, by the other uplinks beside it. One connection comes of it, and the others are closed.
func TestHostDialer(t *testing.T) {
	network := platform.NetSnapshot{Uplinks: []platform.Uplink{
		{Index: 2, Name: "eth0", Local: addrs("198.51.100.7"), Routes: routes("0.0.0.0/0>198.51.100.1")},
		{Index: 3, Name: "wlan0", Local: addrs("10.1.1.1"), Routes: routes("0.0.0.0/0>10.1.1.254")},
		{Index: 4, Name: "docker0", Local: addrs("172.17.0.1"), Routes: routes("172.17.0.0/16")},
	}}
	to := netip.MustParseAddrPort("192.0.2.1:443")
	const ms = time.Millisecond
	for name, tt := range map[string]struct {
		after map[string]time.Duration
		code  fault.Code
		via   protocol.Path
		by    string // who won
		asked []string
		took  time.Duration
		fails fault.Code
	}{
		"the system's way answers":               {after: map[string]time.Duration{"": 20 * ms, "wlan0": 10 * ms}, asked: []string{""}, took: 20 * ms},
		"it answers late":                        {after: map[string]time.Duration{"": 1200 * ms, "wlan0": 500 * ms}, asked: []string{"", "wlan0"}, took: 1200 * ms},
		"it says nothing":                        {after: map[string]time.Duration{"wlan0": 50 * ms}, by: "wlan0", asked: []string{"", "wlan0"}, took: 1050 * ms},
		"it fails at once":                       {after: map[string]time.Duration{"wlan0": 50 * ms}, code: fault.NetNoRoute, by: "wlan0", asked: []string{"", "wlan0"}, took: 50 * ms},
		"it refuses: that is an answer":          {after: map[string]time.Duration{"wlan0": 50 * ms}, code: fault.NetRefused, asked: []string{""}, fails: fault.NetRefused},
		"nobody answers":                         {asked: []string{"", "wlan0"}, took: 3 * time.Second, fails: fault.NetSilent},
		"a path is named: that one and no other": {via: protocol.Path{IfIndex: 2, Name: "eth0"}, asked: []string{"eth0"}, took: 3 * time.Second, fails: fault.NetSilent},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &manyLinks{after: tt.after, code: tt.code}
				d := hostDialer{m, func() platform.NetSnapshot { return network }}
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				begun := time.Now()
				c, err := d.DialTCP(ctx, to, tt.via)
				if took := time.Since(begun); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				if !slices.Equal(m.asked, tt.asked) {
					t.Errorf("asked %q, want %q", m.asked, tt.asked)
				}
				if tt.fails != "" {
					if err == nil || fault.As(err).Code != tt.fails {
						t.Errorf("%v, want %s", err, tt.fails)
					}
					return
				}
				if err != nil || c.(*kept).by != tt.by {
					t.Fatalf("%v, %v", c, err)
				}
				for _, o := range m.opened {
					if o.closed != (o != c) {
						t.Errorf("%q: closed %v", o.by, o.closed)
					}
				}
			})
		})
	}
}

// TestHostDialerLooksElsewhere: names are asked for in the same way, and a socket for datagrams goes where the connection beside it went.
func TestHostDialerLooksElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := platform.NetSnapshot{Uplinks: []platform.Uplink{
			{Index: 2, Name: "eth0", Local: addrs("198.51.100.7"), Routes: routes("0.0.0.0/0>198.51.100.1")},
			{Index: 3, Name: "wlan0", Local: addrs("10.1.1.1"), Routes: routes("0.0.0.0/0>10.1.1.254")},
		}}
		m := &manyLinks{after: map[string]time.Duration{"wlan0": time.Millisecond}}
		d := hostDialer{m, func() platform.NetSnapshot { return network }}
		if got, err := d.Lookup(t.Context(), "vpn.example.com"); err != nil || fmt.Sprint(got) != "[192.0.2.1]" {
			t.Errorf("%v, %v", got, err)
		}
		for local, want := range map[string]string{"10.1.1.1": "wlan0", "198.51.100.7": "eth0", "203.0.113.1": ""} {
			c, err := d.DialUDP(t.Context(), netip.MustParseAddrPort("192.0.2.1:443"), protocol.Path{Local: netip.MustParseAddr(local)})
			if err != nil || c.(*kept).by != want {
				t.Errorf("from %s by %q, %v", local, c.(*kept).by, err)
			}
		}
	})
}
