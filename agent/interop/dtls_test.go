package interop

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
)

// pskOnly is an ocserv with no DTLS but the one of a PSK.
var pskOnly = ocserv{psk: true, lines: splitRoutes}

// countUDP has the router count, both ways, what crosses it to and from the gateway's port 443.
func (w *world) countUDP() {
	w.t.Helper()
	w.router.Run(w.t, "nft", "add table ip tally; add counter ip tally by_udp; add counter ip tally by_tcp; "+
		"add chain ip tally passing { type filter hook forward priority -10; }; "+
		"add rule ip tally passing udp dport 443 counter name by_udp; add rule ip tally passing udp sport 443 counter name by_udp; "+
		"add rule ip tally passing tcp dport 443 counter name by_tcp; add rule ip tally passing tcp sport 443 counter name by_tcp")
}

// counted is how many bytes did since the start.
func (w *world) counted(name string) int {
	w.t.Helper()
	out := w.router.Run(w.t, "nft", "-j", "list", "counter", "ip", "tally", "by_"+name)
	var v struct {
		Nftables []struct{ Counter *struct{ Bytes int } }
	}
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		w.t.Fatalf("nft: %v\n%s", err, out)
	}
	for _, n := range v.Nftables {
		if n.Counter != nil {
			return n.Counter.Bytes
		}
	}
	w.t.Fatalf("no counter in %s", out)
	return 0
}

// blockUDP drops the gateway's UDP port in the router, both ways and without a word; unblockUDP ends that.
func (w *world) blockUDP() {
	w.t.Helper()
	w.router.Run(w.t, "nft", "add table ip blocked; add chain ip blocked passing { type filter hook forward priority 0; }; "+
		"add rule ip blocked passing udp dport 443 drop; add rule ip blocked passing udp sport 443 drop")
}

func (w *world) unblockUDP() {
	w.t.Helper()
	w.router.Run(w.t, "nft", "delete table ip blocked")
}

// travels waits until packets travel by a transport.
func (w *world) travels(name string, within time.Duration) ipc.State {
	w.t.Helper()
	return w.waitState(within, "connected over "+name, func(s ipc.State) bool { return s.State == "connected" && s.Transport == name })
}

// ciscoOnly is an ocserv as ASA and FTD are: DTLS by resumption and no other, TLS without a key to export.
var ciscoOnly = ocserv{old: true, lines: splitRoutes}

// TestDTLS: what is inside really goes by UDP, with each kind of DTLS that a gateway may have, the state says so, and nothing on the host knows the difference.
func TestDTLS(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		server ocserv
		cipher string // as the state has it
	}{
		{"PSK only", pskOnly, "DTLS 1.2 TLS_PSK_WITH_AES_256_GCM_SHA384"},
		{"resumption only", ciscoOnly, "DTLS 1.2 TLS_RSA_WITH_AES_256_GCM_SHA384"},
		{"both", ocserv{dtls: true, lines: splitRoutes}, "DTLS 1.2 TLS_PSK_WITH_AES_256_GCM_SHA384"},
		{"both and nothing to export", ocserv{dtls: true, lines: append([]string{"cisco-client-compat = true"}, splitRoutes...)}, "DTLS 1.2 TLS_RSA_WITH_AES_256_GCM_SHA384"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if w == nil {
				return
			}
			w.startOcserv(t, c.server)
			a := w.startAgent()
			w.connect("vpn4.lab.example")
			s := w.travels("dtls", 5*time.Second)
			if s.TransportReason != "" || s.Cipher != c.cipher {
				t.Errorf("reason %q, cipher %q", s.TransportReason, s.Cipher)
			}
			w.reachesInside()
			w.downloadByUDP(3_000_000)
			if s := w.state(); s.Reconnects == nil || s.Reconnects.Tunnel+s.Reconnects.Session != 0 {
				t.Errorf("reconnects: %+v", s.Reconnects)
			}
			if r := w.cli("", "timeline"); !strings.Contains(r.out, "carrier-changed") || !strings.Contains(r.out, "dtls") {
				t.Errorf("the timeline does not tell of it:\n%s", r.out)
			}
			if r := w.cli("", "stats"); !strings.Contains(r.out, "DTLS") {
				t.Errorf("stats do not tell of it:\n%s", r.out)
			}
			if r := w.cli("", "disconnect"); r.exit != 0 {
				t.Errorf("disconnect: %+v", r)
			}
			a.stop()
		})
	}
}

