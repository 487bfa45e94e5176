package power

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/holdfast-vpn/holdfast/platform"
)

const (
	patience = 4 * time.Second // with a reader who is not ready; logind has 5 s with us
	tryAgain = time.Minute     // after a lock was refused
)

// news is what the system says.
type news int

const (
	gone   news = iota // nobody will tell of sleep any more
	here               // somebody will from now on, who knows of no lock of ours
	sleeps             // the machine is about to sleep, once the locks are gone
	woke               // it did, or has thought better of it
)

// Monitor is the host's platform.Power.
type Monitor struct {
	log    *slog.Logger
	hold   func(context.Context) (io.Closer, error) // takes a lock
	out    chan platform.PowerEvent
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

var _ platform.Power = (*Monitor)(nil)

// Open begins to listen.
func Open(log *slog.Logger) *Monitor { return start(log, hold, listen) }

// start runs the part that listens and the part that decides.
func start(log *slog.Logger, hold func(context.Context) (io.Closer, error), listen func(context.Context, func(news))) *Monitor {
	ctx, cancel := context.WithCancel(context.Background())
	m := &Monitor{log: log, hold: hold, out: make(chan platform.PowerEvent), cancel: cancel}
	heard := make(chan news)
	m.wg.Go(func() { m.run(ctx, heard) })
	m.wg.Go(func() {
		listen(ctx, func(n news) {
			select {
			case heard <- n:
			case <-ctx.Done():
			}
		})
	})
	return m
}

// Events carries what happens, the newest where the reader is slow. It is closed by Close.
func (m *Monitor) Events() <-chan platform.PowerEvent { return m.out }

// Close lets the machine sleep as it likes, and returns when the goroutines have ended.
func (m *Monitor) Close() error {
	m.cancel()
	m.wg.Wait()
	return nil
}

// night is what run knows.
type night struct {
	lock    io.Closer           // what sleep waits for; nil without one
	want    bool                // to take one, once the reader knows what there is to know
	refused bool                // the last time
	again   <-chan time.Time    // when to try once more; nil: no need
	ready   <-chan struct{}     // closed when the reader is ready for the sleep that was announced; nil when none was
	due     <-chan time.Time    // the end of our patience with him
	event   platform.PowerEvent // to be told
	told    bool                // it has been
}

// run owns the lock.
func (m *Monitor) run(ctx context.Context, heard <-chan news) {
	defer close(m.out)
	n := night{told: true}
	defer n.release()
	for {
		out := m.out
		if n.told {
			out = nil
			m.take(ctx, &n)
		}
		select {
		case <-ctx.Done():
			return
		case out <- n.event:
			n.told = true
		case what := <-heard:
			n.hear(what)
		case <-n.ready:
			n.release()
		case <-n.due:
			m.log.Warn("the machine goes to sleep before everything is done")
			n.release()
		case <-n.again:
			n.want = true
		}
	}
}

// hear takes in what the system says.
func (n *night) hear(what news) {
	n.again = nil
	switch what {
	case gone:
		n.release() // a lock would only hold up a sleep that we do not hear of
		n.want = false
	case here:
		n.want = true
	case sleeps:
		ready := make(chan struct{})
		n.ready, n.due, n.want = ready, time.After(patience), false
		n.event, n.told = platform.PowerEvent{Sleep: true, Ready: sync.OnceFunc(func() { close(ready) })}, false
	case woke:
		n.release()
		n.want = true
		n.event, n.told = platform.PowerEvent{}, false
	}
}

// take takes a lock if one is wanted, and only then lets go of the one before it.
func (m *Monitor) take(ctx context.Context, n *night) {
	if !n.want {
		return
	}
	n.want = false
	lock, err := m.hold(ctx)
	if err != nil {
		if !n.refused && ctx.Err() == nil {
			m.log.Warn("the machine will not wait for us before it sleeps", "error", err)
		}
		n.refused, n.again = true, time.After(tryAgain)
		return
	}
	n.release()
	n.lock, n.refused = lock, false
}

// release lets the machine sleep.
func (n *night) release() {
	if n.lock != nil {
		_ = n.lock.Close()
	}
	n.lock, n.ready, n.due = nil, nil, nil
}
