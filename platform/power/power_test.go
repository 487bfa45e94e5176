package power

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/platform"
)

// lock is one that a Monitor took.
type lock struct{ free bool }

func (l *lock) Close() error {
	l.free = true
	return nil
}

// desk plays the system to a Monitor.
type desk struct {
	*Monitor
	heard   chan news
	locks   []*lock
	refuses atomic.Bool
	last    platform.PowerEvent
	ready   func() // of the last sleep
	log     bytes.Buffer
}

func open() *desk {
	d := &desk{heard: make(chan news)}
	d.Monitor = start(slog.New(slog.NewTextHandler(&d.log, nil)), d.hold, func(ctx context.Context, tell func(news)) {
		for {
			select {
			case n := <-d.heard:
				tell(n)
			case <-ctx.Done():
				return
			}
		}
	})
	return d
}

func (d *desk) hold(context.Context) (io.Closer, error) {
	if d.refuses.Load() {
		return nil, errors.New("no")
	}
	d.locks = append(d.locks, &lock{})
	return d.locks[len(d.locks)-1], nil
}

// held says of every lock, in the order they were taken, whether it is held (h) or free (f).
func (d *desk) held() string {
	var s strings.Builder
	for _, l := range d.locks {
		s.WriteByte(map[bool]byte{false: 'h', true: 'f'}[l.free])
	}
	return s.String()
}

// play does what one word says: news, what the reader does, or how long nothing happens.
func (d *desk) play(t *testing.T, word string) {
	t.Helper()
	system := map[string]news{"gone": gone, "here": here, "sleeps": sleeps, "woke": woke}
	switch n, is := system[word]; {
	case is:
		d.heard <- n
	case word == "read":
		if d.last = <-d.Events(); d.last.Sleep {
			d.ready = d.last.Ready
		}
	case word == "ready":
		d.ready()
	case word == "refuse", word == "allow":
		d.refuses.Store(word == "refuse")
	default:
		pause, err := time.ParseDuration(word)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(pause)
	}
	synctest.Wait()
}

func TestLock(t *testing.T) {
	for _, tt := range []struct{ script, held string }{
		{"", ""},
		{"gone", ""},
		{"here", "h"},
		{"here gone", "f"},
		{"here gone here", "fh"},
		{"here here", "fh"},
		{"here sleeps read", "h"},
		{"here sleeps read ready ready", "f"},
		{"here sleeps read 3.999s", "h"},
		{"here sleeps read 4s", "f"},
		{"here sleeps 4s", "f"}, // nobody reads
		{"here sleeps read ready woke", "f"},
		{"here sleeps read ready woke read", "fh"},
		{"here sleeps read woke read ready", "fh"}, // ready for a night that is over
		{"here sleeps woke read 4s", "fh"},
		{"here sleeps read 4s woke read sleeps read 3.999s", "fh"},
		{"here sleeps read gone here", "fh"},
		{"refuse here", ""},
		{"refuse here allow 59.999s", ""},
		{"refuse here allow 1m", "h"},
		{"refuse here gone allow 1m", ""},
		{"refuse here sleeps read allow 1m", ""},
		{"here refuse here", "h"}, // better the old one than none
	} {
		t.Run(tt.script, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := open()
				for word := range strings.FieldsSeq(tt.script) {
					d.play(t, word)
				}
				if got := d.held(); got != tt.held {
					t.Errorf("held %q, want %q", got, tt.held)
				}
				for range 2 {
					if err := d.Close(); err != nil {
						t.Error(err)
					}
				}
				if got := d.held(); strings.Contains(got, "h") {
					t.Errorf("held %q after Close", got)
				}
				if e, open := <-d.Events(); open {
					t.Errorf("told %+v after Close", e)
				}
			})
		})
	}
}

// TestNewest: who reads late is not told of a sleep that is over.
func TestNewest(t *testing.T) {
	for script, sleep := range map[string]bool{"here sleeps read": true, "here sleeps woke read": false, "here sleeps read woke read": false, "woke read": false, "woke sleeps read": true} {
		synctest.Test(t, func(t *testing.T) {
			d := open()
			defer d.Close()
			for word := range strings.FieldsSeq(script) {
				d.play(t, word)
			}
			if d.last.Sleep != sleep || (d.last.Ready != nil) != sleep {
				t.Errorf("%s: told %+v", script, d.last)
			}
		})
	}
}

// TestRefusedIsSaidOnce: and not again before a lock was had.
func TestRefusedIsSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open()
		defer d.Close()
		for i, script := range []string{"", "refuse here 10m", "here", "allow here refuse here"} {
			for word := range strings.FieldsSeq(script) {
				d.play(t, word)
			}
			if got, want := strings.Count(d.log.String(), "will not wait"), []int{0, 1, 1, 2}[i]; got != want {
				t.Errorf("%q: said %d times", script, got)
			}
		}
	})
}

// TestCloseCutsTheWait: a logind that does not answer holds nobody up.
func TestCloseCutsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := start(slog.New(slog.DiscardHandler), func(ctx context.Context) (io.Closer, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, func(_ context.Context, tell func(news)) { tell(here); tell(sleeps) })
		synctest.Wait()
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
}
