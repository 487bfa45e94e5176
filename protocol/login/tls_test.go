package login

import (
	"context"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
	"github.com/holdfast-vpn/holdfast/protocol"
)

var anyPath protocol.Path

// TestTrust: who is believed, and how a refusal is said.
func TestTrust(t *testing.T) {
	for name, tc := range map[string]struct {
		leaf   func(*x509.Certificate)
		target func(*protocol.Target, [32]byte)
		code   fault.Code // "" when it is believed
		says   string
	}{
		"a CA file":              {nil, nil, "", ""},
		"no CA file":             {nil, func(t *protocol.Target, _ [32]byte) { t.Trust.CAPEM = nil }, fault.TLSUntrusted, ""},
		"a CA file that is none": {nil, func(t *protocol.Target, _ [32]byte) { t.Trust.CAPEM = []byte("x") }, fault.UseBad, "no certificate"},
		"an address":             {nil, func(t *protocol.Target, _ [32]byte) { t.Host = addr1.String() }, "", ""},
		"a final dot":            {nil, func(t *protocol.Target, _ [32]byte) { t.Host = "vpn.example." }, "", ""},
		"another name":           {func(c *x509.Certificate) { c.DNSNames = []string{"www.example", "b\x1b[2J.example"} }, nil, fault.TLSName, "www.example, b [2J.example"},
		"no name":                {func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = nil, nil }, nil, fault.TLSName, "no host at all"},
		"out of date":            {func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, nil, fault.TLSExpired, "valid from"},
		"not yet valid":          {func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }, nil, fault.TLSExpired, "valid from"},
		"a client's certificate": {func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, nil, fault.TLSUntrusted, "not meant for a server"},
		"the pin":                {nil, func(t *protocol.Target, k [32]byte) { t.Trust = protocol.Trust{Pins: [][32]byte{{1}, k}} }, "", ""},
		"another pin":            {nil, func(t *protocol.Target, _ [32]byte) { t.Trust.Pins = [][32]byte{{1}} }, fault.TLSPin, ""},
		"the pin, nothing else": {func(c *x509.Certificate) {
			c.DNSNames, c.ExtKeyUsage, c.NotAfter = nil, nil, time.Now().Add(-time.Minute)
		}, func(t *protocol.Target, k [32]byte) { t.Trust = protocol.Trust{Pins: [][32]byte{k}} }, "", ""},
		"a pin of the profile, of its CA": {nil, func(t *protocol.Target, _ [32]byte) { t.Trust.Require = [][64]byte{{1}, caKey(t)} }, "", ""},
		"another pin of the profile":      {nil, func(t *protocol.Target, _ [32]byte) { t.Trust.Require = [][64]byte{{1}} }, fault.TLSPin, "the profile pins"},
		"another pin of the profile, and --pin": {nil, func(t *protocol.Target, k [32]byte) {
			t.Trust = protocol.Trust{Pins: [][32]byte{k}, Require: [][64]byte{caKey(t)}}
		}, fault.TLSPin, "the profile pins"},
		"a pin of the profile, no CA file": {nil, func(t *protocol.Target, _ [32]byte) { t.Trust.Require, t.Trust.CAPEM = [][64]byte{caKey(t)}, nil }, fault.TLSUntrusted, ""},
		"another pin, good chain":          {nil, func(t *protocol.Target, _ [32]byte) { t.Trust.Pins = [][32]byte{{}} }, fault.TLSPin, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.end()
				w.net.Name("vpn.example.", addr1)
				cert := w.ca.leaf(t, tc.leaf)
				w.gateway(addr1, cert, passwordGateway)
				target := w.target()
				if tc.target != nil {
					tc.target(&target, keyOf(cert))
				}
				c, err := Dial(t.Context(), w.pc.Dialer(), target, anyPath, Options{})
				if tc.code == "" {
					if err != nil {
						t.Fatal(err)
					}
					if c.LeafKey != keyOf(cert) || c.Gateway != netip.AddrPortFrom(addr1, 443) || c.RTT != 10*time.Millisecond || !strings.HasPrefix(c.Cipher, "TLS 1.3 TLS_") {
						t.Errorf("%+v", c)
					}
					_ = c.Close()
					return
				}
				f := wantFault(t, err, tc.code)
				hints := strings.Join(f.Hints, "\n")
				if !strings.Contains(f.Sentence(), tc.says) {
					t.Errorf("%q does not say %q", f.Sentence(), tc.says)
				}
				if print := fmt.Sprintf("sha256:%x", keyOf(cert)); tc.code != fault.UseBad && !strings.Contains(hints, print) || strings.Contains(hints, "--pin") {
					t.Errorf("hints %q", hints)
				}
				if posts, _ := w.seen(); len(posts) != 0 {
					t.Error("a request was sent to a gateway that is not trusted")
				}
			})
		})
	}
}

