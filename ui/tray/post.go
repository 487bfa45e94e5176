package tray

import (
	"sync"

	"github.com/holdfast-vpn/holdfast/ui/model"
)

// inbox holds what goroutines have for the model until the main thread takes it. What comes while the main thread is busy is taken at once and drawn once.
type inbox struct {
	take func([]model.Msg) // on the main thread

	mu     sync.Mutex
	msgs   []model.Msg
	closed bool
}

// add puts a message in, and reports whether somebody must call empty.
func (b *inbox) add(msg model.Msg) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.msgs = append(b.msgs, msg)
	return len(b.msgs) == 1
}

// empty takes what there is. It runs on the main thread.
func (b *inbox) empty() {
	b.mu.Lock()
	msgs := b.msgs
	b.msgs = nil
	b.mu.Unlock()
	if len(msgs) > 0 {
		b.take(msgs)
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
		t.opts.do(t.inbox.empty)
	}
}
