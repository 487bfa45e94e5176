package gateway

import (
	"encoding/binary"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol/authxml"
)

// FuzzEcho: no packet makes an Echo panic, and every answer is a whole packet with right checksums that goes back to where the question came from.
func FuzzEcho(f *testing.F) {
	f.Add(build(inside4, gwAddr, protoICMP, []byte{8, 0, 0, 0, 1, 2, 3, 4, 5}))
	f.Add(build(inside6, inside6, protoICMPv6, []byte{128, 0, 0, 0, 1, 2, 3, 4, 5}))
	f.Add(build(inside4, gwAddr, protoUDP, append([]byte{9, 9, 0, 80, 0, 26, 0, 0}, "GET / HTTP/1.1\r\n\r\n"...)))
	f.Add(build(inside6, inside6, protoUDP, []byte{9, 9, 0, 7, 0, 8, 0, 0}))
	f.Add([]byte{0x4f, 0, 0, 20})
	e := NewEcho()
	f.Fuzz(func(t *testing.T, p []byte) {
		a := e.answer(p)
		if a == nil {
			return
		}
		from, to, ok := endpoints(p)
		backFrom, backTo, backOK := endpoints(a)
		if !ok || !backOK || from != backTo || to != backFrom {
			t.Fatalf("%x answers %x", a, p)
		}
		var sum uint32
		body, proto := a[20:], a[9]
		if from.Is6() {
			body, proto = a[40:], a[6]
		}
		if proto != protoICMP {
			sum = checksum(checksum(0, from.AsSlice()), to.AsSlice()) + uint32(proto) + uint32(len(body))
		}
		if fold(checksum(sum, body)) != 0 {
			t.Errorf("the checksum of %x is wrong", a)
		}
		if from.Is4() && (fold(checksum(0, a[:20])) != 0 || int(binary.BigEndian.Uint16(a[2:])) != len(a)) {
			t.Errorf("the header of %x is wrong", a)
		}
	})
}

// FuzzOlderRequests: whatever comes as a web form, the answer is a document that a client can read, a redirect, or a refusal.
func FuzzOlderRequests(f *testing.F) {
	id, err := SelfSigned("vpn.example.com")
	if err != nil {
		f.Fatal(err)
	}
	g, err := New(Config{Certificate: id.Certificate, Older: true, Inside: NewEcho(), Pools: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")},
		Users: []User{{Name: "alice", Password: redact.NewString("wonderland"), Change: ChangePIN}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = g.Close() })
	f.Add("POST", olderPath, "1", "username=alice&password=wonderland&whichpin=1&verify_pin=1")
	f.Add("GET", olderPath, "", "")
	f.Add("POST", olderPath, "", "a=%zz&%41=b&=&&<>=c")
	f.Fuzz(func(t *testing.T, method, path, cookie, body string) {
		q := &http.Request{Method: method, URL: &url.URL{Path: path}, Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Cookie": {olderCookie + "=" + cookie}}}
		if first := g.olderLogin(&http.Request{Method: "GET", URL: &url.URL{Path: olderPath}}, nil); cookie == "1" {
			handle, _, _ := strings.Cut(strings.TrimPrefix(first.cookies[1], olderCookie+"="), ";")
			q.Header.Set("Cookie", olderCookie+"="+handle)
		}
		r := g.olderLogin(q, []byte(body))
		if r.status == http.StatusOK {
			if doc, err := authxml.ParseResponse(r.body); err != nil || !doc.Bare {
				t.Fatalf("%s, %v", r.body, err)
			}
		} else if (r.status == http.StatusFound) != (r.location != "") || len(r.body) > 0 {
			t.Fatalf("%+v", r)
		}
	})
}
