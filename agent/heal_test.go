package agent

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/platform/fake"
)

// TestPutBack: what others remove is put back at once, which is told once; a removal that was none costs a reading; without a session nothing is looked at.
func TestPutBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &scripted{open: opens(newWire()), reach: reaches})
		sets, filters := 0, 0
		r.m.Intercept(fake.Router, func(context.Context) error { sets++; return nil })
		r.m.Intercept(fake.Firewall, func(context.Context) error { filters++; return nil })
		r.m.Lose("add IPv4 rule 18501")
		time.Sleep(healPause)
		synctest.Wait()
		if sets > 0 {
			t.Fatal("looked without a session")
		}
		r.connect(alice, "vpn.example.com")
		r.want("connected")
		sets, filters = 0, 0
		r.m.Lose()
		time.Sleep(healPause)
		r.want("connected")
		if sets != 1 || filters != 0 || strings.Contains(r.log.String(), "put back") {
			t.Errorf("after a removal that was none: %d sets, %d filters\n%s", sets, filters, &r.log)
		}
		time.Sleep(time.Second)
		r.m.Lose("add IPv4 rule 18501", "add IPv6 rule 18502", "add route 0.0.0.0/0 device", "add address 10.0.0.5/24")
		time.Sleep(healPause)
		r.want("connected")
		list, err := r.Timeline(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		e := list[len(list)-1].Entry
		if sets != 2 || filters != 1 || e.Event != "put-back" || e.Evidence != "add IPv4 rule 18501, add IPv6 rule 18502, add route 0.0.0.0/0 device and 1 more" {
			t.Errorf("%d sets, %d filters, %+v", sets, filters, e)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if sets != 2 {
			t.Errorf("%d sets, and nothing was removed", sets)
		}
		if got := r.state().Reconnects; got != nil && got.Session+got.Tunnel > 0 {
			t.Errorf("%+v", got)
		}
		if err := r.stop(); err != nil || !r.m.Clean() {
			t.Error(err)
		}
	})
}

// TestFight: somebody who takes it away for ten minutes is answered five times, then twice a minute, with one warning; after a minute of peace the next one is put back at once.
func TestFight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &scripted{open: opens(newWire()), reach: reaches})
		r.connect(alice, "vpn.example.com")
		r.want("connected")
		var sets []time.Time
		r.m.Intercept(fake.Router, func(context.Context) error { sets = append(sets, time.Now()); return nil })
		for begun := time.Now(); time.Since(begun) < 10*time.Minute; time.Sleep(200 * time.Millisecond) {
			r.m.Lose("add IPv4 rule 18501")
		}
		time.Sleep(fightGap)
		synctest.Wait()
		if n := len(sets); n < 24 || n > 26 {
			t.Errorf("%d sets", n)
		}
		for i := 1; i < len(sets); i++ {
			if d := sets[i].Sub(sets[i-1]); i < fightMost && d != healGap || i >= fightMost && d != fightGap {
				t.Errorf("set %d after %v", i, d)
			}
		}
		if n := strings.Count(r.log.String(), "keeps removing"); n != 1 {
			t.Errorf("%d warnings", n)
		}
		time.Sleep(fightSpan)
		for range 2 {
			before := len(sets)
			r.m.Lose("add IPv4 rule 18501")
			time.Sleep(healPause)
			synctest.Wait()
			if len(sets) != before+1 {
				t.Error("after the fight it was not put back at once")
			}
			time.Sleep(healGap)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestPutBackFails: it is tried again, and no oftener than in a fight.
func TestPutBackFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &scripted{open: opens(newWire()), reach: reaches})
		r.connect(alice, "vpn.example.com")
		r.want("connected")
		sets := 0
		r.m.Intercept(fake.Router, func(context.Context) error { sets++; return errors.New("network is down") })
		r.m.Lose()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if sets < 12 || sets > 15 {
			t.Errorf("tried %d times", sets)
		}
		r.m.Intercept(fake.Router, nil)
		r.want("connected")
		time.Sleep(fightGap)
		if err := r.stop(); err != nil || !r.m.Clean() {
			t.Error(err)
		}
	})
}
