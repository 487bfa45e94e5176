package uplink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

var (
	four  = netip.MustParseAddr("192.0.2.1")
	six   = netip.MustParseAddr("2001:db8::1")
	local = netip.MustParseAddr("127.0.0.1")
)

// bothProtocols listens on one port by UDP and TCP. A port that is free for one may be taken for the other: then it is another port's turn.
func bothProtocols(t testing.TB) (net.PacketConn, net.Listener) {
	t.Helper()
	var failed error
	for range 20 {
		pc, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", pc.LocalAddr().String())
		if err == nil {
			return pc, l
		}
		pc.Close()
		failed = err
	}
	t.Fatal(failed)
	return nil, nil
}

// nameServer answers on loopback, UDP and TCP, as the function says; it counts the questions.
func nameServer(t testing.TB, answer func(q dns.Question, tcp bool, m *dns.Msg) bool) (port uint16, asked *atomic.Int32) {
	t.Helper()
	asked = new(atomic.Int32)
	pc, l := bothProtocols(t)
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		asked.Add(1)
		m := new(dns.Msg).SetReply(q)
		_, tcp := w.RemoteAddr().(*net.TCPAddr)
		if answer(q.Question[0], tcp, m) {
			_ = w.WriteMsg(m)
		}
	})
	for _, s := range []*dns.Server{{PacketConn: pc, Handler: handler}, {Listener: l, Handler: handler}} {
		up, down := make(chan struct{}), make(chan error, 1)
		s.NotifyStartedFunc = func() { close(up) }
		go func() { down <- s.ActivateAndServe() }()
		<-up
		t.Cleanup(func() {
			_ = s.Shutdown()
			<-down
		})
	}
	return netip.MustParseAddrPort(pc.LocalAddr().String()).Port(), asked
}

// unprivileged is a Dialer without a mark that asks 127.0.0.1.
func unprivileged(port uint16, servers ...netip.Addr) *Dialer {
	d := NewUnmarked(func() ([]netip.Addr, error) { return servers, nil })
	d.port, d.hosts = port, os.DevNull
	return d
}

// add puts a record, written as in a zone file, into the answer.
func add(m *dns.Msg, records ...string) bool {
	for _, r := range records {
		rr, err := dns.NewRR(r)
		if err != nil {
			panic(err)
		}
		m.Answer = append(m.Answer, rr)
	}
	return true
}

