package forward

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/holdfast-vpn/holdfast/platform/uplink"
)

// far is a name server on loopback that writes down what it was asked, and from where.
type far struct {
	mu    sync.Mutex
	names []string
	from  []string
	ids   []uint16
	reply func(w dns.ResponseWriter, q *dns.Msg)
}

func (f *far) ServeDNS(w dns.ResponseWriter, q *dns.Msg) {
	f.mu.Lock()
	f.names, f.from, f.ids = append(f.names, q.Question[0].Name), append(f.from, w.RemoteAddr().String()), append(f.ids, q.Id)
	f.mu.Unlock()
	f.reply(w, q)
}

func (f *far) asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.names)
}

// says is a server that has one address for every name.
func says(address string) func(dns.ResponseWriter, *dns.Msg) {
	return func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.ParseIP(address)}}
		_ = w.WriteMsg(m)
	}
}

func fails(rcode int) func(dns.ResponseWriter, *dns.Msg) {
	return func(w dns.ResponseWriter, q *dns.Msg) { _ = w.WriteMsg(new(dns.Msg).SetRcode(q, rcode)) }
}

// world has servers at these addresses, all at one port, and the forwarder at another.
type world struct {
	t    *testing.T
	port uint16
	s    *Server
}

var in, out = netip.MustParseAddr("127.0.0.11"), netip.MustParseAddr("127.0.0.12")

func newWorld(t *testing.T, r Rules, servers map[netip.Addr]*far) *world {
	t.Helper()
	w := &world{t: t}
	for try := 0; ; try++ {
		err := w.serve(servers)
		if err == nil {
			break
		}
		if try == 20 {
			t.Fatal(err)
		}
	}
	s := w.forwarder(r)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	w.s = s
	return w
}

// forwarder is one of the world's. A port that is free for UDP may be taken for TCP: then it is another port's turn.
func (w *world) forwarder(r Rules) *Server {
	w.t.Helper()
	for try := 0; ; try++ {
		s, err := listen(netip.MustParseAddrPort("127.0.0.1:0"), w.port, uplink.NewUnmarked(nil), r)
		if err == nil {
			return s
		}
		if try == 20 {
			w.t.Fatal(err)
		}
	}
}

// serve starts the servers at a port that all their addresses have free.
func (w *world) serve(servers map[netip.Addr]*far) error {
	w.port = 0
	var bound []*dns.Server
	var failed error
	for addr, h := range servers {
		pc, err := net.ListenPacket("udp4", netip.AddrPortFrom(addr, w.port).String())
		if err != nil {
			failed = err
			break
		}
		w.port = netip.MustParseAddrPort(pc.LocalAddr().String()).Port()
		l, err := net.Listen("tcp4", pc.LocalAddr().String())
		if err != nil {
			failed = errors.Join(err, pc.Close())
			break
		}
		bound = append(bound, &dns.Server{PacketConn: pc, Handler: h}, &dns.Server{Listener: l, Handler: h})
	}
	for _, s := range bound {
		up, down := make(chan struct{}), make(chan error, 1)
		s.NotifyStartedFunc = func() { close(up) }
		go func() { down <- s.ActivateAndServe() }()
		<-up
		stop := func() { _ = s.Shutdown(); <-down }
		if failed != nil {
			stop()
		} else {
			w.t.Cleanup(stop)
		}
	}
	return failed
}

// ask asks the forwarder as a stub resolver does and returns the address, or the name of the error.
func (w *world) ask(network, name string) string {
	w.t.Helper()
	q := new(dns.Msg).SetQuestion(name, dns.TypeA)
	c := dns.Client{Net: network, Timeout: 5 * time.Second}
	m, _, err := c.ExchangeContext(context.Background(), q, w.s.udp.LocalAddr().String())
	switch {
	case err != nil:
		return err.Error()
	case m.Rcode != dns.RcodeSuccess:
		return dns.RcodeToString[m.Rcode]
	case len(m.Answer) != 1:
		return fmt.Sprint(m.Answer)
	}
	return m.Answer[0].(*dns.A).A.String()
}

func outside() []netip.Addr { return []netip.Addr{out} }

func TestSplit(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			theirs, ours := &far{reply: says("192.0.2.2")}, &far{reply: says("10.0.0.1")}
			w := newWorld(t, Rules{Inside: []netip.Addr{in}, Domains: []string{"corp.example", "other.example"}, Outside: outside}, map[netip.Addr]*far{in: ours, out: theirs})
			for name, want := range map[string]string{
				"corp.example.": "10.0.0.1", "web.corp.example.": "10.0.0.1", "WEB.Corp.eXample.": "10.0.0.1", "a.b.other.example.": "10.0.0.1",
				"example.": "192.0.2.2", "notcorp.example.": "192.0.2.2", "corp.example.net.": "192.0.2.2", ".": "192.0.2.2",
				`web\.corp.example.`: "192.0.2.2", // one label with a dot in it
			} {
				if got := w.ask(network, name); got != want {
					t.Errorf("%s: %s, want %s", name, got, want)
				}
			}
			if got := ours.asked(); len(got) != 4 {
				t.Errorf("inside was asked for %q", got)
			}
			if got := theirs.asked(); len(got) != 5 {
				t.Errorf("outside was asked for %q", got)
			}
		})
	}
}

