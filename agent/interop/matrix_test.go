package interop

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// expects is what a tunnel of the matrix must look like.
type expects struct {
	group   string
	only4   bool     // there is no IPv6 inside
	mtu     int      // at most
	cipher  string   // its beginning
	dns     []string // in this order
	exclude []string
	all     bool   // everything goes by the tunnel
	dtls    bool   // packets do travel by it
	reason  string // why they do not; "" for whatever it is
}

// tls12 has ocserv speak TLS 1.2 and nothing else.
const tls12 = `tls-priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.2:%SERVER_PRECEDENCE"`

// configuration is one way to set up ocserv, and what a tunnel to it must look like.
type configuration struct {
	name   string
	server ocserv
	rsa    bool
	banner bool // there is one to accept
	drop   bool // the network drops the gateway's UDP
	want   expects
}

// TestMatrix meets ocserv in many configurations without DTLS, TestMatrixDTLS in those with one kind of DTLS.
func TestMatrix(t *testing.T) {
	t.Parallel()
	matrix(t, []configuration{
		{name: "no groups", server: ocserv{bare: true, lines: splitRoutes}},
		{name: "MTU 1200", server: ocserv{lines: append([]string{"mtu = 1200"}, splitRoutes...)}, want: expects{mtu: 1200, only4: true}},
		{name: "TLS 1.2, ECDSA", server: ocserv{lines: append([]string{tls12}, splitRoutes...)}, want: expects{cipher: "TLS 1.2 TLS_ECDHE_ECDSA_"}},
		{name: "TLS 1.2, RSA", server: ocserv{lines: append([]string{tls12}, splitRoutes...)}, rsa: true, want: expects{cipher: "TLS 1.2 TLS_ECDHE_RSA_"}},
		{name: "TLS 1.3, RSA", server: ocserv{lines: append([]string{"cisco-client-compat = false"}, splitRoutes...)}, rsa: true, want: expects{cipher: "TLS 1.3 "}},
		{name: "banner before the login", server: ocserv{lines: append([]string{`pre-login-banner = "Authorised use only"`}, splitRoutes...)}, banner: true},
		{name: "split exclude", server: ocserv{lines: append([]string{"no-route = 10.99.7.0/255.255.255.0"}, splitRoutes...)}, want: expects{exclude: []string{"10.99.7.0/24"}}},
		{name: "two name servers", server: ocserv{lines: append([]string{"dns = 10.99.0.3"}, splitRoutes...)}, want: expects{dns: []string{"10.99.0.2", "10.99.0.3"}}},
		{name: "default route", server: ocserv{lines: []string{"route = default"}}, want: expects{all: true}},
		{name: "DTLS off", server: ocserv{lines: append([]string{"cisco-client-compat = false"}, splitRoutes...)}, want: expects{reason: "gateway offers no DTLS"}},
		{name: "compression offered", server: ocserv{lines: append([]string{"compression = true", "no-compress-limit = 0"}, splitRoutes...)}},
	})
}

func TestMatrixDTLS(t *testing.T) {
	t.Parallel()
	matrix(t, []configuration{
		{name: "PSK only", server: pskOnly, want: expects{dtls: true}},
		{name: "PSK only, UDP dropped", server: pskOnly, drop: true, want: expects{reason: "UDP blocked"}},
		{name: "PSK only, MTU 1200", server: ocserv{psk: true, lines: append([]string{"mtu = 1200"}, splitRoutes...)}, want: expects{mtu: 1200, only4: true, dtls: true}},
		{name: "PSK only, default route", server: ocserv{psk: true, lines: []string{"route = default"}}, want: expects{all: true, dtls: true}},
		{name: "PSK only, split exclude", server: ocserv{psk: true, lines: append([]string{"no-route = 10.99.7.0/255.255.255.0"}, splitRoutes...)}, want: expects{exclude: []string{"10.99.7.0/24"}, dtls: true}},
		{name: "PSK only, compression offered", server: ocserv{psk: true, lines: append([]string{"compression = true", "no-compress-limit = 0"}, splitRoutes...)}, want: expects{dtls: true}},
		{name: "PSK only, banner", server: ocserv{psk: true, lines: append([]string{`banner = "Authorised use only"`}, splitRoutes...)}, banner: true, want: expects{dtls: true}},
		{name: "PSK only, RSA", server: pskOnly, rsa: true, want: expects{dtls: true}},
		{name: "resumption only", server: ciscoOnly, want: expects{dtls: true, cipher: "DTLS 1.2 TLS_RSA_WITH_AES_256_GCM_SHA384"}},
		{name: "resumption only, UDP dropped", server: ciscoOnly, drop: true, want: expects{reason: "UDP blocked"}},
		{name: "resumption only, MTU 1200", server: ocserv{old: true, lines: append([]string{"mtu = 1200"}, splitRoutes...)}, want: expects{mtu: 1200, only4: true, dtls: true}},
		{name: "resumption only, RSA", server: ciscoOnly, rsa: true, want: expects{dtls: true}},
	})
}

