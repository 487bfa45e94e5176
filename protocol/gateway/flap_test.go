package gateway

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/protocol"
)

// ups is how often packets began to go by DTLS.
func (l *life) ups() (n int) {
	for _, c := range l.said(protocol.NoteCarrier) {
		if strings.HasPrefix(c.Text, "dtls") {
			n++
		}
	}
	return n
}

// TestUDPComesAndGoes every five seconds: packets change over ever more rarely, and DTLS is back for good within a minute of its end.
func TestUDPComesAndGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		l := r.live()
		l.until(5*time.Second, "by DTLS", l.travels("dtls"))
		flap := func(times int) int {
			before := l.ups()
			for i := range times {
				r.gw.BlockUDP(i%2 == 0)
				for range 50 {
					l.ping(1, 200)
					time.Sleep(100 * time.Millisecond)
				}
			}
			return l.ups() - before
		}
		first, then := flap(12), flap(60)
		if first > 4 || then > 8 {
			t.Errorf("by DTLS %d times in the first minute, %d times in five more: %+v", first, then, l.said(protocol.NoteCarrier))
		}
		t.Logf("by DTLS %d times in the first minute, %d times in five more", first, then)
		r.gw.BlockUDP(false)
		took := l.until(time.Minute, "by DTLS", l.travels("dtls"))
		time.Sleep(2 * time.Minute)
		if l.Transport().Name != "dtls" {
			t.Errorf("two minutes later: %+v", l.Transport())
		}
		t.Logf("back for good after %v", took)
	})
}

// TestBackWithinAMinute: however long UDP was blocked, DTLS is back within a minute of its being free, whenever that is.
func TestBackWithinAMinute(t *testing.T) {
	for _, blocked := range []time.Duration{time.Second, 7 * time.Second, 33 * time.Second, 64 * time.Second, 5*time.Minute + 3*time.Second, time.Hour, time.Hour + 17*time.Second, time.Hour + 40*time.Second} {
		t.Run(blocked.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil)
				l := r.live()
				l.until(5*time.Second, "by DTLS", l.travels("dtls"))
				r.gw.BlockUDP(true)
				l.ping(1, 200)
				if took := l.until(time.Second, "by TLS", l.travels("tls")); took > time.Second {
					t.Errorf("by TLS after %v", took)
				}
				time.Sleep(blocked)
				r.gw.BlockUDP(false)
				took := l.until(time.Minute, "by DTLS", l.travels("dtls"))
				t.Logf("by DTLS after %v", took)
			})
		})
	}
}

// TestBackBetweenNewTunnels: where new tunnels come faster than pauses and trials end, DTLS is back within a minute all the same.
func TestBackBetweenNewTunnels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		l := r.live()
		l.until(5*time.Second, "by DTLS", l.travels("dtls"))
		for i := range 12 {
			r.gw.BlockUDP(i%2 == 0)
			for range 50 {
				l.ping(1, 200)
				time.Sleep(100 * time.Millisecond)
			}
		}
		r.gw.BlockUDP(false)
		free := time.Now()
		for l.Transport().Name != "dtls" {
			if time.Since(free) > time.Minute {
				t.Fatalf("not by DTLS: %+v", l.Transport())
			}
			l.anew()
			time.Sleep(1800 * time.Millisecond)
		}
		t.Logf("by DTLS after %v", time.Since(free))
	})
}
