package tray

import (
	"sync"

	"github.com/holdfast-vpn/holdfast/ui/model"
)

// inbox holds what goroutines have for the model until the main thread takes it. What comes while the main thread is busy is taken at once and drawn once.
type inbox struct {
	kick chan struct{} // wakes the main thread while it is parked; holds one; closed by nobody

	mu     sync.Mutex
	msgs   []model.Msg
	parked bool
	closed bool
}

// add puts a message in, and reports whether the main thread must be asked to take it.
func (b *inbox) add(msg model.Msg) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.msgs = append(b.msgs, msg)
	if b.parked {
		select {
		case b.kick <- struct{}{}:
		default:
		}
		return false
	}
	return len(b.msgs) == 1
}

// take empties it.
func (b *inbox) take() []model.Msg {
	b.mu.Lock()
	defer b.mu.Unlock()
	msgs := b.msgs
	b.msgs = nil
	return msgs
}

// park says that the main thread waits for kick and will then take what there is. It reports false when there is something already.
func (b *inbox) park() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.parked = len(b.msgs) == 0 && !b.closed
	return b.parked
}

func (b *inbox) unpark() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.parked = false
	select {
	case <-b.kick: // of a message that will be taken now
	default:
	}
}

// close lets nothing in any more.
func (b *inbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.msgs, b.closed = nil, true
}

// post hands the model a message from any goroutine: the one way onto the main thread.
func (t *Tray) post(msg model.Msg) {
	if t.inbox.add(msg) {
		t.opts.do(t.take)
	}
}

// take hands the model what was posted, and draws once.
func (t *Tray) take() {
	msgs := t.inbox.take()
	if len(msgs) == 0 {
		return
	}
	for _, m := range msgs {
		t.update(m)
	}
	t.draw()
}
