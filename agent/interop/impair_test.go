package interop

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// TestImpair: root breaks the way to the gateway from inside the agent, on real sockets and the data path that they use: packets leave DTLS and come back to it, a reset connection is made anew
// with the same address, a network that went away is back; the host's own rules stay as they are, and without a session there is nothing to break.
func TestImpair(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	g := w.startRehearsal(nil)
	a := w.startAgent()
	if r := w.cli("", "debug", "impair", "dtls=drop,3s"); r.exit != 9 {
		t.Errorf("without a session: %+v", r)
	}
	r := w.cli(g["password"]+"\n", "connect", "198.51.100.1", "--user", g["user"], "--password-stdin", "--pin", g["pin"], "--no-input")
	if r.exit != 0 {
		t.Fatalf("connect: %+v", r)
	}
	w.travels("dtls", 5*time.Second)
	before, host := w.state(), testenv.Dump(t, w.client)
	impair := func(spec string) {
		t.Helper()
		if r := w.cli("", "debug", "impair", spec); r.exit != 0 {
			t.Fatalf("%s: %+v", spec, r)
		}
	}
	page := func(what string) {
		t.Helper()
		if page, err := w.get("http://10.99.0.2/"); err != nil || !strings.Contains(page, "inside") {
			t.Errorf("%s: %q, %v", what, page, err)
		}
	}
	impair("dtls=drop,2s")
	if s := w.state(); len(s.Impaired) != 1 || !strings.HasPrefix(s.Impaired[0], "dtls=drop,") {
		t.Errorf("impaired %q", s.Impaired)
	}
	page("without UDP")
	w.travels("tls", time.Second)
	w.travels("dtls", 20*time.Second)
	impair("tls=close")
	page("after a reset")
	impair("link=down,1s")
	for end := time.Now().Add(10 * time.Second); len(w.state().Impaired) > 0 && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	page("after the network was back")
	after := w.state()
	if after.State != "connected" || after.Impaired != nil || !slices.Equal(after.Addresses, before.Addresses) || after.Session.Started.Sub(before.Session.Started).Abs() > time.Second {
		t.Errorf("after all of it: %+v", after)
	}
	if d := testenv.Diff(host, testenv.Dump(t, w.client)); d != "" {
		t.Errorf("the host is not as before:\n%s", d)
	}
	if r := w.cli("", "timeline"); !strings.Contains(r.out, "impaired by root") {
		t.Errorf("the timeline:\n%s", r.out)
	}
	if r := w.cli("", "debug", "impair", "link=down"); r.exit != 2 {
		t.Errorf("no time: %+v", r)
	}
	if r := w.cli("", "disconnect"); r.exit != 0 {
		t.Errorf("disconnect: %+v", r)
	}
	a.stop()
}
