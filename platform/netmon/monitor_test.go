package netmon

import (
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/platform"
)

// network is what look sees, and how often and when it looked.
type network struct {
	mu    sync.Mutex
	name  string
	err   error
	began time.Time
	looks []time.Duration
}

func (n *network) set(name string, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.name, n.err = name, err
}

func (n *network) look() (platform.NetSnapshot, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.looks = append(n.looks, time.Since(n.began))
	return snapshot(n.name), n.err
}

func (n *network) times() []time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]time.Duration(nil), n.looks...)
}

func snapshot(name string) platform.NetSnapshot {
	return platform.NetSnapshot{Uplinks: []platform.Uplink{{Index: 2, Name: name}}}
}

// watch starts a monitor of n at "home", ended with the test.
func watch(t *testing.T, n *network) (*Monitor, chan<- struct{}) {
	n.name, n.began = "home", time.Now()
	hints := make(chan struct{}, 1)
	m := start(slog.New(slog.DiscardHandler), snapshot("home"), hints, n.look)
	t.Cleanup(func() { _ = m.Close() })
	return m, hints
}

func TestStormIsCollapsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{}
		_, hints := watch(t, n)
		for range 120 { // one hint per millisecond
			select {
			case hints <- struct{}{}:
			default:
			}
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second)
		got := n.times()
		want := []time.Duration{0, gap, 2 * gap, 3 * gap}
		if len(got) != len(want) {
			t.Fatalf("looked at %v, want %v", got, want)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("look %d at %v, want %v", i, got[i], want[i])
			}
		}
	})
}

// TestNoiseIsLookedAtLess: hints without an end slow the looking down; once they end the next is as fast as the first.
func TestNoiseIsLookedAtLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{}
		_, hints := watch(t, n)
		noise := func(d time.Duration) int {
			before := len(n.times())
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
				select {
				case hints <- struct{}{}:
				default:
				}
			}
			time.Sleep(time.Second)
			return len(n.times()) - before
		}
		if got, most := noise(time.Minute), burst+int(time.Minute/noiseGap)+2; got > most || got < most-4 {
			t.Errorf("looked %d times in a minute of noise, want %d", got, most)
		}
		if got := noise(gap * burst); got > burst+1 || got < burst {
			t.Errorf("looked %d times after the noise, want %d", got, burst)
		}
	})
}

func TestOnlyWhatChangedIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{}
		m, hints := watch(t, n)
		hints <- struct{}{}
		time.Sleep(time.Second)
		select {
		case s := <-m.Changes():
			t.Errorf("nothing changed, told %+v", s)
		default:
		}
		n.set("café", nil)
		began := time.Now()
		hints <- struct{}{}
		if s := <-m.Changes(); s.Uplinks[0].Name != "café" || time.Since(began) != 0 {
			t.Errorf("told %+v after %v", s, time.Since(began))
		}
		if m.Snapshot().Uplinks[0].Name != "café" {
			t.Error("Snapshot is older than what was told")
		}
	})
}

func TestSlowReaderFindsTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{}
		m, hints := watch(t, n)
		for _, name := range []string{"a", "b", "c"} {
			n.set(name, nil)
			hints <- struct{}{}
			time.Sleep(time.Second)
		}
		if s := <-m.Changes(); s.Uplinks[0].Name != "c" {
			t.Errorf("told %+v, want the newest", s)
		}
		for _, name := range []string{"d", "c"} { // away and back before he reads
			n.set(name, nil)
			hints <- struct{}{}
			time.Sleep(time.Second)
		}
		select {
		case s := <-m.Changes():
			t.Errorf("all is as he last saw it, told %+v", s)
		default:
		}
	})
}

func TestFailedLookIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{}
		m, hints := watch(t, n)
		n.set("café", errors.New("no memory"))
		hints <- struct{}{}
		time.Sleep(10 * tryAgain)
		synctest.Wait()
		if got := len(n.times()); got != 11 {
			t.Errorf("looked %d times in 10 s, want 11", got)
		}
		if m.Snapshot().Uplinks[0].Name != "home" {
			t.Error("a failed look counts")
		}
		n.set("café", nil)
		if s := <-m.Changes(); s.Uplinks[0].Name != "café" {
			t.Errorf("told %+v", s)
		}
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{}
		m, hints := watch(t, n)
		n.set("café", nil)
		hints <- struct{}{}
		synctest.Wait() // there is something to tell, and nobody reads
		for range 2 {
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		}
		if _, open := <-m.Changes(); open {
			t.Error("Changes is open after Close")
		}
	})
}
