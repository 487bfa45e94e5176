package cstp

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/dart/redact"
	"github.com/holdfast-vpn/holdfast/protocol"
	"github.com/holdfast-vpn/holdfast/protocol/dtlstun/resume"
	"github.com/holdfast-vpn/holdfast/protocol/strap"
)

var update = flag.Bool("update", false, "write the goldens anew")

// capture reads a head that was seen on the wire, with the line ends of the wire.
func capture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n"))
}

func parse(t testing.TB, wire []byte) *Response {
	t.Helper()
	r, err := ReadResponse(bufio.NewReader(bytes.NewReader(wire)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What ocserv answered openconnect, as settings.
func TestCapturedResponses(t *testing.T) {
	for _, name := range []string{"banner-profile-split", "session-limits", "legacy-dtls", "tls-only"} {
		t.Run(name, func(t *testing.T) {
			s, err := parse(t, capture(t, name+".response.txt")).Settings()
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(s, "", "\t")
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name+".settings.json")
			if *update {
				if err := os.WriteFile(golden, append(got, '\n'), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if string(got)+"\n" != string(want) {
				t.Errorf("differs from %s:\n%s", golden, got)
			}
		})
	}
}

// Compression is never offered: a gateway that chooses it anyway cannot be understood.
func TestUnofferedCompressionIsRefused(t *testing.T) {
	_, err := parse(t, capture(t, "compress.response.txt")).Settings()
	wantCode(t, err, fault.GwSettings)
}

func parseRequest(t *testing.T, wire []byte) *Request {
	t.Helper()
	q, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wire)))
	if err != nil {
		t.Fatal(err)
	}
	r, err := ParseRequest(q)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCapturedRequest(t *testing.T) {
	r := parseRequest(t, capture(t, "tls-only.request.txt"))
	if string(r.Token.Reveal()) != "AMAAxKdE4gNpLAbwjB8U+armJkAhZ3DC0ns90/W3M4g=" {
		t.Error("the token is another one")
	}
	r.Token = redact.Secret{}
	if r.Resume.Master.Len() != masterLen {
		t.Errorf("a master secret of %d bytes", r.Resume.Master.Len())
	}
	r.Resume.Master = redact.Secret{}
	if len(r.Proof.Pubkey) != 124 || len(r.Proof.Verify) != 96 { // a key of P-256, a signature
		t.Errorf("the proof is %+v", r.Proof)
	}
	r.Proof = strap.Proof{}
	want := &Request{Host: "vpn4.lab.example", UserAgent: "Open AnyConnect VPN Agent v9.01-3", Hostname: "vm", BaseMTU: 1500, MTU: 1390, IPv6: true, DTLS: true,
		Resume: ResumeOffer{DTLS12: resume.DTLS12, DTLS: resume.DTLS}}
	if !reflect.DeepEqual(r, want) {
		t.Errorf("%+v", r)
	}
}

func TestRequestRoundTrip(t *testing.T) {
	want := &Request{Host: "gw.example:8443", UserAgent: "AnyConnect test", Token: redact.NewString("a@1@b+/="), Hostname: "laptop", BaseMTU: 1400, MTU: 1306,
		IPv6: true, DTLS: true, Prior: []netip.Addr{netip.MustParseAddr("10.1.0.2"), netip.MustParseAddr("2001:db8::2")}, Proof: strap.Proof{Pubkey: "MFk+/=", Verify: "MEY="}}
	for _, psk := range []bool{false, true} {
		for _, o := range []ResumeOffer{{}, NewResumeOffer()} {
			want.DTLS, want.Resume = psk, o
			if got := parseRequest(t, want.Append(nil)); !reflect.DeepEqual(got, want) {
				t.Errorf("%+v", got)
			}
		}
	}
}

// No value can start a header of its own.
func TestRequestInjection(t *testing.T) {
	r := &Request{Host: "gw\r\nX-Evil: 1", UserAgent: "a\nX-Evil: 1", Hostname: "pc\r\n\r\nGET / HTTP/1.1"}
	wire := string(r.Append(nil))
	if strings.Contains(wire, "\nX-Evil") || strings.Count(wire, "\r\n\r\n") != 1 {
		t.Errorf("%q", wire)
	}
}

func TestNoTunnelRequest(t *testing.T) {
	for _, line := range []string{"GET /CSCOSSLC/tunnel HTTP/1.1", "CONNECT /other HTTP/1.1", "CONNECT host:443 HTTP/1.1"} {
		q, err := http.ReadRequest(bufio.NewReader(strings.NewReader(line + "\r\nHost: a\r\n\r\n")))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseRequest(q); err == nil {
			t.Errorf("%s: accepted", line)
		}
	}
}

func TestResponseRoundTrip(t *testing.T) {
	want := &protocol.Settings{
		Addresses:    []netip.Prefix{netip.MustParsePrefix("10.1.0.2/20"), netip.MustParsePrefix("2001:db8::2/64")},
		MTU:          1399,
		DNS:          []netip.Addr{netip.MustParseAddr("10.1.0.1"), netip.MustParseAddr("2001:db8::1")},
		NBNS:         []netip.Addr{netip.MustParseAddr("10.1.0.3")},
		Search:       []string{"corp.example", "lab.example"},
		SplitDNS:     []string{"a.example", "b.example"},
		TunnelAllDNS: true,
		SplitInclude: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")},
		SplitExclude: []netip.Prefix{netip.MustParsePrefix("10.9.0.0/16")},
		LocalLAN:     true, BypassProtocol: true, DynDNS: true,
		Banner: "Welcome.", Server: "Holdfast gateway",
		DynamicInclude: []string{"in.example"}, DynamicExclude: []string{"meet.example", "video.example"},
		DPD: 30 * time.Second, Keepalive: 20 * time.Second, IdleTimeout: time.Hour, DisconnectedTimeout: 30 * time.Minute,
		SessionTimeout: 8 * time.Hour, TimeoutAlert: time.Minute, RekeyTime: 12 * time.Hour, RekeyMethod: "new-tunnel",
	}
	wire := AppendResponse(nil, want, 1500, protocol.Header{Name: "X-CSTP-New-Thing", Value: "kept"}, protocol.Header{Name: "X-CSTP-Post-Auth-XML", Value: "hidden"})
	got, err := parse(t, wire).Settings()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(got.Raw, protocol.Header{Name: "X-CSTP-New-Thing", Value: "kept"}) {
		t.Error("an unknown header is not in Raw")
	}
	if slices.ContainsFunc(got.Raw, func(h protocol.Header) bool { return h.Value == "hidden" }) {
		t.Error("a secret header is in Raw")
	}
	got.Raw = nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestRefusal(t *testing.T) {
	r := parse(t, AppendRefusal(nil, 503, "no address\r\nX-Evil: 1"))
	if r.Status != 503 || r.Reason() != "no addressX-Evil: 1" || r.Get("x-evil") != "" {
		t.Errorf("%+v", r)
	}
}

// ok is the least that is accepted; headers are added before it.
const ok = "X-CSTP-Address: 10.1.0.2\r\nX-CSTP-Netmask: 255.255.255.0\r\nX-CSTP-MTU: 1400\r\n"

func settings(t *testing.T, headers ...string) (*protocol.Settings, error) {
	t.Helper()
	return parse(t, []byte("HTTP/1.1 200 OK\r\n"+strings.Join(headers, "\r\n")+"\r\n\r\n")).Settings()
}

func TestSettingsRefused(t *testing.T) {
	routes := strings.TrimSuffix(strings.Repeat("X-CSTP-Split-Include: 10.0.0.0/8\r\n", maxRoutes+1), "\r\n")
	for name, headers := range map[string]string{
		"no address":            "X-CSTP-MTU: 1400",
		"no MTU":                "X-CSTP-Address: 10.1.0.2",
		"MTU too small":         "X-CSTP-Address: 10.1.0.2\r\nX-CSTP-MTU: 575",
		"MTU negative":          "X-CSTP-Address: 10.1.0.2\r\nX-CSTP-MTU: -1",
		"address is no address": ok + "X-CSTP-Address: here",
		"address unspecified":   ok + "X-CSTP-Address: 0.0.0.0",
		"address loopback":      ok + "X-CSTP-Address: 127.0.0.1",
		"address multicast":     ok + "X-CSTP-Address-IP6: ff02::1/128",
		"address with a zone":   ok + "X-CSTP-Address-IP6: fe80::1%eth0/64",
		"mapped address":        ok + "X-CSTP-Address-IP6: ::ffff:10.0.0.1/128",
		"mask with holes":       "X-CSTP-Address: 10.1.0.2\r\nX-CSTP-Netmask: 255.0.255.0\r\nX-CSTP-MTU: 1400",
		"route without mask":    ok + "X-CSTP-Split-Include: 10.0.0.0",
		"route with holes":      ok + "X-CSTP-Split-Exclude: 10.0.0.0/255.0.255.0",
		"route too long":        ok + "X-CSTP-Split-Include: 10.0.0.0/33",
		"route with a sign":     ok + "X-CSTP-Split-Include-IP6: 2001:db8::/+3",
		"too many routes":       ok + routes,
	} {
		_, err := settings(t, headers)
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else {
			wantCode(t, err, fault.GwSettings)
		}
	}
}

// postAuth is one line with the shape of an ASA's.
const postAuth = `<?xml version="1.0" encoding="UTF-8"?><config-auth client="vpn" type="complete" aggregate-auth-version="2"><session-token>canary@2@3@4</session-token>` +
	`<auth id="success"></auth><config client="vpn" type="private"><opaque is-for="vpn-client"><custom-attr><dynamic-split-include-domains>in.example</dynamic-split-include-domains>` +
	`<dynamic-split-exclude-domains><![CDATA[Meet.example, video.example,-bad.example,meet.example,]]></dynamic-split-exclude-domains></custom-attr></opaque></config></config-auth>`

func TestSettingsTaken(t *testing.T) {
	addr := func(s ...string) (out []netip.Addr) {
		for _, a := range s {
			out = append(out, netip.MustParseAddr(a))
		}
		return out
	}
	route := func(s ...string) (out []netip.Prefix) {
		for _, a := range s {
			out = append(out, netip.MustParsePrefix(a))
		}
		return out
	}
	long := strings.Repeat("a", 64)
	for _, c := range []struct {
		name    string
		headers string
		get     func(*protocol.Settings) any
		want    any
	}{
		{"names of headers in any case", "x-cstp-dns: 10.0.0.1", func(s *protocol.Settings) any { return s.DNS }, addr("10.0.0.1")},
		{"three servers per family, no nonsense, none twice",
			"X-CSTP-DNS: 10.0.0.1\r\nX-CSTP-DNS: 10.0.0.1\r\nX-CSTP-DNS: x\r\nX-CSTP-DNS: 127.0.0.1\r\nX-CSTP-DNS: 10.0.0.2\r\nX-CSTP-DNS: 10.0.0.3\r\n" +
				"X-CSTP-DNS: 10.0.0.4\r\nX-CSTP-DNS-IP6: 2001:db8::1",
			func(s *protocol.Settings) any { return s.DNS }, addr("10.0.0.1", "10.0.0.2", "10.0.0.3", "2001:db8::1")},
		{"domains by spaces and commas, of the right form only",
			"X-CSTP-Default-Domain: Corp.Example. b.example,-bad.example " + long + ".example a..b ex\xc3\xa4mple $(id) _tcp.c.example",
			func(s *protocol.Settings) any { return s.Search }, []string{"corp.example", "b.example", "_tcp.c.example"}},
		{"split DNS repeated", "X-CSTP-Split-DNS: a.example,b.example\r\nX-CSTP-Split-DNS: .c.example",
			func(s *protocol.Settings) any { return s.SplitDNS }, []string{"a.example", "b.example", "c.example"}},
		{"routes are masked", "X-CSTP-Split-Include: 10.1.2.3/255.255.0.0\r\nX-CSTP-Split-Include: 10.2.3.4/24\r\nX-CSTP-Split-Include-IP6: 2001:db8::1/32",
			func(s *protocol.Settings) any { return s.SplitInclude }, route("10.1.0.0/16", "10.2.3.0/24", "2001:db8::/32")},
		{"no route of this machine", "X-CSTP-Split-Include: 127.0.0.0/255.0.0.0\r\nX-CSTP-Split-Include: 10.0.0.0/8",
			func(s *protocol.Settings) any { return s.SplitInclude }, route("10.0.0.0/8")},
		{"an include is no tunnel-all, even one of no use", "X-CSTP-Split-Include: 127.0.0.0/255.0.0.0",
			func(s *protocol.Settings) any { return s.TunnelAll }, false},
		{"no include is tunnel-all", "X-CSTP-Split-Exclude: 10.0.0.0/8", func(s *protocol.Settings) any { return s.TunnelAll }, true},
		{"local LAN", "X-CSTP-Split-Exclude: 0.0.0.0/255.255.255.255", func(s *protocol.Settings) any { return s.LocalLAN && s.SplitExclude == nil }, true},
		{"the default route is no local LAN", "X-CSTP-Split-Exclude: 0.0.0.0/0.0.0.0", func(s *protocol.Settings) any { return s.LocalLAN }, false},
		{"MTU is capped", "X-CSTP-MTU: 9000", func(s *protocol.Settings) any { return s.MTU }, 1500},
		{"off by word", "X-CSTP-DPD: none", func(s *protocol.Settings) any { return s.DPD }, time.Duration(0)},
		{"off by nonsense", "X-CSTP-Keepalive: -5", func(s *protocol.Settings) any { return s.Keepalive }, time.Duration(0)},
		{"no end of time", "X-CSTP-Idle-Timeout: 99999999999999999999", func(s *protocol.Settings) any { return s.IdleTimeout }, maxDuration},
		{"the smallest limit counts", "X-CSTP-Lease-Duration: 500\r\nX-CSTP-Session-Timeout: none\r\nX-CSTP-Session-Timeout-Remaining: 400",
			func(s *protocol.Settings) any { return s.SessionTimeout }, 400 * time.Second},
		{"rekey needs both", "X-CSTP-Rekey-Time: 100\r\nX-CSTP-Rekey-Method: magic", func(s *protocol.Settings) any { return s.RekeyTime }, time.Duration(0)},
		{"the first address counts", "X-CSTP-Address: 10.9.9.9", func(s *protocol.Settings) any { return s.Addresses }, route("10.1.0.2/24")},
		{"IPv6 in the old headers", "X-CSTP-Address: 2001:db8::5\r\nX-CSTP-Netmask: 2001:db8::5/64",
			func(s *protocol.Settings) any { return s.Addresses }, route("10.1.0.2/24", "2001:db8::5/64")},
		{"domains of the document after the login", "X-CSTP-Post-Auth-XML: " + postAuth, func(s *protocol.Settings) any { return s.DynamicExclude }, []string{"meet.example", "video.example"}},
		{"the same on the other side", "X-CSTP-Post-Auth-XML: " + postAuth, func(s *protocol.Settings) any { return s.DynamicInclude }, []string{"in.example"}},
		{"that document is not shown: it holds the token", "X-CSTP-Post-Auth-XML: " + postAuth, func(s *protocol.Settings) any { return strings.Contains(fmt.Sprint(s), "canary") }, false},
		{"a broken one costs the domains alone", "X-CSTP-Post-Auth-XML: <config-auth type='complete'><config>", func(s *protocol.Settings) any { return s.MTU > 0 && s.DynamicExclude == nil }, true},
		{"banner without controls", "X-CSTP-Banner: a\x1b[2Jb\u202ec", func(s *protocol.Settings) any { return s.Banner }, "a [2Jb c"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := settings(t, ok+c.headers)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.get(s); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestHeadRefused(t *testing.T) {
	for name, wire := range map[string]string{
		"empty":             "",
		"cut":               "HTTP/1.1 200 OK\r\nX-CSTP-MTU: 14",
		"no HTTP":           "SSH-2.0-OpenSSH\r\n\r\n",
		"HTTP/2":            "HTTP/2 200 OK\r\n\r\n",
		"status of words":   "HTTP/1.1 two OK\r\n\r\n",
		"no colon":          "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
		"space in a name":   "HTTP/1.1 200 OK\r\nX CSTP: 1\r\n\r\n",
		"folded":            "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
		"one endless line":  "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("b", maxLine) + "\r\n\r\n",
		"too many":          "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", maxFields+1) + "\r\n",
		"too long together": "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: "+strings.Repeat("b", 60000)+"\r\n", 10) + "\r\n",
	} {
		if _, err := ReadResponse(bufio.NewReader(strings.NewReader(wire))); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// The reader stops at the blank line: frames follow in the same record.
func TestHeadLeavesTheFrames(t *testing.T) {
	br := bufio.NewReader(strings.NewReader("HTTP/1.1 200 OK\r\nA: b\r\n\r\nSTF\x01"))
	if _, err := ReadResponse(br); err != nil {
		t.Fatal(err)
	}
	if got := Residual(br); string(got) != "STF\x01" {
		t.Errorf("%q", got)
	}
}

func FuzzResponse(f *testing.F) {
	for _, name := range []string{"banner-profile-split", "session-limits", "compress"} {
		f.Add(capture(f, name+".response.txt"))
	}
	f.Add([]byte("HTTP/1.1 200 OK\r\n" + ok + "X-DTLS-App-ID: 0f0f\r\nX-DTLS-CipherSuite: PSK-NEGOTIATE\r\nX-DTLS-Port: 443\r\nX-DTLS-MTU: 1390\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200 OK\r\n" + ok + "X-DTLS-Session-ID: 0f0f\r\nX-DTLS12-CipherSuite: AES256-GCM-SHA384\r\nX-DTLS-Port: 443\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200 OK\r\n" + ok + "X-CSTP-Split-Exclude: 0.0.0.0/255.255.255.255\r\n\r\n"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		r, err := ReadResponse(bufio.NewReader(bytes.NewReader(wire)))
		if err != nil {
			return
		}
		if o, not := r.offer(both()); (o == nil) == (not == why{}) || o != nil && (len(o.id) == 0 || len(o.id) > 32 || o.port == 0 || o.mtu > maxMTU) {
			t.Fatalf("%+v %q", o, not)
		}
		s, err := r.Settings()
		if err != nil {
			return
		}
		if s.MTU < minMTU || s.MTU > maxMTU || len(s.Addresses) == 0 || len(s.Addresses) > 2 || len(s.SplitInclude) > maxRoutes || len(s.DNS) > 2*maxServers {
			t.Fatalf("%+v", s)
		}
		for _, d := range append(append([]string{s.Banner, s.Server}, s.Search...), s.SplitDNS...) {
			if strings.ContainsFunc(d, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
				t.Fatalf("%q", d)
			}
		}
		// What was understood can be said again, and means the same.
		again, err := parse(t, AppendResponse(nil, s, 0)).Settings()
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(again.Addresses, s.Addresses) || !slices.Equal(again.SplitInclude, s.SplitInclude) || again.MTU != s.MTU || again.LocalLAN != s.LocalLAN {
			t.Fatalf("%+v\n%+v", s, again)
		}
	})
}

func FuzzRequest(f *testing.F) {
	f.Add(capture(f, "tls-only.request.txt"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		q, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wire)))
		if err != nil {
			return
		}
		r, err := ParseRequest(q)
		if err == nil && (r.BaseMTU < 0 || r.BaseMTU > 65535 || len(r.Prior) > 2) {
			t.Fatalf("%+v", r)
		}
	})
}

func FuzzHeader(f *testing.F) {
	f.Add(AppendFrame(nil, TypeDPDReq, []byte("x")))
	f.Add([]byte{'S', 'T', 'F', 1, 0xff, 0xff, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		kind, n, err := ParseHeader(b)
		if err != nil {
			return
		}
		var h [HeaderLen]byte
		if PutHeader(h[:], kind, n); n > MaxPayload || !bytes.Equal(h[:], b[:HeaderLen]) {
			t.Fatalf("%x is read as type %d, %d bytes", b, kind, n)
		}
	})
}

// TestAnswerThatQuotesTheToken: a gateway that repeats the token in a banner or a reason does not bring it into state or errors.
func TestAnswerThatQuotesTheToken(t *testing.T) {
	const token = "canary-0123456789"
	r := &Response{Status: 503, Fields: []protocol.Header{{Name: "X-Reason", Value: "no session " + token + "!"}, {Name: "X-CSTP-Banner", Value: token}}}
	r.conceal(redact.NewString(token))
	if err := accepted(r); strings.Contains(err.Error(), token) || !strings.Contains(err.Error(), "no session [secret]!") {
		t.Error(err)
	}
	if r.Get("X-CSTP-Banner") != "[secret]" {
		t.Errorf("banner %q", r.Get("X-CSTP-Banner"))
	}
}
