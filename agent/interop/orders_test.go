package interop

import (
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/agent/ipc"
)

// TestRehearsalOrders: what is typed at a running rehearsal breaks it under a live session. The session outlives a restart that keeps it and answers that are refused for a while, by other
// connections and without a login; it takes another inside address when the gateway gives one.
func TestRehearsalOrders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	in, orders, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer orders.Close()
	g := w.startRehearsal(in)
	a := w.startAgent()
	r := w.cli(g["password"]+"\n", "connect", "198.51.100.1", "--user", g["user"], "--password-stdin", "--pin", g["pin"], "--no-input")
	if r.exit != 0 {
		t.Fatalf("connect: %+v", r)
	}
	w.travels("dtls", 5*time.Second)
	first := w.state()
	breaks := func(order string) {
		t.Helper()
		if _, err := io.WriteString(orders, order+"\n"); err != nil {
			t.Fatal(err)
		}
	}
	back := func(what string, from uint64) ipc.State {
		t.Helper()
		s := w.waitState(20*time.Second, what, func(s ipc.State) bool {
			return s.State == "connected" && s.Reconnects != nil && s.Reconnects.Tunnel+s.Reconnects.Session > from
		})
		if page, err := w.get("http://10.99.0.2/"); err != nil || !strings.Contains(page, "inside") {
			t.Errorf("%s: %q, %v", what, page, err)
		}
		return s
	}
	count := func(s ipc.State) uint64 {
		if s.Reconnects == nil {
			return 0
		}
		return s.Reconnects.Tunnel + s.Reconnects.Session
	}
	breaks("restart=keep,1s")
	s := back("after a restart", count(first))
	breaks("connect=503,2s\ntls=close")
	s = back("after answers of 503", count(s))
	if s.Addresses[0] != first.Addresses[0] {
		t.Errorf("address %v, was %v", s.Addresses, first.Addresses)
	}
	breaks("address=change")
	s = back("after a change of addresses", count(s))
	if s.Addresses[0] == first.Addresses[0] {
		t.Errorf("address %v is the old one", s.Addresses)
	}
	if r := w.cli("", "disconnect"); r.exit != 0 {
		t.Errorf("disconnect: %+v", r)
	}
	a.stop()
}