// matrix goes through the configurations one after the other with one agent: addresses, routes, names and transport are right, and the host is as before afterwards.
func matrix(t *testing.T, all []configuration) {
	w := newWorld(t)
	if w == nil {
		return
	}
	a := w.startAgent()
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			w := w.in(t)
			if c.rsa {
				w.pki = rsaPKI(t, w.pki, w.dir)
			}
			g := w.startOcserv(t, c.server)
			if c.drop {
				w.blockUDP()
				defer w.unblockUDP()
			}
			args := []string{"connect", "vpn4.lab.example", "--user", account, "--password-stdin", "--ca", w.pki.ca, "--no-input"}
			if !c.server.bare {
				args, c.want.group = append(args, "--group", "staff"), "Staff network"
			}
			if c.banner {
				w.refused(w.cli(password+"\n", args...), 10, "AUTH-002")
				args = append(args, "--accept-banner")
			}
			if r := w.cli(password+"\n", args...); r.exit != 0 {
				log, _ := os.ReadFile(g.log)
				t.Fatalf("connect: %+v\n%s", r, log)
			}
			w.looks(c.want)
			if log, _ := os.ReadFile(g.log); strings.Contains(string(log), "selected CSTP compression") {
				t.Error("the gateway compresses")
			}
			w.leave()
		})
	}
	a.stop()
}

// looks checks the tunnel against what is expected of it.
func (w *world) looks(want expects) {
	w.t.Helper()
	transport := map[bool]string{true: "dtls", false: "tls"}[want.dtls]
	s := w.travels(transport, 10*time.Second)
	if want.reason != "" {
		s = w.waitState(10*time.Second, "told why", func(s ipc.State) bool { return s.TransportReason == want.reason })
	}
	if want.dtls && want.cipher == "" {
		want.cipher = "DTLS 1.2 "
	}
	w.t.Logf("%s; %v, MTU %d, %s, dns %v, include %v, exclude %v, group %q", s.State, s.Addresses, s.MTU, s.Cipher, s.DNS.Servers, s.SplitInclude, s.SplitExclude, s.Group)
	if s.State != "connected" || s.Transport != transport || s.Group != want.group || s.Error != nil || s.Prompt != nil {
		w.t.Errorf("state: %+v", s)
	}
	if s.Reconnects != nil && *s.Reconnects != (ipc.Reconnects{}) {
		w.t.Errorf("reconnects: %+v, last %+v", s.Reconnects, s.LastReconnect)
	}
	count := 2
	if want.only4 {
		count = 1
	}
	if p, err := netip.ParsePrefix(s.Addresses[0]); err != nil || len(s.Addresses) != count || !netip.MustParsePrefix("10.11.0.0/24").Contains(p.Addr()) {
		w.t.Errorf("addresses = %v", s.Addresses)
	}
	if want.mtu > 0 && s.MTU > want.mtu || s.MTU < 576 {
		w.t.Errorf("MTU = %d", s.MTU)
	}
	if out := w.client.Run(w.t, "ip", "link", "show", "holdfast0"); !strings.Contains(out, "mtu "+strconv.Itoa(s.MTU)+" ") {
		w.t.Errorf("the interface is not of MTU %d: %s", s.MTU, out)
	}
	if !strings.HasPrefix(s.Cipher, want.cipher) {
		w.t.Errorf("cipher = %s", s.Cipher)
	}
	if want.dns == nil {
		want.dns = []string{"10.99.0.2"}
	}
	if s.DNS == nil || !slices.Equal(s.DNS.Servers, want.dns) {
		w.t.Errorf("dns = %+v", s.DNS)
	}
	at := 0
	for _, d := range want.dns {
		i := strings.Index(w.resolv()[at:], "nameserver "+d+"\n")
		if i < 0 {
			w.t.Fatalf("resolv.conf has not %v in this order:\n%s", want.dns, w.resolv())
		}
		at += i
	}
	if !slices.Equal(s.SplitExclude, want.exclude) || s.TunnelAll == nil || *s.TunnelAll != want.all || (len(s.SplitInclude) == 0) != want.all {
		w.t.Errorf("split include %v, exclude %v", s.SplitInclude, s.SplitExclude)
	}
	w.leadsOut("10.99.0.2", true)
	w.leadsOut("198.51.100.2", want.all)
	for _, e := range want.exclude {
		w.leadsOut(netip.MustParsePrefix(e).Addr().Next().String(), false)
	}
	if !want.only4 {
		w.leadsOut("2001:db8:99::2", true)
		w.reachesInside()
	} else if out, err := w.get("http://split.corp.example/"); err != nil || !strings.HasPrefix(out, "inside ") {
		w.t.Errorf("split.corp.example: %v %s", err, out)
	}
	// 600 KB one way: what a wrong MTU or a compressed frame would stop. It goes by what the state says.
	const size = 600_000
	udp, tcp := w.counted("udp"), w.counted("tcp")
	w.download(fmt.Sprintf("http://10.99.0.2/slow?n=%d&ms=0", size))()
	udp, tcp = w.counted("udp")-udp, w.counted("tcp")-tcp
	if by := map[bool]int{true: udp, false: tcp}[want.dtls]; by < size || udp+tcp-by > size/10 {
		w.t.Errorf("a download of %d bytes: %d by UDP, %d by TCP", size, udp, tcp)
	}
}

