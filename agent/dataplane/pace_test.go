package dataplane

import (
	"testing"
	"time"
)

// TestPacer: who rests is who gets few packets at a time and many a second; nobody else waits for anything.
func TestPacer(t *testing.T) {
	for name, c := range map[string]struct {
		n     int
		every time.Duration
		rests bool
	}{
		"a ping now and then":       {1, time.Second, false},
		"a call":                    {1, 10 * time.Millisecond, false},
		"a slow download":           {2, time.Millisecond, false},
		"few packets, fast":         {5, 100 * time.Microsecond, true},
		"a rest's harvest":          {20, 250 * time.Microsecond, true},
		"full batches":              {40, 300 * time.Microsecond, false},
		"a clock that stands still": {1, 0, false},
	} {
		var p pacer
		now := time.Now()
		rests := 0
		for range 100 {
			now = now.Add(c.every)
			d := p.due(c.n, now)
			if d > longest {
				t.Errorf("%s: a rest of %v", name, d)
			}
			if d > 0 {
				rests++
			}
		}
		if rests > 0 != c.rests || c.rests && rests < 80 {
			t.Errorf("%s: %d rests in 100 batches", name, rests)
		}
	}
}

// TestPacerForgets: the first packets after a burst are not held up.
func TestPacerForgets(t *testing.T) {
	var p pacer
	now := time.Now()
	for range 100 {
		now = now.Add(20 * time.Microsecond)
		p.due(2, now)
	}
	for k := range 20 {
		now = now.Add(20 * time.Millisecond)
		if p.due(1, now) > 0 && k > 16 {
			t.Fatalf("packet %d after the burst waits", k)
		}
	}
}

// TestPacerGivesUp: where a rest brings nothing, because each call has one packet whatever has come, there are none; where calls bring more again, there are.
func TestPacerGivesUp(t *testing.T) {
	var p pacer
	now := time.Now()
	count := func(batches, n int) (rests int) {
		for range batches {
			now = now.Add(15 * time.Microsecond)
			d := p.due(n, now)
			if now = now.Add(d); d > 0 {
				rests++
			}
		}
		return rests
	}
	if rests := count(20_000, 1); rests > doubts+12 {
		t.Errorf("%d rests in 20000 batches of one packet", rests)
	}
	if rests := count(100, 3); rests < 90 {
		t.Errorf("%d rests in 100 batches of three", rests)
	}
	if rests := count(100, 1); rests > doubts+2 {
		t.Errorf("%d rests in 100 batches of one packet, once more", rests)
	}
}
