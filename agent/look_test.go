package agent

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/platform"
	"github.com/holdfast-vpn/holdfast/protocol"
)

// hotel is a network whose port 80 answers by address; what is not listed refuses. It notes every byte that it is sent.
type hotel struct {
	pages map[string]string // by address
	names []netip.Addr      // what its name server says

	mu    sync.Mutex
	heard []string
}

// said is what was sent to it so far.
func (h *hotel) said() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.heard)
}

func (h *hotel) Lookup(context.Context, string) ([]netip.Addr, error) {
	if len(h.names) == 0 {
		return nil, fault.New(fault.NetSilent, nil)
	}
	return h.names, nil
}

func (h *hotel) DialTCP(_ context.Context, to netip.AddrPort, _ protocol.Path) (net.Conn, error) {
	page, ok := h.pages[to.Addr().String()]
	if !ok || to.Port() != 80 {
		return nil, errors.New("refused")
	}
	ours, theirs := net.Pipe()
	go func() {
		defer theirs.Close()
		b := make([]byte, 4096)
		n, _ := theirs.Read(b)
		h.mu.Lock()
		h.heard = append(h.heard, string(b[:n]))
		h.mu.Unlock()
		_, _ = io.WriteString(theirs, page)
	}()
	return ours, nil
}

const (
	moved   = "HTTP/1.1 302 Found\r\nLocation: http://login.hotel/\r\nConnection: close\r\n\r\n"
	welcome = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html>Welcome</html>"
)

// TestSearch: what counts as a portal, by what made us look.
func TestSearch(t *testing.T) {
	gateway := netip.MustParseAddr("192.0.2.1")
	for name, tt := range map[string]struct {
		h       *hotel
		s       search
		found   bool
		because string
	}{
		"redirect in a reconnect": {&hotel{pages: map[string]string{"192.0.2.1": moved}}, search{gateway: gateway}, true, "192.0.2.1: port 80 sends us to login.hotel"},
		"page beside a foreign certificate": {&hotel{pages: map[string]string{"192.0.2.1": welcome}}, search{gateway: gateway, page: true}, true,
			"192.0.2.1: port 80 shows a web page, and port 443 is not the gateway"},
		"page of a gateway that restarts": {&hotel{pages: map[string]string{"192.0.2.1": welcome}}, search{gateway: gateway}, false, "192.0.2.1: port 80 answers 200, which is no sign of a sign-in page"},
		"a lie of the name server": {&hotel{pages: map[string]string{"10.0.0.1": welcome}, names: addrs("10.0.0.1")}, search{gateway: gateway}, true,
			"the name server gives 10.0.0.1 for the gateway; 10.0.0.1: port 80 shows a web page, and port 443 is not the gateway"},
		"a gateway that moved":    {&hotel{pages: map[string]string{"203.0.113.1": moved}, names: addrs("203.0.113.1")}, search{gateway: gateway}, false, "port 80 does not answer"},
		"nobody, and no names":    {&hotel{}, search{gateway: gateway}, false, "port 80 does not answer, nor does a name server"},
		"a login, second address": {&hotel{pages: map[string]string{"192.0.2.2": moved}, names: addrs("192.0.2.1", "192.0.2.2")}, search{}, true, "192.0.2.2: port 80 sends us to login.hotel"},
		"a login, no name":        {&hotel{}, search{}, false, "no address to look at"},
		"this machine":            {&hotel{pages: map[string]string{"127.0.0.1": moved}}, search{gateway: netip.MustParseAddr("127.0.0.1")}, false, "the gateway is on this machine"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.s.dialer, tt.s.host = tt.h, "vpn.example.com"
			found, because := tt.s.run(t.Context())
			if found != tt.found || because != tt.because {
				t.Errorf("%v %q, want %v %q", found, because, tt.found, tt.because)
			}
		})
	}
}

// TestPortalInTheWay: on a network with a sign-in page the session waits, is named, and comes back when its owner says that he has signed in. The token does not
// leave meanwhile.
func TestPortalInTheWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newWire(), newWire()
		var signedIn atomic.Bool
		con := &scripted{
			open: func(context.Context, protocol.Target, protocol.Prompter) (protocol.Tunnel, error) { return first, nil },
			reach: func(_ context.Context, _ protocol.SessionRef, via protocol.Path) (protocol.Reached, error) {
				if !signedIn.Load() {
					return nil, fault.New(fault.TLSChanged, nil)
				}
				return &way{via: via, closed: make(chan struct{})}, nil
			},
			resume: func(context.Context, protocol.SessionRef, protocol.Reached) (protocol.Tunnel, error) {
				return second, nil
			},
		}
		h := &hotel{pages: map[string]string{"192.0.2.1": moved}}
		r := startOn(t, home, h, func(protocol.Dialer) protocol.Connector { return con })
		r.connect(alice, "vpn.example.com")
		r.want("connected")

		r.m.SetNetwork(platform.NetSnapshot{Uplinks: []platform.Uplink{{Index: 2, Name: "wlan0", Local: addrs("10.7.0.9"), NextHop: addrs("10.7.0.1")}}})
		time.Sleep(time.Second)
		s := r.want("reconnecting")
		if s.CaptivePortal == nil || !*s.CaptivePortal || s.Error == nil || s.Error.Code != string(fault.NetPortal) || s.Prompt != nil {
			t.Errorf("portal %v, error %+v, prompt %v", s.CaptivePortal, s.Error, s.Prompt)
		}
		said := h.said()
		if len(said) == 0 {
			t.Error("the portal was not asked")
		}
		for _, b := range said {
			if want := "GET / HTTP/1.1\r\nHost: "; len(b) < len(want) || b[:len(want)] != want {
				t.Errorf("the portal heard %q", b)
			}
		}
		time.Sleep(8 * time.Minute) // tries have become rare
		signedIn.Store(true)
		r.connect(alice, "vpn.example.com")
		if s := r.want("connected"); s.CaptivePortal != nil {
			t.Errorf("still a portal: %v", *s.CaptivePortal)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestLoginBehindAPortal: the login is answered with what is in the way.
func TestLoginBehindAPortal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		con := &scripted{open: func(context.Context, protocol.Target, protocol.Prompter) (protocol.Tunnel, error) {
			return nil, fault.New(fault.TLSUntrusted, nil)
		}}
		h := &hotel{pages: map[string]string{"192.0.2.1": moved}, names: addrs("192.0.2.1")}
		r := startOn(t, home, h, func(protocol.Dialer) protocol.Connector { return con })
		r.connect(alice, "vpn.example.com")
		s := r.want("disconnected")
		if s.CaptivePortal == nil || !*s.CaptivePortal || s.Error == nil || s.Error.Code != string(fault.NetPortal) {
			t.Errorf("portal %v, error %+v", s.CaptivePortal, s.Error)
		}
		delete(h.pages, "192.0.2.1")
		r.connect(alice, "vpn.example.com")
		s = r.want("disconnected")
		if s.CaptivePortal == nil || *s.CaptivePortal || s.Error == nil || s.Error.Code != string(fault.TLSUntrusted) {
			t.Errorf("portal %v, error %+v", s.CaptivePortal, s.Error)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}