// leadsOut checks whether an address is reached through the tunnel.
func (w *world) leadsOut(addr string, tunnel bool) {
	w.t.Helper()
	if out := w.client.Run(w.t, "ip", "route", "get", addr); strings.Contains(out, "holdfast0") != tunnel {
		w.t.Errorf("%s goes %s", addr, out)
	}
}

// leave disconnects and expects the host as it was.
func (w *world) leave() {
	w.t.Helper()
	if r := w.cli("", "disconnect"); r.exit != 0 {
		w.t.Errorf("disconnect: %+v", r)
	}
	w.over()
	if s := w.state(); s.Error != nil {
		w.t.Errorf("error after a disconnect: %+v", s.Error)
	}
}

// over waits for the end of a session and expects the host as it was.
func (w *world) over() {
	w.t.Helper()
	w.waitState(3*time.Second, "disconnected", func(s ipc.State) bool { return s.State == "disconnected" })
	w.unchanged("after the session")
}

// rsaPKI is p with a gateway certificate for an RSA key, issued by itself.
func rsaPKI(t *testing.T, p pki, dir string) pki {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: "gateway"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"vpn.lab.example", "vpn4.lab.example"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	p.cert, p.key = write("rsa.pem", "CERTIFICATE", der), write("rsa.key", "PRIVATE KEY", keyDER)
	p.ca = p.cert
	return p
}

// TestRekey: the gateway wants new keys every few seconds. A download survives it, nobody is asked, nothing but the tunnel is new.
func TestRekey(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, by string
		server     ocserv
	}{
		{"ssl", "tls", ocserv{}}, {"new-tunnel", "tls", ocserv{}}, {"ssl", "dtls", ocserv{psk: true}}, {"new-tunnel", "dtls", ocserv{psk: true}},
		{"ssl", "dtls", ocserv{old: true}}, {"new-tunnel", "dtls", ocserv{old: true}},
	} {
		t.Run(fmt.Sprintf("%s %s resumed=%v", c.method, c.by, c.server.old), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if w == nil {
				return
			}
			c.server.lines = append([]string{"rekey-time = 3", "rekey-method = " + c.method}, splitRoutes...)
			w.startOcserv(t, c.server)
			a := w.startAgent()
			w.connect("vpn4.lab.example")
			was := w.travels(c.by, 5*time.Second)
			w.download("http://10.99.0.2/slow?n=3000000&ms=20")()
			is := w.state()
			if is.Reconnects == nil || is.Reconnects.Tunnel == 0 || is.Reconnects.Session != 0 || is.Prompt != nil || is.State != "connected" {
				t.Errorf("state: %+v", is)
			}
			t.Logf("%+v, the last %+v", is.Reconnects, is.LastReconnect)
			if !slices.Equal(was.Addresses, is.Addresses) {
				t.Errorf("addresses %v, then %v", was.Addresses, is.Addresses)
			}
			w.travels(c.by, 5*time.Second)
			w.reachesInside()
			w.leave()
			a.stop()
		})
	}
}