// caKey is the SHA-512 of the key of a target's CA.
func caKey(t *protocol.Target) [64]byte {
	block, _ := pem.Decode(t.Trust.CAPEM)
	ca, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		panic(err)
	}
	return sha512.Sum512(ca.RawSubjectPublicKeyInfo)
}

// TestFamiliesOfAProfile: which of a gateway's addresses are tried is the profile's to say.
func TestFamiliesOfAProfile(t *testing.T) {
	six := netip.MustParseAddr("2001:db8::1")
	for families, want := range map[protocol.Families]netip.Addr{
		protocol.AnyFamily: six, protocol.IPv6First: six, protocol.OnlyIPv6: six, protocol.IPv4First: addr1, protocol.OnlyIPv4: addr1,
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			defer w.end()
			w.pc.Uplink("wlan0", netip.MustParseAddr("2001:db8:1::7"))
			w.net.Name("vpn.example", six, addr1)
			w.net.Name("old.example", addr1)
			cert := w.ca.leaf(t, func(c *x509.Certificate) { c.DNSNames = append(c.DNSNames, "old.example") })
			w.gateway(addr1, cert, passwordGateway)
			w.gateway(six, cert, passwordGateway)
			target := w.target()
			target.Families = families
			c, err := Dial(t.Context(), w.pc.Dialer(), target, anyPath, Options{})
			if err != nil || c.Gateway.Addr() != want {
				t.Fatalf("%d: %+v, %v", families, c, err)
			}
			_ = c.Close()
			if target.Host = "old.example"; families == protocol.OnlyIPv6 {
				_, err = Dial(t.Context(), w.pc.Dialer(), target, anyPath, Options{})
				wantFault(t, err, fault.NetNoRoute)
			}
		})
	}
}

// TestTrustOfASession: a session's gateway has the key seen at login or a chain that is good as at login.
func TestTrustOfASession(t *testing.T) {
	for name, tc := range map[string]struct {
		leaf  func(*x509.Certificate)
		trust func(*protocol.Trust)
		known bool
		code  fault.Code
	}{
		"the key seen at login, though out of date now": {func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, nil, true, ""},
		"a new key with a good chain":                   {nil, nil, false, ""},
		"a new key with a bad chain":                    {nil, func(t *protocol.Trust) { t.CAPEM = nil }, false, fault.TLSChanged},
		"a new key that is not the pin":                 {nil, func(t *protocol.Trust) { t.Pins = [][32]byte{{9}} }, false, fault.TLSChanged},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.end()
				cert := w.ca.leaf(t, tc.leaf)
				w.gateway(addr1, cert, passwordGateway)
				s := protocol.SessionRef{Target: w.target(), Gateway: netip.AddrPortFrom(addr1, 443), LeafKey: [32]byte{1}}
				s.Target.Host = "vpn.example"
				if tc.known {
					s.LeafKey = keyOf(cert)
				}
				if tc.trust != nil {
					tc.trust(&s.Target.Trust)
				}
				c, err := DialSession(t.Context(), w.pc.Dialer(), s, anyPath, Options{})
				if tc.code == "" {
					if err != nil {
						t.Fatal(err)
					}
					_ = c.Close()
					return
				}
				f := wantFault(t, err, tc.code)
				if f.Kind != fault.Retryable || !strings.Contains(strings.Join(f.Hints, ""), fmt.Sprintf("%x", keyOf(cert))) {
					t.Errorf("%s, hints %q", f.Kind, f.Hints)
				}
			})
		})
	}
}