func TestLookup(t *testing.T) {
	both := func(q dns.Question, m *dns.Msg) bool {
		if q.Qtype == dns.TypeAAAA {
			return add(m, q.Name+" 60 IN AAAA "+six.String())
		}
		return add(m, q.Name+" 60 IN A "+four.String())
	}
	tests := []struct {
		name   string
		answer func(q dns.Question, tcp bool, m *dns.Msg) bool
		want   []netip.Addr // in any order: what is routed depends on the machine
		code   fault.Code
	}{
		{"both families", func(q dns.Question, _ bool, m *dns.Msg) bool { return both(q, m) }, []netip.Addr{four, six}, ""},
		{"no such name", func(_ dns.Question, _ bool, m *dns.Msg) bool { m.Rcode = dns.RcodeNameError; return true }, nil, fault.NetNoName},
		{"no address", func(dns.Question, bool, *dns.Msg) bool { return true }, nil, fault.NetNoName},
		{"IPv4 only", func(q dns.Question, _ bool, m *dns.Msg) bool { return q.Qtype == dns.TypeAAAA || both(q, m) }, []netip.Addr{four}, ""},
		{"a server that drops AAAA", func(q dns.Question, _ bool, m *dns.Msg) bool { return q.Qtype == dns.TypeA && both(q, m) }, []netip.Addr{four}, ""},
		{"truncated", func(q dns.Question, tcp bool, m *dns.Msg) bool {
			if m.Truncated = !tcp; tcp {
				return both(q, m)
			}
			return true
		}, []netip.Addr{four, six}, ""},
		{"aliases", func(q dns.Question, _ bool, m *dns.Msg) bool {
			return add(m, "b.example. 60 IN CNAME c.example.", q.Name+" 60 IN CNAME B.example.", "c.example. 60 IN A 192.0.2.1") && q.Qtype == dns.TypeA
		}, []netip.Addr{four}, ""},
		{"aliases in a ring", func(q dns.Question, _ bool, m *dns.Msg) bool {
			return add(m, q.Name+" 60 IN CNAME b.example.", "b.example. 60 IN CNAME "+q.Name)
		}, nil, fault.NetNoName},
		{"an address for another name", func(_ dns.Question, _ bool, m *dns.Msg) bool { return add(m, "other.example. 60 IN A 192.0.2.9") }, nil, fault.NetNoName},
		{"addresses no gateway has", func(q dns.Question, _ bool, m *dns.Msg) bool {
			return add(m, q.Name+" 60 IN A 0.0.0.0", q.Name+" 60 IN A 224.0.0.1", q.Name+" 60 IN AAAA fe80::1")
		}, nil, fault.NetNoName},
		{"another question", func(_ dns.Question, _ bool, m *dns.Msg) bool {
			m.Question[0].Name = "other.example."
			return add(m, "vpn.example.com. 60 IN A 192.0.2.1")
		}, nil, fault.NetSilent},
		{"the server fails", func(_ dns.Question, _ bool, m *dns.Msg) bool { m.Rcode = dns.RcodeServerFailure; return true }, nil, fault.NetSilent},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			port, _ := nameServer(t, tt.answer)
			got, err := unprivileged(port, local).Lookup(t.Context(), "vpn.example.com")
			slices.SortFunc(got, netip.Addr.Compare)
			slices.SortFunc(tt.want, netip.Addr.Compare)
			if !slices.Equal(got, tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
			if (tt.code == "") != (err == nil) || err != nil && fault.As(err).Code != tt.code {
				t.Errorf("error %v, want %q", err, tt.code)
			}
		})
	}
}

func TestLookupIsBounded(t *testing.T) {
	port, _ := nameServer(t, func(q dns.Question, tcp bool, m *dns.Msg) bool {
		if m.Truncated = !tcp; !tcp {
			return true
		}
		for i := range 1000 {
			if q.Qtype == dns.TypeA {
				add(m, fmt.Sprintf("%s 60 IN A 10.0.%d.%d", q.Name, i/250, i%250+1))
			}
		}
		return true
	})
	got, err := unprivileged(port, local).Lookup(t.Context(), "vpn.example.com")
	if err != nil || len(got) != maxAddresses {
		t.Errorf("%d addresses, %v; want %d", len(got), err, maxAddresses)
	}
}

func TestLookupAsksTheNextServer(t *testing.T) {
	port, asked := nameServer(t, func(q dns.Question, _ bool, m *dns.Msg) bool {
		return q.Qtype != dns.TypeA || add(m, q.Name+" 60 IN A 192.0.2.1")
	})
	refuses := netip.MustParseAddr("127.0.0.2") // nobody listens there
	got, err := unprivileged(port, refuses, local).Lookup(t.Context(), "vpn.example.com.")
	if err != nil || !slices.Equal(got, []netip.Addr{four}) || asked.Load() != 2 {
		t.Errorf("%v, %v after %d questions", got, err, asked.Load())
	}
}

func TestLookupEndsWithItsContext(t *testing.T) {
	port, _ := nameServer(t, func(dns.Question, bool, *dns.Msg) bool { return false })
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	start := time.Now()
	_, err := unprivileged(port, local).Lookup(ctx, "vpn.example.com")
	if fault.As(err).Code != fault.NetSilent || !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if d := time.Since(start); d > serverTime/2 {
		t.Errorf("it took %v to notice", d)
	}
}

