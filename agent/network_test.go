package agent

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/holdfast-vpn/holdfast/agent/machine"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/platform/fake"
)

// routes reads "PREFIX" and "PREFIX>HOP".
func routes(list ...string) []platform.Route {
	out := []platform.Route{}
	for _, s := range list {
		to, via, _ := strings.Cut(s, ">")
		r := platform.Route{To: netip.MustParsePrefix(to)}
		if via != "" {
			r.Via = netip.MustParseAddr(via)
		}
		out = append(out, r)
	}
	return out
}

func TestPathsTo(t *testing.T) {
	silent := []platform.Uplink{ // a system that does not tell its routes
		{Index: 2, Name: "eth0", Local: addrs("198.51.100.7", "2001:db8::7"), NextHop: addrs("198.51.100.1", "fe80::1")},
		{Index: 3, Name: "wlan0", Local: addrs("10.1.1.1"), NextHop: addrs("10.1.1.254")},
	}
	eth := platform.Uplink{Index: 2, Name: "eth0", Local: addrs("198.51.100.7", "2001:db8::7"), Routes: routes("0.0.0.0/0>198.51.100.1", "::/0>fe80::1", "198.51.100.0/24")}
	wifi := platform.Uplink{Index: 3, Name: "wlan0", Local: addrs("10.1.1.1"), Routes: routes("0.0.0.0/0>10.1.1.254", "10.1.1.0/24")}
	docker := platform.Uplink{Index: 4, Name: "docker0", Local: addrs("172.17.0.1"), Routes: routes("172.17.0.0/16")}
	bridge := platform.Uplink{Index: 5, Name: "virbr0", Local: addrs("192.168.122.1", "fd00::1"), Routes: routes("192.168.122.0/24", "fd00::/64")}
	other := platform.Uplink{Index: 6, Name: "tun9", Local: addrs("10.8.0.2"), Routes: routes("0.0.0.0/1", "128.0.0.0/1", "10.8.0.0/24")}
	six := platform.Uplink{Index: 7, Name: "wwan0", Local: addrs("2001:db8:7::7"), Routes: routes("::/0>fe80::7")}
	two := platform.Uplink{Index: 8, Name: "eth1", Local: addrs("2001:db8::8", "2001:db8::7"), Routes: routes("::/0>fe80::1")}
	tests := []struct {
		name    string
		gateway []netip.Addr
		used    machine.Path
		uplinks []platform.Uplink
		want    string
	}{
		{"IPv4", addrs("192.0.2.1"), machine.Path{}, silent, "eth0 198.51.100.7 198.51.100.1, wlan0 10.1.1.1 10.1.1.254"},
		{"IPv6", addrs("2001:db8:1::1"), machine.Path{}, silent, "eth0 2001:db8::7 fe80::1"},
		{"on this machine", addrs("127.0.0.1"), machine.Path{}, silent, "loopback invalid IP invalid IP"},
		{"no gateway yet", nil, machine.Path{}, []platform.Uplink{wifi, six, docker}, "wlan0 10.1.1.1 10.1.1.254, wwan0 2001:db8:7::7 fe80::7"},
		{"containers and machines inside", addrs("192.0.2.1"), machine.Path{}, []platform.Uplink{eth, wifi, docker, bridge}, "eth0 198.51.100.7 198.51.100.1, wlan0 10.1.1.1 10.1.1.254"},
		{"the gateway is in a container", addrs("172.17.0.9"), machine.Path{}, []platform.Uplink{eth, docker}, "docker0 172.17.0.1 invalid IP, eth0 198.51.100.7 198.51.100.1"},
		{"another tunnel that takes everything", addrs("192.0.2.1"), machine.Path{}, []platform.Uplink{eth, other}, "tun9 10.8.0.2 invalid IP, eth0 198.51.100.7 198.51.100.1"},
		{"both families", addrs("192.0.2.1", "2001:db8:1::1"), machine.Path{}, []platform.Uplink{eth, wifi, six},
			"eth0 198.51.100.7 198.51.100.1, eth0 2001:db8::7 fe80::1, wlan0 10.1.1.1 10.1.1.254, wwan0 2001:db8:7::7 fe80::7"},
		{"many addresses", addrs("192.0.2.1", "192.0.2.2", "192.0.2.3"), machine.Path{}, []platform.Uplink{wifi}, "wlan0 10.1.1.1 10.1.1.254"},
		{"only IPv6 for a gateway with IPv4", addrs("192.0.2.1"), machine.Path{}, []platform.Uplink{wifi, six}, "wlan0 10.1.1.1 10.1.1.254, wwan0 2001:db8:7::7 fe80::7"},
		{"a closer route over the other one", addrs("10.1.1.9"), machine.Path{}, []platform.Uplink{eth, wifi}, "wlan0 10.1.1.1 invalid IP, eth0 198.51.100.7 198.51.100.1"},
		{"a newer address beside the one in use", addrs("2001:db8:1::1"), machine.Path{IfIndex: 8, Name: "eth1", Local: addrs("2001:db8::7")[0]}, []platform.Uplink{two}, "eth1 2001:db8::7 fe80::1"},
		{"the one in use is gone", addrs("2001:db8:1::1"), machine.Path{IfIndex: 8, Name: "eth1", Local: addrs("2001:db8::9")[0]}, []platform.Uplink{two}, "eth1 2001:db8::8 fe80::1"},
		{"an address and no way", addrs("192.0.2.1"), machine.Path{}, []platform.Uplink{{Index: 2, Name: "eth0", Local: addrs("198.51.100.7"), Routes: routes("198.51.100.0/24")}}, ""},
	}
	for _, tt := range tests {
		var got []string
		for _, p := range pathsTo(tt.gateway, tt.used, platform.NetSnapshot{Uplinks: tt.uplinks}) {
			got = append(got, fmt.Sprint(p.Name, " ", p.Local, " ", p.NextHop))
		}
		if s := strings.Join(got, ", "); s != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, s, tt.want)
		}
	}
}

// TestLocalNetworksAreFollowed: where local networks stay direct they are those of the uplinks as they are now; a route that leads elsewhere is no reason to look at ours.
func TestLocalNetworksAreFollowed(t *testing.T) {
	for _, allowed := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWire()
			w.set.LocalLAN = true
			r := start(t, &scripted{open: opens(w), reach: reaches})
			if err := r.Prefer(t.Context(), alice, set("LocalLanAccess="+strconv.FormatBool(allowed))); err != nil {
				t.Fatal(err)
			}
			r.connect(alice, "vpn.example.com")
			r.want("connected")
			sets := 0
			r.m.Intercept(fake.Router, func(context.Context) error { sets++; return nil })
			at := func(list ...string) platform.NetSnapshot {
				u := home.Uplinks[0]
				u.Routes = routes(append([]string{"0.0.0.0/0>198.51.100.1"}, list...)...)
				return platform.NetSnapshot{Uplinks: []platform.Uplink{u}}
			}
			for i, n := range []platform.NetSnapshot{at("192.168.1.0/24"), at("192.168.1.0/24", "10.0.0.0/8>198.51.100.1"), at("192.168.2.0/24")} {
				r.m.SetNetwork(n)
				r.want("connected")
				if want := []int{1, 1, 2}[i]; allowed && sets != want || !allowed && sets != 0 {
					t.Errorf("allowed %v, network %d: set %d times", allowed, i, sets)
				}
			}
			if err := r.stop(); err != nil {
				t.Error(err)
			}
		})
	}
}