// TestWhatIsNoTLS: servers that are none, networks that do not carry.
func TestWhatIsNoTLS(t *testing.T) {
	for name, tc := range map[string]struct {
		serve func(w *world, c net.Conn) // nil: nobody listens
		code  fault.Code
		took  time.Duration // at most
	}{
		"a web server without TLS": {func(_ *world, c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }, fault.TLSHandshake, time.Second},
		"a server that speaks": {func(_ *world, c net.Conn) {
			_, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.2\r\n")
			_, _ = io.Copy(io.Discard, c)
		}, fault.TLSHandshake, time.Second},
		"a server that closes":    {func(_ *world, c net.Conn) { _, _ = c.Read(make([]byte, 4096)) }, fault.TLSHandshake, time.Second},
		"a server that is silent": {func(_ *world, c net.Conn) { _, _ = io.Copy(io.Discard, c) }, fault.NetSilent, 11 * time.Second},
		"TLS too old": {func(w *world, c net.Conn) {
			w.serve(c, &tls.Config{Certificates: []tls.Certificate{w.ca.leaf(w.t, nil)}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, passwordGateway)
		}, fault.TLSRefused, time.Second},
		"port closed": {nil, fault.NetRefused, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.end()
				if tc.serve != nil {
					w.listen(addr1, func(c net.Conn) { tc.serve(w, c) })
				} else {
					w.net.Host("closed", addr1)
				}
				began := time.Now()
				_, err := Dial(t.Context(), w.pc.Dialer(), w.target(), anyPath, Options{})
				f := wantFault(t, err, tc.code)
				if f.Exit() != 5 || time.Since(began) > tc.took {
					t.Errorf("exit %d after %s", f.Exit(), time.Since(began))
				}
			})
		})
	}
}

// TestRace: several addresses of one gateway.
func TestRace(t *testing.T) {
	type server func(w *world, addr netip.Addr)
	silent := func(w *world, addr netip.Addr) { w.net.Host("silent "+addr.String(), addr).SetSilent(true) }
	closed := func(w *world, addr netip.Addr) { w.net.Host("closed "+addr.String(), addr) }
	good := func(w *world, addr netip.Addr) { w.gateway(addr, w.ca.leaf(w.t, nil), passwordGateway) }
	foreign := func(w *world, addr netip.Addr) { w.gateway(addr, newAuthority(w.t).leaf(w.t, nil), passwordGateway) }
	for name, tc := range map[string]struct {
		servers []server
		winner  netip.Addr
		code    fault.Code
		took    time.Duration // at most
	}{
		"the first answers":                   {[]server{good, good}, addr1, "", 100 * time.Millisecond},
		"the first is silent":                 {[]server{silent, good}, addr2, "", 400 * time.Millisecond},
		"the first refuses":                   {[]server{closed, good}, addr2, "", 100 * time.Millisecond},
		"two are silent":                      {[]server{silent, silent, good}, addr3, "", 700 * time.Millisecond},
		"the first is not trusted":            {[]server{foreign, good}, addr2, "", 200 * time.Millisecond},
		"all silent":                          {[]server{silent, silent}, netip.Addr{}, fault.NetSilent, 4800 * time.Millisecond},
		"silent and refused: refused is told": {[]server{silent, closed}, netip.Addr{}, fault.NetRefused, 4800 * time.Millisecond},
		"refused and not trusted: the latter": {[]server{closed, foreign, silent}, netip.Addr{}, fault.TLSUntrusted, 4800 * time.Millisecond},
		"none at all":                         {nil, netip.Addr{}, fault.NetNoName, time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.end()
				addrs := []netip.Addr{addr1, addr2, addr3}[:len(tc.servers)]
				for i, s := range tc.servers {
					s(w, addrs[i])
				}
				w.net.Name("vpn.example", append(addrs, addrs...)...)
				began := time.Now()
				c, err := Dial(t.Context(), w.pc.Dialer(), w.target(), anyPath, Options{})
				if took := time.Since(began); took > tc.took {
					t.Errorf("took %s", took)
				}
				if tc.code != "" {
					wantFault(t, err, tc.code)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if c.Gateway.Addr() != tc.winner || c.Addrs[0] != tc.winner || len(c.Addrs) != len(addrs) {
					t.Errorf("%s of %s", c.Gateway, c.Addrs)
				}
				_ = c.Close()
				time.Sleep(time.Minute) // the servers notice
				if n := w.net.Streams(); n > 0 {
					t.Errorf("%d connections are left", n)
				}
			})
		})
	}
}

func TestSessionTriesTheAddressThatWorkedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		w.gateway(addr1, w.ca.leaf(t, nil), passwordGateway)
		w.gateway(addr2, w.ca.leaf(t, nil), passwordGateway)
		s := protocol.SessionRef{Target: w.target(), Gateway: netip.AddrPortFrom(addr2, 443)}
		s.Target.Fixed = []netip.Addr{addr1, addr2}
		c, err := DialSession(t.Context(), w.pc.Dialer(), s, anyPath, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if c.Gateway.Addr() != addr2 || !slices.Equal(c.Addrs, []netip.Addr{addr2, addr1}) {
			t.Errorf("%s, %s", c.Gateway, c.Addrs)
		}
		_ = c.Close()
	})
}

// TestSessionGivenUp: whoever gives up a dial for a session gave up a network, not a login.
func TestSessionGivenUp(t *testing.T) {
	for name, limit := range map[string]time.Duration{"cancelled": time.Hour, "out of time": time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.end()
				w.net.Host("silent", addr1).SetSilent(true)
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				time.AfterFunc(2*time.Second, cancel)
				s := protocol.SessionRef{Target: w.target(), Gateway: netip.AddrPortFrom(addr1, 443)}
				_, err := DialSession(ctx, w.pc.Dialer(), s, anyPath, Options{})
				if f := wantFault(t, err, fault.NetTimeout); f.Kind != fault.Retryable {
					t.Errorf("kind %v", f.Kind)
				}
			})
		})
	}
}

func TestNoSuchName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		target := w.target()
		target.Host = "nowhere.example"
		_, err := Dial(t.Context(), w.pc.Dialer(), target, anyPath, Options{})
		if f := wantFault(t, err, fault.NetNoName); f.Exit() != 5 {
			t.Errorf("exit %d", f.Exit())
		}
	})
}

// TestWrapLiesBelowTLS: what Wrap returns carries the handshake and is closed with the connection.
func TestWrapLiesBelowTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.end()
		w.gateway(addr1, w.ca.leaf(t, nil), passwordGateway)
		var wrapped *counting
		o := Options{Wrap: func(c net.Conn) net.Conn { wrapped = &counting{Conn: c}; return wrapped }}
		c, err := Dial(t.Context(), w.pc.Dialer(), w.target(), anyPath, o)
		if err != nil {
			t.Fatal(err)
		}
		if c.Raw != net.Conn(wrapped) || wrapped.written == 0 {
			t.Errorf("%d bytes through the wrapper", wrapped.written)
		}
		_ = c.Close()
		if !wrapped.closed {
			t.Error("not closed")
		}
	})
}

type counting struct {
	net.Conn
	written int
	closed  bool
}

func (c *counting) Write(b []byte) (int, error) { c.written += len(b); return c.Conn.Write(b) }
func (c *counting) Close() error                { c.closed = true; return c.Conn.Close() }
