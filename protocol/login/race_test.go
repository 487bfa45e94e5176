package login

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/simnet"
)

// resolver is a dialer whose name servers know another address on each path, and take their time.
type resolver struct {
	*simnet.Dialer
	by    map[string]netip.Addr
	takes time.Duration
	asked []string
}

func (r *resolver) LookupVia(ctx context.Context, host string, via protocol.Path) ([]netip.Addr, error) {
	r.asked = append(r.asked, host+" by "+via.Name)
	select {
	case <-time.After(r.takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if a, ok := r.by[via.Name]; ok {
		return []netip.Addr{a}, nil
	}
	return nil, fault.New(fault.NetNoName, nil)
}

// TestSessionResolvesAgain: with X-CSTP-DynDNS the name is resolved again by the path, beside the attempts on what is known; without, never; and a path that has no
// family in common with what is known asks its own name servers (NAT64).
func TestSessionResolvesAgain(t *testing.T) {
	six := netip.MustParseAddr("2001:db8:64::c633:6401")
	for name, tt := range map[string]struct {
		dyn    bool
		via    string
		alive  []netip.Addr // where a gateway is
		knows  netip.Addr   // what the path's name servers say
		takes  time.Duration
		winner netip.Addr
		code   fault.Code
		asked  int
		within time.Duration
	}{
		"moved, and it wants that":            {true, "wifi0", []netip.Addr{addr2}, addr2, 20 * time.Millisecond, addr2, "", 1, 100 * time.Millisecond},
		"moved, and it does not":              {false, "wifi0", []netip.Addr{addr2}, addr2, 0, netip.Addr{}, fault.NetSilent, 0, 6 * time.Second},
		"not moved, no name server answers":   {true, "wifi0", []netip.Addr{addr1}, addr2, time.Hour, addr1, "", 1, 100 * time.Millisecond},
		"only IPv6, its name servers know":    {false, "lte0", []netip.Addr{addr1, six}, six, 20 * time.Millisecond, six, "", 1, 100 * time.Millisecond},
		"only IPv6, they know another family": {false, "lte0", []netip.Addr{addr1}, addr2, 0, netip.Addr{}, fault.NetNoRoute, 1, 10 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.end()
				w.pc.Uplink("lte0", netip.MustParseAddr("2001:db8:7::7")).SetLatency(5 * time.Millisecond)
				for _, a := range tt.alive {
					w.gateway(a, w.ca.leaf(t, nil), passwordGateway)
				}
				if tt.alive[0] != addr1 {
					w.net.Host("moved", addr1).SetSilent(true)
				}
				d := &resolver{Dialer: w.pc.Dialer(), by: map[string]netip.Addr{tt.via: tt.knows}, takes: tt.takes}
				via := protocol.Path{IfIndex: 1, Name: "wifi0", Local: netip.MustParseAddr("192.0.2.20")}
				if tt.via == "lte0" {
					via = protocol.Path{IfIndex: 2, Name: "lte0", Local: netip.MustParseAddr("2001:db8:7::7")}
				}
				s := protocol.SessionRef{Target: w.target(), Gateway: netip.AddrPortFrom(addr1, 443), DynDNS: tt.dyn}
				began := time.Now()
				c, err := DialSession(t.Context(), d, s, via, Options{})
				if took := time.Since(began); took > tt.within {
					t.Errorf("took %v", took)
				}
				if len(d.asked) != tt.asked {
					t.Errorf("asked %v", d.asked)
				}
				if tt.code != "" {
					wantFault(t, err, tt.code)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if c.Gateway.Addr() != tt.winner {
					t.Errorf("%s won", c.Gateway)
				}
				_ = c.Close()
			})
		})
	}
}

// TestLostPackets: what is lost on the way in the first moments costs half a second at most, and not the second after which systems repeat a connect.
func TestLostPackets(t *testing.T) {
	for _, dark := range []time.Duration{0, 100 * time.Millisecond, 600 * time.Millisecond, 1200 * time.Millisecond, 2600 * time.Millisecond, 2900 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			defer w.end()
			site := w.gateway(addr1, w.ca.leaf(t, nil), passwordGateway)
			site.SetSilent(true)
			time.AfterFunc(dark, func() { site.SetSilent(false) })
			s := protocol.SessionRef{Target: w.target(), Gateway: netip.AddrPortFrom(addr1, 443)}
			began := time.Now()
			c, err := DialSession(t.Context(), w.pc.Dialer(), s, anyPath, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if late := time.Since(began) - dark; late > 550*time.Millisecond {
				t.Errorf("dark for %v: %v after that", dark, late)
			}
			_ = c.Close()
			time.Sleep(time.Minute)
			if n := w.net.Streams(); n > 0 {
				t.Errorf("%d connections are left", n)
			}
		})
	}
}
