package interop

import (
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-vpn/holdfast/platform/testenv"
	"github.com/holdfast-vpn/holdfast/protocol/udpbatch"
)

// TestDatagramsThatDoNotGo: what is too long for the way, filtered on this machine, or without an address to come from is lost, alone, and no end of the socket.
func TestDatagramsThatDoNotGo(t *testing.T) {
	t.Parallel()
	if !testenv.Namespace(t) {
		return
	}
	self := testenv.Self(t)
	testenv.Veth(t, self, "up0", testenv.NewNS(t, "gw"), "down0")
	self.Sysctl(t, "ipv6/conf/up0/disable_ipv6", "1") // nothing but ours leaves
	self.Run(t, "ip", "link", "set", "up0", "mtu", "1300", "up")
	self.Run(t, "ip", "address", "add", "192.0.2.2/24", "dev", "up0")
	self.Run(t, "ip", "neighbour", "add", "192.0.2.1", "lladdr", "02:00:00:00:00:01", "dev", "up0")
	conn, err := net.Dial("udp", "192.0.2.1:443")
	if err != nil {
		t.Fatal(err)
	}
	s := udpbatch.New(conn)
	defer s.Close()
	left := func() int {
		b, err := os.ReadFile("/proc/net/dev")
		if err != nil {
			t.Fatal(err)
		}
		_, line, _ := strings.Cut(string(b), "up0:")
		n, err := strconv.Atoi(strings.Fields(line)[8]) // bytes sent
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	send := func(sizes ...int) (payload int) {
		t.Helper()
		var d [][]byte
		for _, n := range sizes {
			d = append(d, make([]byte, n))
		}
		before := left()
		if err := s.Send(d); err != nil {
			t.Fatal(err)
		}
		return left() - before
	}
	const headers = 14 + 20 + 8
	if got := send(1400, 1400, 1400, 200, 100, 1400); got < 300 || got > 300+2*headers || !s.TooBig() {
		t.Errorf("too long: %d bytes left the machine, want those of two datagrams", got)
	}
	if got := send(1200, 1200, 1200, 1200, 100); got < 4900 || s.TooBig() {
		t.Errorf("what fits after that: %d bytes", got)
	}
	self.Run(t, "ip", "address", "del", "192.0.2.2/24", "dev", "up0")
	if got := send(1200, 1200, 100); got != 0 || s.TooBig() {
		t.Errorf("without an address: %d bytes", got)
	}
	self.Run(t, "ip", "address", "add", "192.0.2.2/24", "dev", "up0")
	self.Run(t, "ip", "neighbour", "replace", "192.0.2.1", "lladdr", "02:00:00:00:00:01", "dev", "up0")
	self.Run(t, "nft", "add table inet f; add chain inet f out { type filter hook output priority 0; }; add rule inet f out udp dport 443 drop")
	if got := send(1200, 1200, 100); got != 0 || s.TooBig() {
		t.Errorf("filtered: %d bytes", got)
	}
	self.Run(t, "nft", "flush", "ruleset")
	if got := send(1200, 1200, 100); got < 2500 || s.TooBig() {
		t.Errorf("after all that: %d bytes", got)
	}
}