// TestDPD: a gateway that wants a sign of life every five seconds has it, by both ways, for as long as nothing else goes.
func TestDPD(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	w.startOcserv(t, ocserv{psk: true, lines: append([]string{"dpd = 5", "mobile-dpd = 5", "keepalive = 3"}, splitRoutes...)})
	a := w.startAgent()
	w.connect("vpn4.lab.example")
	w.travels("dtls", 5*time.Second)
	udp, tcp := w.counted("udp"), w.counted("tcp")
	for began := time.Now(); time.Since(began) < 17*time.Second; time.Sleep(200 * time.Millisecond) { // ocserv gives up after three
		s := w.state()
		if s.State != "connected" || s.Transport != "dtls" || *s.Reconnects != (ipc.Reconnects{}) || s.VerifiedAt == nil || time.Since(*s.VerifiedAt) > 6*time.Second {
			t.Fatalf("after %v: %+v", time.Since(began), s)
		}
	}
	if udp, tcp = w.counted("udp")-udp, w.counted("tcp")-tcp; udp == 0 || tcp == 0 {
		t.Errorf("%d bytes by UDP and %d by TCP", udp, tcp)
	}
	w.reachesInside()
	w.leave()
	a.stop()
}

// TestNarrowPath: the network carries no long datagrams to the gateway and says nothing about it. The longest that do pass are found, the interface gets that MTU, and
// packets travel by DTLS; when the path shrinks once more in the middle of an upload that is found, too.
func TestNarrowPath(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	w.startOcserv(t, pskOnly)
	// what would be cut by the network card is cut by the kernel, before the filter sees its length
	w.ip(w.client, "link set wan0 gso_max_segs 1")
	w.ip(w.gateway, "link set net0 gso_max_segs 1")
	w.before = testenv.Dump(t, w.client)
	narrow := func(longest int) {
		w.router.Run(t, "nft", fmt.Sprintf("add table ip narrow; flush table ip narrow; add chain ip narrow passing { type filter hook forward priority 0; }; "+
			"add rule ip narrow passing udp dport 443 meta length > %[1]d drop; add rule ip narrow passing udp sport 443 meta length > %[1]d drop", longest))
	}
	narrow(1440)
	a := w.startAgent()
	w.connect("vpn4.lab.example")
	w.travels("dtls", 15*time.Second)
	s := w.waitState(time.Second, "told of the MTU", func(s ipc.State) bool { return s.LastReconnect != nil })
	t.Logf("MTU %d, %+v", s.MTU, s.LastReconnect)
	if s.MTU > 1440-28-38 || s.MTU < 1300 || s.LastReconnect == nil || s.LastReconnect.Code != 16 || s.Reconnects.Tunnel != 1 || s.Reconnects.Session != 0 {
		t.Errorf("%+v, last %+v", s, s.LastReconnect)
	}
	if out := w.client.Run(t, "ip", "link", "show", "holdfast0"); !strings.Contains(out, "mtu "+strconv.Itoa(s.MTU)+" ") {
		t.Errorf("the interface is not of MTU %d: %s", s.MTU, out)
	}
	w.reachesInside()
	shrinks := func(longest int, how func()) {
		was := w.state().MTU
		how()
		up := w.client.Command("curl", "-sS", "-m", "30", "--data-binary", "@-", "http://10.99.0.2/sink")
		up.Stdin = strings.NewReader(strings.Repeat("holdfast", 1_000_000))
		var said strings.Builder
		up.Stdout, up.Stderr = &said, &said
		if err := up.Start(); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		w.waitState(20*time.Second, "of a smaller MTU", func(s ipc.State) bool { return s.MTU < was })
		took := time.Since(began)
		s := w.travels("dtls", 15*time.Second)
		t.Logf("MTU %d after %v, %+v", s.MTU, took.Round(time.Millisecond), s.LastReconnect)
		// The gateway, which must know, has been told by a new tunnel.
		if s.MTU > longest-28-38 || s.MTU < 1280 || s.LastReconnect.OutageMS > 1000 {
			t.Errorf("%+v, last %+v", s, s.LastReconnect)
		}
		if err := up.Wait(); err != nil || said.String() != "8000000 bytes, <nil>\n" {
			t.Errorf("the upload: %v, %s", err, said.String())
		}
		w.reachesInside()
	}
	shrinks(1380, func() { narrow(1380) })
	shrinks(1360, func() { w.ip(w.client, "link set wan0 mtu 1360") }) // of which this machine is told
	w.ip(w.client, "link set wan0 mtu 1500")
	w.leave()
	a.stop()
}

