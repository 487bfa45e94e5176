package inside

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/holdfast-vpn/holdfast/protocol/netstack"
	"github.com/holdfast-vpn/holdfast/protocol/packet"
)

var (
	server4 = netip.MustParsePrefix("10.99.0.2/16")
	server6 = netip.MustParsePrefix("fd00:99::2/64")
)

// visit joins a client's stack to a network and returns the client.
func visit(t *testing.T) *netstack.Stack {
	t.Helper()
	n, err := New(Config{Addresses: []netip.Prefix{server4, server6}, Zone: map[string][]netip.Addr{
		"Intranet.corp.example": {server4.Addr(), server6.Addr()}, "v6only.corp.example.": {server6.Addr()},
	}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := netstack.New(1400)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetAddresses([]netip.Prefix{netip.MustParsePrefix("10.11.0.2/24"), netip.MustParsePrefix("fd00:11::2/64")}); err != nil {
		t.Fatal(err)
	}
	var pumps sync.WaitGroup
	pumps.Go(func() {
		for b := packet.New(packet.MaxBatch, 2048); ; b.Reset() {
			k, err := c.Read(b.Bufs, b.Sizes, packet.Headroom)
			if b.SetLen(k); err != nil || n.Write(b) != nil {
				return
			}
		}
	})
	pumps.Go(func() {
		for b := packet.New(packet.MaxBatch, 2048); n.Read(b) == nil; b.Reset() {
			bufs := make([][]byte, b.Len())
			for i := range bufs {
				bufs[i] = b.WithHeader(i, packet.Headroom)
			}
			if _, err := c.Write(bufs, packet.Headroom); err != nil {
				return
			}
		}
	})
	t.Cleanup(func() {
		_ = c.Close()
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		pumps.Wait()
	})
	return c
}

func TestServers(t *testing.T) {
	c := visit(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for _, at := range []netip.Addr{server4.Addr(), server6.Addr()} {
		web := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return c.DialTCP(ctx, netip.AddrPortFrom(at, 80))
		}}}
		t.Run(fmt.Sprintf("http at %s", at), func(t *testing.T) {
			if body := get(t, ctx, web, "/bytes/1000000"); len(body) != 1000000 || !bytes.HasPrefix(body, []byte(sentence)) {
				t.Errorf("%d bytes", len(body))
			}
			if body := get(t, ctx, web, "/"); !bytes.HasPrefix(body, []byte("You are ")) {
				t.Errorf("%q", body)
			}
		})
		web.CloseIdleConnections()
		t.Run(fmt.Sprintf("ports at %s", at), func(t *testing.T) { ports(t, ctx, c, at) })
		t.Run(fmt.Sprintf("dns at %s", at), func(t *testing.T) { names(t, ctx, c, at) })
	}
}

func get(t *testing.T, ctx context.Context, web *http.Client, path string) []byte {
	t.Helper()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://intranet.corp.example"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := web.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%d, %v", resp.StatusCode, err)
	}
	return body
}

func ports(t *testing.T, ctx context.Context, c *netstack.Stack, at netip.Addr) {
	echo, err := c.DialTCP(ctx, netip.AddrPortFrom(at, 7))
	if err != nil {
		t.Fatal(err)
	}
	udp, err := c.DialUDP(netip.AddrPortFrom(at, 7))
	if err != nil {
		t.Fatal(err)
	}
	for _, conn := range []net.Conn{echo, udp} {
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		b := make([]byte, 5)
		if _, err := conn.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, b); err != nil || string(b) != "hello" {
			t.Errorf("echo: %q, %v", b, err)
		}
		_ = conn.Close()
	}
	source, err := c.DialTCP(ctx, netip.AddrPortFrom(at, 19))
	if err != nil {
		t.Fatal(err)
	}
	if k, err := io.CopyN(io.Discard, source, 1<<20); err != nil {
		t.Errorf("source: %d, %v", k, err)
	}
	_ = source.Close()
	sink, err := c.DialTCP(ctx, netip.AddrPortFrom(at, 9))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sink.Write(make([]byte, 1<<20)); err != nil {
		t.Errorf("sink: %v", err)
	}
	_ = sink.Close()
}

func names(t *testing.T, ctx context.Context, c *netstack.Stack, at netip.Addr) {
	udp, err := c.DialUDP(netip.AddrPortFrom(at, 53))
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := c.DialTCP(ctx, netip.AddrPortFrom(at, 53))
	if err != nil {
		t.Fatal(err)
	}
	for _, conn := range []net.Conn{udp, tcp} {
		for _, tt := range []struct {
			name  string
			kind  uint16
			rcode int
			want  string
		}{
			{"intranet.corp.example.", dns.TypeA, dns.RcodeSuccess, "10.99.0.2"},
			{"INTRANET.corp.example.", dns.TypeAAAA, dns.RcodeSuccess, "fd00:99::2"},
			{"v6only.corp.example.", dns.TypeA, dns.RcodeSuccess, ""},
			{"nobody.corp.example.", dns.TypeA, dns.RcodeNameError, ""},
		} {
			q := new(dns.Msg).SetQuestion(tt.name, tt.kind)
			r, _, err := (&dns.Client{Timeout: 10 * time.Second, Net: conn.RemoteAddr().Network()}).ExchangeWithConn(q, &dns.Conn{Conn: conn})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, rr := range r.Answer {
				switch rr := rr.(type) {
				case *dns.A:
					got += rr.A.String()
				case *dns.AAAA:
					got += rr.AAAA.String()
				}
			}
			if r.Rcode != tt.rcode || got != tt.want {
				t.Errorf("%s %s: rcode %d, %q", tt.name, dns.TypeToString[tt.kind], r.Rcode, got)
			}
		}
		_ = conn.Close()
	}
}

func TestCloseEndsOpenConnections(t *testing.T) {
	c := visit(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for _, port := range []uint16{7, 9, 19, 80, 53} { // left open: the network's Close must not wait for them
		if _, err := c.DialTCP(ctx, netip.AddrPortFrom(server4.Addr(), port)); err != nil {
			t.Fatal(err)
		}
	}
}