func TestLookupAsksNobody(t *testing.T) {
	port, asked := nameServer(t, func(dns.Question, bool, *dns.Msg) bool { return true })
	d := unprivileged(port, local)
	d.hosts = filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(d.hosts, []byte("# c\n192.0.2.1\tvpn.example.com gw # x\nnonsense gw2\n192.0.2.2 gw\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		host string
		want string
		code fault.Code
	}{
		{"192.0.2.7", "[192.0.2.7]", ""},
		{"::ffff:192.0.2.7", "[192.0.2.7]", ""},
		{"2001:db8::7", "[2001:db8::7]", ""},
		{"VPN.example.COM.", "[192.0.2.1]", ""},
		{"gw", "[192.0.2.1 192.0.2.2]", ""},
		{"", "[]", fault.NetNoName},
		{"a..b", "[]", fault.NetNoName},
		{"a b", "[]", fault.NetNoName},
		{"a\x00b", "[]", fault.NetNoName},
		{strings.Repeat("a", 64) + ".example", "[]", fault.NetNoName},
		{strings.Repeat("a.", 127) + "a", "[]", fault.NetNoName},
	}
	for _, tt := range tests {
		got, err := d.Lookup(t.Context(), tt.host)
		if fmt.Sprint(got) != tt.want || (tt.code == "") != (err == nil) || err != nil && fault.As(err).Code != tt.code {
			t.Errorf("%q: %v, %v; want %s %q", tt.host, got, err, tt.want, tt.code)
		}
	}
	if asked.Load() != 0 {
		t.Errorf("%d questions were asked", asked.Load())
	}
}

func TestNoServer(t *testing.T) {
	_, err := unprivileged(53).Lookup(t.Context(), "vpn.example.com")
	if fault.As(err).Code != fault.NetSilent {
		t.Errorf("error %v", err)
	}
}

func TestArrange(t *testing.T) {
	tests := []struct{ name, addrs, unrouted, want string }{
		{"interleaved, IPv6 first", "192.0.2.1 192.0.2.2 2001:db8::1 2001:db8::2 2001:db8::3", "", "2001:db8::1 192.0.2.1 2001:db8::2 192.0.2.2 2001:db8::3"},
		{"no route for IPv6", "2001:db8::1 192.0.2.1 192.0.2.2", "2001:db8::1", "192.0.2.1 192.0.2.2 2001:db8::1"},
		{"no route for IPv4", "192.0.2.1 2001:db8::1", "192.0.2.1", "2001:db8::1 192.0.2.1"},
		{"no route at all", "192.0.2.1 2001:db8::1", "192.0.2.1 2001:db8::1", "2001:db8::1 192.0.2.1"},
		{"nothing", "", "", ""},
	}
	for _, tt := range tests {
		var in []netip.Addr
		for _, s := range strings.Fields(tt.addrs) {
			in = append(in, netip.MustParseAddr(s))
		}
		out := arrange(in, func(a netip.Addr) bool { return !slices.Contains(strings.Fields(tt.unrouted), a.String()) })
		var got []string
		for _, a := range out {
			got = append(got, a.String())
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, s, tt.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	m := new(dns.Msg).SetQuestion("vpn.example.com.", dns.TypeA)
	m.Response = true
	add(m, "vpn.example.com. 60 IN CNAME b.example.", "b.example. 60 IN A 192.0.2.1")
	seed, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, b []byte) {
		m := new(dns.Msg)
		if m.Unpack(b) != nil {
			return
		}
		addrs, err := read(m, "vpn.example.com.", dns.TypeA)
		if (err == nil) != (len(addrs) > 0) || len(addrs) > maxAddresses {
			t.Errorf("%d addresses, %v", len(addrs), err)
		}
		for _, a := range addrs {
			if !a.IsValid() || a.IsUnspecified() || a.IsMulticast() {
				t.Errorf("address %v", a)
			}
		}
	})
}

func FuzzScanHosts(f *testing.F) {
	f.Add("192.0.2.1 vpn # x\n::1 vpn\n", "vpn")
	f.Fuzz(func(t *testing.T, file, name string) {
		if got := scanHosts(strings.NewReader(file), name); len(got) > maxAddresses {
			t.Errorf("%d addresses", len(got))
		}
	})
}