// TestNothingLeaks: whatever inside servers do, nobody outside hears of an inside name, or of any when all is inside.
func TestNothingLeaks(t *testing.T) {
	dead := netip.MustParseAddr("127.0.0.13") // nobody listens there
	for _, c := range []struct {
		name   string
		inside []netip.Addr
		reply  func(dns.ResponseWriter, *dns.Msg)
		want   string
	}{
		{"no such name", []netip.Addr{in}, fails(dns.RcodeNameError), "NXDOMAIN"},
		{"it fails", []netip.Addr{in}, fails(dns.RcodeServerFailure), "SERVFAIL"},
		{"it refuses", []netip.Addr{in}, fails(dns.RcodeRefused), "REFUSED"},
		{"nobody is there", []netip.Addr{dead}, nil, "SERVFAIL"},
		{"there is no server", nil, nil, "SERVFAIL"},
		{"the first is dead", []netip.Addr{dead, in}, says("10.0.0.1"), "10.0.0.1"},
		{"the first fails", []netip.Addr{in, netip.MustParseAddr("127.0.0.14")}, fails(dns.RcodeServerFailure), "10.0.0.2"},
	} {
		for _, all := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, all %t", c.name, all), func(t *testing.T) {
				theirs := &far{reply: says("192.0.2.2")}
				w := newWorld(t, Rules{Inside: c.inside, Domains: []string{"corp.example"}, All: all, Outside: outside},
					map[netip.Addr]*far{in: {reply: c.reply}, out: theirs, netip.MustParseAddr("127.0.0.14"): {reply: says("10.0.0.2")}})
				if got := w.ask("udp", "web.corp.example."); got != c.want {
					t.Errorf("%s, want %s", got, c.want)
				}
				if got := theirs.asked(); len(got) != 0 {
					t.Errorf("outside was asked for %q", got)
				}
			})
		}
	}
}

// TestForgedAnswers: what is not the answer to the very question is passed over, and the next message may still be it.
func TestForgedAnswers(t *testing.T) {
	forge := func(w dns.ResponseWriter, q *dns.Msg) {
		for _, spoil := range []func(m *dns.Msg){
			func(m *dns.Msg) { m.Id++ },
			func(m *dns.Msg) { m.Question[0].Name = "evil.example." },
			func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeAAAA },
			func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS },
			func(m *dns.Msg) { m.Response = false },
			func(m *dns.Msg) { m.Question = nil },
		} {
			m := new(dns.Msg).SetReply(q.Copy())
			m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.IPv4(6, 6, 6, 6)}}
			spoil(m)
			_ = w.WriteMsg(m)
		}
		_, _ = w.Write([]byte{1, 2, 3})
		says("10.0.0.1")(w, q)
	}
	w := newWorld(t, Rules{Inside: []netip.Addr{in}, All: true}, map[netip.Addr]*far{in: {reply: forge}})
	if got := w.ask("udp", "web.corp.example."); got != "10.0.0.1" {
		t.Errorf("web.corp.example is %s", got)
	}
}

// TestFreshSockets: every question has a port and an id of its own, whatever the asker chose.
func TestFreshSockets(t *testing.T) {
	ours := &far{reply: says("10.0.0.1")}
	w := newWorld(t, Rules{Inside: []netip.Addr{in}, All: true}, map[netip.Addr]*far{in: ours})
	q := new(dns.Msg).SetQuestion("web.corp.example.", dns.TypeA)
	const times = 32
	for range times {
		q.Id = 7
		m, err := dns.Exchange(q, w.s.udp.LocalAddr().String())
		if err != nil || m.Id != 7 {
			t.Fatalf("%v, %v", m, err)
		}
	}
	ours.mu.Lock()
	defer ours.mu.Unlock()
	slices.Sort(ours.ids)
	slices.Sort(ours.from)
	if ids, ports := len(slices.Compact(ours.ids)), len(slices.Compact(ours.from)); ids < times-1 || ports < times/2 {
		t.Errorf("%d questions had %d ids and %d ports", times, ids, ports)
	}
}

