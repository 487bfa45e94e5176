package outage

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-vpn/holdfast/platform/testenv"
)

// TestOutages does a few of the scenarios once and holds the agent to their outcome: the tunnel works again, nobody logged in, the address stayed and the
// download is intact.
func TestOutages(t *testing.T) {
	testenv.Require(t, "tun", "ocserv", "nft", "dbus-daemon")
	if !testenv.Namespace(t) {
		return
	}
	testenv.SystemBus(t)
	w := newWorld(t, 0)
	p := newAgent(w)
	for _, s := range scenarios() {
		if !strings.Contains(" b-wired d-dtls e-worker ", " "+s.key+" ") {
			continue
		}
		s.then = nil
		if x := w.run(s, p, 20*time.Second); !x.kept() {
			t.Errorf("%s: %s", s.name, x)
		} else {
			t.Logf("%s: %s", s.name, x)
		}
	}
}

// TestSilence holds the figure that everything is measured by.
func TestSilence(t *testing.T) {
	base := time.Now()
	at := func(ms ...int) (times []time.Time) {
		for _, m := range ms {
			times = append(times, base.Add(time.Duration(m)*time.Millisecond))
		}
		return times
	}
	for _, c := range []struct {
		name       string
		times      []time.Time
		from, upto int
		want       time.Duration
	}{
		{"answers all the time", at(0, 20, 40, 60, 80, 100), 30, 110, 0},
		{"one is lost", at(0, 20, 60, 80, 100), 30, 110, 0},
		{"the fault, and answers again", at(0, 20, 300, 320), 30, 330, 270 * time.Millisecond},
		{"the way is there, and an answer a moment later", at(0, 20, 1020, 1040), 1000, 1050, 20 * time.Millisecond},
		{"twice", at(0, 20, 300, 320, 500), 30, 510, 450 * time.Millisecond},
		{"none yet", at(0, 20), 30, 530, 500 * time.Millisecond},
		{"never one", nil, 0, 400, 400 * time.Millisecond},
		{"answers after the end do not count", at(0, 20, 900), 30, 130, 100 * time.Millisecond},
	} {
		if got := silence(c.times, at(c.from)[0], at(c.upto)[0]); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
