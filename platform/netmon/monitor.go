package netmon

import (
	"log/slog"
	"reflect"
	"sync"
	"time"

	"github.com/holdfast-vpn/holdfast/platform"
)

const (
	gap      = 50 * time.Millisecond // between two dumps
	burst    = 8                     // dumps at that pace, after which something makes noise that does not end
	noiseGap = 250 * time.Millisecond
	tryAgain = time.Second // after a dump or a subscription failed
)

// Monitor is the host's platform.Monitor.
type Monitor struct {
	log  *slog.Logger
	look func() (platform.NetSnapshot, error)
	out  chan platform.NetSnapshot
	done chan struct{}
	end  sync.Once
	wg   sync.WaitGroup

	mu  sync.Mutex
	now platform.NetSnapshot
}

var _ platform.Monitor = (*Monitor)(nil)

// Look takes one snapshot and watches nothing. It needs no privilege.
func Look() (platform.NetSnapshot, error) { return look() }

// Open begins to watch. The first snapshot is taken before it returns and is not sent on Changes.
func Open(log *slog.Logger) (*Monitor, error) {
	s, err := subscribe(log)
	if err != nil {
		return nil, err
	}
	now, err := look()
	if err != nil {
		s.close()
		return nil, err
	}
	m := start(log, now, s.hints, func() (platform.NetSnapshot, error) {
		removals := s.removals.Load() // before the dump: what comes later has a hint of its own
		now, err := look()
		now.Removals = removals
		return now, err
	})
	m.wg.Go(func() { s.read(m.done) })
	m.wg.Go(func() { // what read blocks on ends by close
		<-m.done
		s.close()
	})
	return m, nil
}

// start runs the part that decides.
func start(log *slog.Logger, now platform.NetSnapshot, hints <-chan struct{}, look func() (platform.NetSnapshot, error)) *Monitor {
	m := &Monitor{log: log, look: look, now: now, out: make(chan platform.NetSnapshot), done: make(chan struct{})}
	m.wg.Go(func() { m.run(hints) })
	return m
}

// Snapshot returns what the network looked like at the last dump.
func (m *Monitor) Snapshot() platform.NetSnapshot {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// Changes carries snapshots that differ from the one before. It is closed by Close.
func (m *Monitor) Changes() <-chan platform.NetSnapshot { return m.out }

// Close ends the watch and returns when its goroutines have ended.
func (m *Monitor) Close() error {
	m.end.Do(func() { close(m.done) })
	m.wg.Wait()
	return nil
}

// run dumps after hints, at once for the first and then at most once per gap, or per noiseGap where there is no end of them, and hands on what changed.
func (m *Monitor) run(hints <-chan struct{}) {
	defer close(m.out)
	told := m.Snapshot() // what the reader knows
	timer := time.NewTimer(0)
	<-timer.C // idle: it runs only while quiet is kept
	defer timer.Stop()
	quiet, hinted, dumps := false, false, 0
	for {
		var out chan<- platform.NetSnapshot // nil while there is nothing to tell
		news := m.Snapshot()
		if !reflect.DeepEqual(news, told) {
			out = m.out
		}
		select {
		case <-m.done:
			return
		case out <- news:
			told = news
			continue
		case <-hints:
			hinted = true
		case <-timer.C:
			quiet = false
			if !hinted {
				dumps = 0
			}
		}
		if hinted && !quiet {
			wait := gap
			if dumps++; dumps > burst {
				wait = noiseGap
			}
			if hinted = !m.dump(); hinted {
				wait = tryAgain
			}
			quiet = true
			timer.Reset(wait)
		}
	}
}

// dump takes a new snapshot and reports whether it could.
func (m *Monitor) dump() bool {
	s, err := m.look()
	if err != nil {
		m.log.Warn("the network could not be looked at", "err", err)
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = s
	return true
}
