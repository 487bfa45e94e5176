package interop

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// narrow has the router lose, both ways and without a word, what is longer than that to and from the gateway's port: a path whose MTU shrank, with its ICMP filtered.
func (w *world) narrow(longest int) {
	w.t.Helper()
	rules := "add table ip narrow; flush table ip narrow; add chain ip narrow passing { type filter hook forward priority 0; }"
	for _, proto := range []string{"udp", "tcp"} {
		for _, port := range []string{"dport", "sport"} {
			rules += fmt.Sprintf("; add rule ip narrow passing %s %s 443 meta length > %d drop", proto, port, longest)
		}
	}
	w.router.Run(w.t, "nft", rules)
}

// cutsEarly has what would be cut by the network card cut by the kernel, before a filter sees its length.
func (w *world) cutsEarly() {
	w.t.Helper()
	w.ip(w.client, "link set wan0 gso_max_segs 1")
	w.ip(w.gateway, "link set net0 gso_max_segs 1")
	w.before = testenv.Dump(w.t, w.client)
}

// received is how many bytes came out of the tunnel.
func (w *world) received() uint64 {
	if c := w.state().Counters; c != nil {
		return c.RxBytes
	}
	return 0
}

// TestPathShrinks: in the middle of a download the path stops carrying what is longer, by any protocol, and nobody is told. The download goes on within five seconds, with
// the same addresses. A path of 1280 bytes has no room for the inside's IPv6 in a datagram, so packets go by a TLS connection whose segments fit; on a wider one DTLS goes on.
func TestPathShrinks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		server   ocserv
		longest  int
		from, to string // what the packets go by before and after
	}{
		{"DTLS", pskOnly, 1380, "dtls", "dtls"},
		{"DTLS no more", pskOnly, 1280, "dtls", "tls"},
		{"DTLS by resumption no more", ciscoOnly, 1280, "dtls", "tls"},
		{"TLS alone", ocserv{lines: splitRoutes}, 1280, "tls", "tls"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if w == nil {
				return
			}
			w.startOcserv(t, c.server)
			w.cutsEarly()
			w.startAgent()
			w.connect("vpn4.lab.example")
			was := w.travels(c.from, 5*time.Second)
			wait := w.download("http://10.99.0.2/slow?n=5000000&ms=25")
			time.Sleep(time.Second)
			w.narrow(c.longest)
			began := time.Now()
			time.Sleep(50 * time.Millisecond) // what is on its way
			had := w.received()
			s := w.waitState(30*time.Second, "receiving again", func(ipc.State) bool { return w.received() > had+200_000 })
			took := time.Since(began)
			t.Logf("the download goes on after %v: %s %s, MTU %d, reconnects %+v", took.Round(time.Millisecond), s.Transport, s.TransportReason, s.MTU, *s.Reconnects)
			if took > 5*time.Second {
				t.Errorf("it took %v\n%s", took, w.cli("", "timeline").out)
			}
			s = w.travels(c.to, 10*time.Second)
			if strings.Join(s.Addresses, " ") != strings.Join(was.Addresses, " ") || s.Prompt != nil {
				t.Errorf("addresses %v, then %v; prompt %v", was.Addresses, s.Addresses, s.Prompt)
			}
			wait()
			w.reachesInside()
		})
	}
}
