package portal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/checkup"
	"github.com/holdfast-vpn/holdfast/dart/fault"
)

var gateway = netip.MustParseAddr("198.51.100.1")

// served has a server answer the question on a pipe and returns what Look made of it, and what the server was told.
func served(ctx context.Context, answer func(c net.Conn)) (checkup.Web, string) {
	ours, theirs := net.Pipe()
	asked, done := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(done)
		defer theirs.Close()
		b := make([]byte, 4096)
		n, _ := theirs.Read(b)
		asked <- string(b[:n])
		answer(theirs)
	}()
	p := Probe{Host: "vpn.example.com", Agent: "tester", Dial: func(_ context.Context, to netip.AddrPort) (net.Conn, error) {
		if to != netip.AddrPortFrom(gateway, 80) {
			return nil, fmt.Errorf("dialled %v", to)
		}
		return ours, nil
	}}
	w := p.Look(ctx, gateway)
	<-done
	return w, <-asked
}

func TestLook(t *testing.T) {
	for name, tt := range map[string]struct {
		answer string
		want   checkup.Web
	}{
		"redirect away":       {"HTTP/1.1 302 Found\r\nLocation: http://login.hotel/?u=1\r\n\r\n", checkup.Web{Answered: true, Status: 302, Elsewhere: "login.hotel"}},
		"redirect to TLS":     {"HTTP/1.1 301 Moved\r\nLocation: https://vpn.example.com/\r\n\r\n", checkup.Web{Answered: true, Status: 301}},
		"page":                {"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nhello", checkup.Web{Answered: true, Status: 200, Page: true}},
		"page without a type": {"HTTP/1.1 200 OK\r\n\r\n<!DOCTYPE html><p>", checkup.Web{Answered: true, Status: 200, Page: true}},
		"sign-in status":      {"HTTP/1.1 511 Network Authentication Required\r\n\r\n", checkup.Web{Answered: true, Status: 511}},
		"page that sends on": {"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><head><title>a</title><META HTTP-EQUIV='Refresh' CONTENT=\"0; URL='http://login.hotel/x?a=b'\"></head>",
			checkup.Web{Answered: true, Status: 200, Page: true, Elsewhere: "login.hotel"}},
		"header that sends on": {"HTTP/1.1 200 OK\r\nRefresh: 1;url=http://login.hotel/\r\n\r\n", checkup.Web{Answered: true, Status: 200, Elsewhere: "login.hotel"}},
		"page that reloads":    {"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<meta http-equiv=refresh content=5><meta name=a>", checkup.Web{Answered: true, Status: 200, Page: true}},
		"WISPr":                {"HTTP/1.1 200 OK\r\n\r\n<HTML><!-- <WISPAccessGatewayParam xmlns:xsi=\"x\"> -->", checkup.Web{Answered: true, Status: 200, Page: true, SignIn: true}},
		"not HTTP":             {"SSH-2.0-x\r\n", checkup.Web{}},
		"nothing":              {"", checkup.Web{}},
		"endless header":       {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("a", maxPage) + "\r\n\r\n", checkup.Web{}},
	} {
		t.Run(name, func(t *testing.T) {
			w, asked := served(t.Context(), func(c net.Conn) { _, _ = io.WriteString(c, tt.answer) })
			w.Took = 0
			if w != tt.want {
				t.Errorf("%+v, want %+v", w, tt.want)
			}
			if want := "GET / HTTP/1.1\r\nHost: vpn.example.com\r\nUser-Agent: tester\r\nAccept: */*\r\nConnection: close\r\n\r\n"; asked != want {
				t.Errorf("asked %q", asked)
			}
		})
	}
}

// TestLookEnds: who says nothing, or never stops, costs the time that was given.
func TestLookEnds(t *testing.T) {
	for name, answer := range map[string]func(net.Conn){
		"silent":       func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) },
		"endless page": func(c net.Conn) { endless(c, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n") },
		"one byte": func(c net.Conn) {
			for _, b := range []byte("HTTP/1.1 200 OK\r\n\r\n") {
				time.Sleep(time.Second)
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				began := time.Now()
				w, _ := served(ctx, answer)
				if d := time.Since(began); d > 3*time.Second || w.Answered != (name == "endless page") {
					t.Errorf("%+v after %v", w, d)
				}
			})
		})
	}
}

func endless(c net.Conn, head string) {
	_, _ = io.WriteString(c, head)
	for {
		if _, err := c.Write(bytes.Repeat([]byte{'a'}, 1024)); err != nil {
			return
		}
	}
}

// TestUnreachable: nobody there is no portal.
func TestUnreachable(t *testing.T) {
	p := Probe{Host: "2001:db8::1", Dial: func(context.Context, netip.AddrPort) (net.Conn, error) { return nil, errors.New("refused") }}
	if w := p.Look(t.Context(), gateway); w != (checkup.Web{}) {
		t.Errorf("%+v", w)
	}
	if r := p.request(); !strings.Contains(r, "\r\nHost: [2001:db8::1]\r\n") {
		t.Errorf("%q", r)
	}
}

func TestElsewhere(t *testing.T) {
	for location, want := range map[string]string{
		"": "", "/login": "", "https://vpn.example.com/": "", "https://www.example.com/x": "", "http://198.51.100.1/": "", "http://login.hotel/?back=vpn.example.com": "login.hotel",
		"http://10.0.0.1/": "10.0.0.1", "http://[": "", "//evil.test/x": "evil.test",
	} {
		if got := elsewhere("vpn.example.com", gateway, location); got != want {
			t.Errorf("%q leads to %q, want %q", location, got, want)
		}
	}
}

func TestHijacked(t *testing.T) {
	for _, tt := range []struct{ gateway, now, want string }{
		{"198.51.100.1", "10.0.0.1", "[10.0.0.1]"},
		{"198.51.100.1", "100.64.0.1 fd00::1 10.0.0.2", "[100.64.0.1 fd00::1]"},
		{"198.51.100.1", "10.0.0.1 198.51.100.1", "[]"}, // two views of one gateway
		{"198.51.100.1", "203.0.113.9", "[]"},           // it moved
		{"10.1.0.1", "10.0.0.1", "[]"},                  // a gateway of a private network
		{"198.51.100.1", "", "[]"},
	} {
		var now []netip.Addr
		for _, s := range strings.Fields(tt.now) {
			now = append(now, netip.MustParseAddr(s))
		}
		if got := fmt.Sprint(Hijacked(netip.MustParseAddr(tt.gateway), now)); got != tt.want {
			t.Errorf("%s, now %s: %s, want %s", tt.gateway, tt.now, got, tt.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("HTTP/1.1 302 Found\r\nLocation: http://login.hotel/\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 302 Found\r\nLocation: http://a\x1b[2J/\r\nContent-Type: text/html\r\n\r\n<html>"))
	f.Add([]byte("HTTP/1.1 200 OK\r\n\r\n<meta http-equiv=\"refresh\" content=\"0; url=http://login.hotel/\">"))
	f.Fuzz(func(t *testing.T, b []byte) {
		w := read(bytes.NewReader(b), "vpn.example.com", gateway)
		if w.Elsewhere != fault.Clean(w.Elsewhere) || w.Elsewhere == "vpn.example.com" || !w.Answered && w != (checkup.Web{}) {
			t.Errorf("%+v", w)
		}
	})
}