// downloadByUDP fetches something and holds the router's counters to it: it came by UDP.
func (w *world) downloadByUDP(size int) {
	w.t.Helper()
	udp, tcp := w.counted("udp"), w.counted("tcp")
	w.download("http://10.99.0.2/slow?n=" + strconv.Itoa(size) + "&ms=2")()
	udp, tcp = w.counted("udp")-udp, w.counted("tcp")-tcp
	if udp < size || tcp > size/50 {
		w.t.Errorf("a download of %d bytes: %d by UDP, %d by TCP", size, udp, tcp)
	}
	w.t.Logf("a download of %d bytes: %d by UDP, %d by TCP", size, udp, tcp)
}

// TestUDPDropped: where UDP goes nowhere the tunnel is there at once, by TLS, and says why.
func TestUDPDropped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	w.startOcserv(t, pskOnly)
	w.blockUDP()
	w.startAgent()
	began := time.Now()
	w.connect("vpn4.lab.example")
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("connected after %v", took)
	}
	w.reachesInside()
	s := w.waitState(10*time.Second, "told why", func(s ipc.State) bool { return s.TransportReason == "UDP blocked" })
	if s.State != "connected" || s.Transport != "tls" || s.TransportCode != ipc.TransportUDPBlocked || s.TransportSince == nil || s.TransportRetryAt == nil {
		t.Fatalf("state: %+v", s)
	}
	since := *s.TransportSince
	if since.Before(began) || since.After(time.Now()) || !s.TransportRetryAt.After(since) {
		t.Errorf("since %v, next %v; began at %v", since, s.TransportRetryAt, began)
	}
	if out := w.cli("", "state").out; !strings.Contains(out, "TLS: this network blocks UDP since ") {
		t.Errorf("state says\n%s", out)
	}
	first := *s.TransportRetryAt
	s = w.waitState(15*time.Second, "told when it is tried again", func(s ipc.State) bool { return s.TransportRetryAt.After(first) })
	if !s.TransportSince.Equal(since) {
		t.Errorf("since %v, and then since %v", since, s.TransportSince)
	}
}

// TestNoExporter: from TLS 1.2 without extended master secret no key may be exported. Where the gateway has no other DTLS than with such a key, it is TLS, and the state says why.
func TestNoExporter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	w.startOcserv(t, ocserv{psk: true, lines: append([]string{`tls-priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.2:%NO_SESSION_HASH"`}, splitRoutes...)})
	w.startAgent()
	w.connect("vpn4.lab.example")
	w.reachesInside()
	if s := w.state(); s.Transport != "tls" || s.TransportReason != "the TLS connection cannot export a key for DTLS, and the gateway offers no other" {
		t.Errorf("%s: %q", s.Transport, s.TransportReason)
	}
}

// TestUDPBlockedAndBack: UDP stops in the middle of a download, which goes on by TLS; when UDP is back, so is DTLS.
func TestUDPBlockedAndBack(t *testing.T) {
	t.Parallel()
	t.Run("PSK", func(t *testing.T) { blockedAndBack(t, pskOnly) })
	t.Run("resumption", func(t *testing.T) { blockedAndBack(t, ciscoOnly) })
}

func blockedAndBack(t *testing.T, server ocserv) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	w.startOcserv(t, server)
	w.startAgent()
	w.connect("vpn4.lab.example")
	was := w.travels("dtls", 5*time.Second)
	wait := w.download("http://10.99.0.2/slow?n=8000000&ms=25")
	time.Sleep(2 * time.Second)
	w.blockUDP()
	blocked := time.Now()
	s := w.travels("tls", 5*time.Second)
	t.Logf("by TLS after %v: %s", time.Since(blocked), s.TransportReason)
	rx := func() uint64 {
		if c := w.state().Counters; c != nil {
			return c.RxBytes
		}
		return 0
	}
	before := rx()
	w.waitState(5*time.Second, "receiving again", func(ipc.State) bool { return rx() > before+200_000 })
	t.Logf("the download goes on after %v", time.Since(blocked))
	if s := w.state(); !strings.HasPrefix(s.TransportReason, "UDP blocked") && s.TransportReason != "DTLS is being set up" {
		t.Errorf("reason %q", s.TransportReason)
	}
	time.Sleep(10 * time.Second)
	w.unblockUDP()
	freed := time.Now()
	is := w.travels("dtls", time.Minute)
	t.Logf("by DTLS %v after UDP was back", time.Since(freed))
	wait()
	if strings.Join(is.Addresses, " ") != strings.Join(was.Addresses, " ") {
		t.Errorf("addresses %v, then %v", was.Addresses, is.Addresses)
	}
	w.reachesInside()
	w.replays()
}
