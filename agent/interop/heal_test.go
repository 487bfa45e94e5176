package interop

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// putBacks counts what the timeline tells of the host having been mended.
func (w *world) putBacks() int { return strings.Count(w.cli("", "timeline").out, "put-back") }

// answersAgain waits until the inside answers over both families, and returns how long that took.
func (w *world) answersAgain(within time.Duration) time.Duration {
	w.t.Helper()
	begun := time.Now()
	for _, url := range []string{"http://10.99.0.2/", "http://[2001:db8:99::2]/"} {
		for {
			out, err := w.client.Command("curl", "-sS", "-m", "1", "-g", url).CombinedOutput()
			if err == nil && strings.HasPrefix(string(out), "inside ") {
				break
			}
			if time.Since(begun) > within {
				w.t.Errorf("%s after %v: %v %s", url, within, err, out)
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	return time.Since(begun)
}

// without changes the client's network by hand, and demands that the inside answers again, that the host is as it was before, and that it was told.
func (w *world) without(what, script string) {
	w.t.Helper()
	before, told := w.standing(), w.putBacks()
	w.client.Run(w.t, "sh", "-ec", script)
	took := w.answersAgain(2 * time.Second)
	w.t.Logf("%s: inside answers after %v", what, took.Round(time.Millisecond))
	for late := time.Now().Add(5 * time.Second); ; time.Sleep(50 * time.Millisecond) { // what is left of it, a second later
		is := w.standing()
		if is == before && w.putBacks() > told {
			break
		}
		if time.Now().After(late) {
			w.t.Fatalf("%s: %d times told, then %d; before and after:\n%s\n%s", what, told, w.putBacks(), before, is)
		}
	}
	time.Sleep(time.Second) // the next is a new one
}

// TestPutBack: others flush rules, routes and addresses of ours, as systemd-networkd does when it starts. All is there again at once, and the session knows nothing of it.
// Somebody who does it five times a second is answered ever more rarely, and once he ends the inside is back.
func TestPutBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if w == nil {
		return
	}
	g := w.startOcserv(t, pskOnly)
	a := w.startAgent()
	w.connect("vpn4.lab.example")
	was := w.travels("dtls", 5*time.Second)
	logins := g.logins(t)
	w.answersAgain(2 * time.Second)
	time.Sleep(1200 * time.Millisecond) // the device was down once: that was looked at, and the next look is a second later
	if n := w.putBacks(); n != 0 {
		t.Errorf("the agent put back %d times what it did itself", n)
	}
	w.without("all rules", `ip rule flush; ip -6 rule flush
ip rule add priority 32766 lookup main protocol kernel; ip rule add priority 32767 lookup default protocol kernel; ip -6 rule add priority 32766 lookup main protocol kernel`)
	w.without("the table", "ip route flush table 18502; ip -6 route flush table 18502")
	w.without("the addresses", "ip address flush dev holdfast0 scope global")

	told, used, begun := w.putBacks(), a.ticks(), time.Now()
	w.client.Run(t, "sh", "-c", "for i in $(seq 50); do for f in -4 -6; do ip $f rule flush protocol 72; done; sleep 0.2; done")
	share := float64(a.ticks()-used) / time.Since(begun).Seconds()
	fought, lasted := w.putBacks()-told, time.Since(begun)
	took := w.answersAgain(32 * time.Second)
	t.Logf("a fight of %v: put back %d times, %.1f %% of a processor; inside answers %v after it", lasted.Round(time.Second), fought, share, took.Round(time.Second))
	if fought < 1 || fought > 7 || share > 5 {
		t.Error("a storm, or nothing")
	}
	if n := strings.Count(a.log.String(), "keeps removing"); n != 1 {
		t.Errorf("%d warnings", n)
	}
	is := w.state()
	if is.State != "connected" || reconnects(is).Tunnel+reconnects(is).Session > 0 || g.logins(t) != logins || !slices.Equal(is.Addresses, was.Addresses) {
		t.Errorf("%+v, %+v, %d logins", is, is.Reconnects, g.logins(t))
	}
	if r := w.cli("", "disconnect"); r.exit != 0 {
		t.Errorf("disconnect: %+v", r)
	}
	w.unchanged("after disconnect")
	a.stop()
}