func TestLargeAnswers(t *testing.T) {
	large := func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		if _, udp := w.RemoteAddr().(*net.UDPAddr); udp {
			m.Truncated = true
		} else {
			m.Answer = []dns.RR{&dns.TXT{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET}, Txt: slices.Repeat([]string{strings.Repeat("x", 250)}, 200)}}
		}
		_ = w.WriteMsg(m)
	}
	w := newWorld(t, Rules{Outside: outside}, map[netip.Addr]*far{out: {reply: large}})
	q := new(dns.Msg).SetQuestion("example.", dns.TypeTXT)
	at := w.s.udp.LocalAddr().String()
	if m, err := dns.Exchange(q, at); err != nil || !m.Truncated {
		t.Errorf("by UDP: %v, %v", m, err)
	}
	c := dns.Client{Net: "tcp"}
	if m, _, err := c.Exchange(q, at); err != nil || m.Len() < 50000 {
		t.Errorf("by TCP: %v", err)
	}
}

func TestGarbageIn(t *testing.T) {
	theirs := &far{reply: says("192.0.2.2")}
	w := newWorld(t, Rules{Outside: outside}, map[netip.Addr]*far{out: theirs})
	c, err := net.Dial("udp4", w.s.udp.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	valid, _ := new(dns.Msg).SetQuestion("example.", dns.TypeA).Pack()
	reply := slices.Clone(valid)
	reply[2] |= 0x80
	update := slices.Clone(valid)
	update[2] |= dns.OpcodeUpdate << 3
	two := slices.Clone(valid)
	two[5] = 2
	for _, b := range [][]byte{{}, {1}, valid[:11], reply, update, two, valid[:14], append(slices.Clone(valid[:12]), 0xc0, 0x0c, 0, 1, 0, 1)} {
		if _, err := c.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.ask("udp", "example."); got != "192.0.2.2" {
		t.Errorf("after garbage: %s", got)
	}
	if got := theirs.asked(); len(got) != 1 {
		t.Errorf("garbage was passed on: %q", got)
	}
	b := make([]byte, 512)
	for range 4 { // the update, the two questions, the torn name, the loop of pointers
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		n, err := c.Read(b)
		if err != nil || n < headerSize || b[3]&0xf != dns.RcodeRefused {
			t.Errorf("%x, %v", b[:n], err)
		}
	}
}

func TestRulesChange(t *testing.T) {
	w := newWorld(t, Rules{Outside: outside}, map[netip.Addr]*far{in: {reply: says("10.0.0.1")}, out: {reply: says("192.0.2.2")}})
	if got := w.ask("udp", "web.corp.example."); got != "192.0.2.2" {
		t.Error(got)
	}
	w.s.SetRules(Rules{Inside: []netip.Addr{in}, Domains: []string{"corp.example"}, Outside: outside})
	if got := w.ask("udp", "web.corp.example."); got != "10.0.0.1" {
		t.Error(got)
	}
}

// TestCloseEnds: questions under way do not hold it up.
func TestCloseEnds(t *testing.T) {
	release := make(chan struct{})
	silent := func(dns.ResponseWriter, *dns.Msg) { <-release }
	w := newWorld(t, Rules{Outside: outside}, map[netip.Addr]*far{out: {reply: silent}})
	t.Cleanup(func() { close(release) })
	s := w.forwarder(Rules{Outside: outside})
	c, err := net.Dial("udp4", s.udp.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	q, _ := new(dns.Msg).SetQuestion("example.", dns.TypeA).Pack()
	for range 50 {
		_, _ = c.Write(q)
	}
	start := time.Now()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if d := time.Since(start); d > serverTime/2 {
		t.Errorf("it took %v", d)
	}
}

func FuzzQuery(f *testing.F) {
	for _, name := range []string{"example.", "web.corp.example.", `a\.b.`, "."} {
		b, _ := new(dns.Msg).SetQuestion(name, dns.TypeA).Pack()
		f.Add(b, b)
	}
	f.Fuzz(func(t *testing.T, query, answer []byte) {
		q, err := question(query)
		if len(query) >= headerSize {
			fail := failure(query, dns.RcodeRefused)
			if m := new(dns.Msg); m.Unpack(fail) != nil || !m.Response || m.Rcode != dns.RcodeRefused || len(m.Answer) != 0 {
				t.Errorf("the failure of %x is %x", query, fail)
			}
		}
		if err != nil {
			return
		}
		if (Rules{Domains: []string{"corp.example"}}).inside(q.Name) && !strings.HasSuffix(strings.ToLower(q.Name), "corp.example.") {
			t.Errorf("%q is inside", q.Name)
		}
		if answers(answer, 7, q) && (answer[2]&0x80 == 0 || answer[0] != 0 || answer[1] != 7) {
			t.Errorf("%x counts as an answer", answer)
		}
	})
}
