package cstp

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol"
)

var (
	here  = netip.MustParseAddr("192.168.1.20")
	there = netip.MustParseAddr("198.51.100.1")
)

// TestPlaces: what is learned on a network is known there again, and nowhere else.
func TestPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p places
		at := p.at(here, there)
		blocked, refused := why{protocol.TransportUDPBlocked, "UDP blocked"}, why{protocol.TransportUDPRefused, "UDP blocked: nobody listens"}
		began := time.Now()
		at.failed(blocked)
		time.Sleep(time.Minute)
		if n, since := at.failed(blocked); n != 2 || !since.Equal(began) {
			t.Errorf("failed %d times since %v, not since %v", n, since, began)
		}
		if !at.narrow(1280, 1500) || at.narrow(1400, 1500) || !at.narrow(1280, 1500) {
			t.Error("news is what is less than before")
		}
		for _, c := range []struct {
			name           string
			local, gateway netip.Addr
			failures, path int
		}{
			{"the same again", here, there, 2, 1280},
			{"another uplink", netip.MustParseAddr("10.0.0.5"), there, 0, 0},
			{"another gateway", here, netip.MustParseAddr("198.51.100.2"), 0, 0},
		} {
			got := p.at(c.local, c.gateway)
			failures, _, _ := got.record()
			if path, _, at := got.measured(); failures != c.failures || path != c.path || at.IsZero() != (path == 0) {
				t.Errorf("%s: %d failures, path %d", c.name, failures, path)
			}
		}
		time.Sleep(time.Minute)
		if n, since := at.failed(refused); n != 3 || !since.Equal(time.Now()) {
			t.Errorf("failed otherwise: %d times since %v", n, since)
		}
		at.held()
		if n, last, since := p.at(here, there).record(); n != 0 || last != (why{}) || !since.IsZero() {
			t.Errorf("after it held: %d, %q since %v", n, last, since)
		}
		at.passed(1300)
		if path, was, when := at.measured(); path != 0 || was != 0 || when.IsZero() {
			t.Errorf("after longer packets passed: %d, %d", path, was)
		}
		time.Sleep(placeTime - time.Minute)
		if p.at(here, there) != at {
			t.Error("forgotten too early")
		}
		time.Sleep(placeTime + time.Minute)
		if p.at(here, there) == at {
			t.Error("remembered for ever")
		}
	})
}

// TestPlacesAreBounded: a machine that meets many networks remembers the last of them.
func TestPlacesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p places
		first := p.at(here, there)
		for i := range 3 * maxPlaces {
			time.Sleep(time.Second)
			p.at(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), there)
		}
		if len(p.known) != maxPlaces {
			t.Errorf("%d places", len(p.known))
		}
		if p.at(here, there) == first {
			t.Error("the first is remembered")
		}
	})
}

// TestPlacesTellNothing: an address cannot be read from what is kept, nor found in it by whoever knows how it is made.
func TestPlacesTellNothing(t *testing.T) {
	var p, q places
	p.at(here, there)
	q.at(here, there)
	for id := range p.known {
		if q.known[id] != nil {
			t.Error("two memories have the same name for a network")
		}
		for _, a := range []netip.Addr{here, there} {
			if b := a.AsSlice(); bytes.Contains(id[:], b) || bytes.Contains(fmt.Append(nil, *p.known[id]), []byte(a.String())) {
				t.Errorf("%v can be read", a)
			}
		}
	}
}

// TestSuspicion: a connection that fell silent behind long packets has the next one kept short, for a while or until it is heard of.
func TestSuspicion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p places
		at := p.at(here, there)
		if at.limit() != 0 {
			t.Errorf("limit %d", at.limit())
		}
		at.doubt(true)
		if at.limit() != guesses[0] {
			t.Errorf("suspected: limit %d", at.limit())
		}
		at.doubt(false)
		if at.limit() != 0 {
			t.Errorf("heard: limit %d", at.limit())
		}
		at.doubt(true)
		time.Sleep(doubtTime)
		if at.limit() != 0 {
			t.Errorf("later: limit %d", at.limit())
		}
		for _, want := range []int{1280, 1006, 642, 642} {
			at.stuck(at.limit())
			if at.limit() != want {
				t.Errorf("stuck: limit %d, want %d", at.limit(), want)
			}
		}
		time.Sleep(doubtTime)
		at.narrow(1400, 1500)
		at.doubt(true)
		if at.limit() != 1400 {
			t.Errorf("measured: limit %d", at.limit())
		}
		at.stuck(at.limit())
		if at.limit() != 1280 {
			t.Errorf("measured, and stuck: limit %d", at.limit())
		}
	})
}

// TestBase: the gateway is told of a narrow path, but not of one that would cost a session its IPv6.
func TestBase(t *testing.T) {
	v4, v6 := netip.MustParsePrefix("10.1.0.2/24"), netip.MustParsePrefix("2001:db8::2/64")
	for _, c := range []struct {
		name      string
		path, mtu int
		inside    []netip.Prefix
		want      int
	}{
		{"nothing known", 0, 1500, []netip.Prefix{v4, v6}, 1500},
		{"narrow", 1280, 1500, []netip.Prefix{v4}, 1280},
		{"narrow, first tunnel", 1280, 1500, nil, 1280},
		{"narrow, with IPv6", 1280, 1500, []netip.Prefix{v4, v6}, minMTU6 + outerOverhead},
		{"wide enough for IPv6", 1450, 1500, []netip.Prefix{v4, v6}, 1450},
		{"the system knows of less", 1400, 1300, []netip.Prefix{v4}, 1300},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p places
			at := p.at(here, there)
			if c.path > 0 {
				at.narrow(c.path, 1500)
			}
			if got := at.base(c.mtu, c.inside); got != c.want {
				t.Errorf("%d, want %d", got, c.want)
			}
		})
	}
}

// TestSizes: rising, below what is asked for, and what IPv6 needs is among them.
func TestSizes(t *testing.T) {
	all := sizes(minMTU6, 1434)
	for i, n := range all {
		if n < minMTU || n >= 1434 || i > 0 && n <= all[i-1] {
			t.Errorf("%v", all)
		}
	}
	if !bytes.Contains(fmt.Append(nil, all), []byte(" 1280 ")) {
		t.Errorf("%v", all)
	}
	if got := sizes(minMTU, minMTU); len(got) != 0 {
		t.Errorf("%v", got)
	}
}