// TestGatewayEndsSession: what the gateway allows a session is over. The session ends with a code, and the host is as before.
func TestGatewayEndsSession(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		lines  []string
		idle   time.Duration // at least this long it stays, with no reconnect
		within time.Duration
		code   string
	}{
		{"session-timeout", []string{"session-timeout = 5"}, time.Second, 8 * time.Second, "GW-005"},
		// DPD is no use of the tunnel: it keeps up an idle one, and does not keep it from being idle. ocserv looks for that after ten seconds.
		{"idle-timeout", []string{"idle-timeout = 4", "dpd = 2", "mobile-dpd = 2"}, 9 * time.Second, 30 * time.Second, "GW-008"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if w == nil {
				return
			}
			g := w.startOcserv(t, ocserv{lines: append(c.lines, splitRoutes...)})
			a := w.startAgent()
			w.connect("vpn4.lab.example")
			began := time.Now()
			for time.Since(began) < c.idle {
				if s := w.state(); s.State != "connected" || *s.Reconnects != (ipc.Reconnects{}) || s.Error != nil {
					t.Fatalf("after %v: %+v", time.Since(began), s)
				}
				time.Sleep(200 * time.Millisecond)
			}
			if s := w.state(); s.VerifiedAt == nil || time.Since(*s.VerifiedAt) > 3*time.Second {
				t.Errorf("heard last at %v", s.VerifiedAt) // by DPD, for there is nothing else
			}
			s := w.waitState(c.within, "over", func(s ipc.State) bool { return s.State == "disconnected" || s.Prompt != nil })
			t.Logf("after %v: %s %+v prompt %+v", time.Since(began), s.State, s.Error, s.Prompt)
			if s.Error == nil || s.Error.Code != c.code {
				log, _ := os.ReadFile(g.log)
				t.Errorf("error: %+v\n%s\n%s", s.Error, w.cli("", "timeline").out, log)
			}
			w.over()
			a.stop()
		})
	}
}

// TestRoamingDenied: a gateway that binds the session to the address has us back at the same address.
func TestRoamingDenied(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"tls", "dtls"} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if w == nil {
				return
			}
			g := w.startOcserv(t, ocserv{psk: by == "dtls", lines: append([]string{"deny-roaming = true"}, splitRoutes...)})
			a := w.startAgent()
			w.connect("vpn4.lab.example")
			was := w.travels(by, 5*time.Second)
			g.killWorkers(t)
			is := w.waitState(5*time.Second, "back", func(s ipc.State) bool { return s.State == "connected" && s.LastReconnect != nil })
			if is.Prompt != nil || !slices.Equal(was.Addresses, is.Addresses) {
				t.Errorf("addresses %v, then %v, prompt %v", was.Addresses, is.Addresses, is.Prompt)
			}
			w.travels(by, 10*time.Second)
			w.reachesInside()
			w.leave()
			a.stop()
		})
	}
}

// TestSameUserTwice: another client of the same user comes and goes, and this one's session is its own.
func TestSameUserTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	w.startOcserv(t, ocserv{lines: splitRoutes})
	a := w.startAgent()
	w.connect("vpn4.lab.example")
	was := w.state()
	other := w.router.Command("openconnect", "--protocol=anyconnect", "--cafile", w.pki.ca, "--user", account, "--authgroup", "staff", "--passwd-on-stdin", "--non-inter",
		"--no-dtls", "--script=echo ready", "--interface=other0", "https://198.51.100.1/")
	other.Stdin = strings.NewReader(password + "\n")
	var said strings.Builder
	other.Stdout, other.Stderr = &said, &said
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	up := func() bool { return w.router.Command("ip", "link", "show", "other0").Run() == nil }
	for end := time.Now().Add(5 * time.Second); !up(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			_ = other.Process.Kill()
			_ = other.Wait()
			t.Fatalf("the other client does not connect:\n%s", said.String())
		}
	}
	w.reachesInside()
	_ = other.Process.Signal(os.Interrupt)
	_ = other.Wait()
	w.reachesInside()
	if is := w.state(); is.State != "connected" || *is.Reconnects != (ipc.Reconnects{}) || !slices.Equal(was.Addresses, is.Addresses) {
		t.Errorf("state: %+v\nthe other client:\n%s", is, said.String())
	}
	w.leave()
	a.stop()
}
