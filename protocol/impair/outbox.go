package impair

import (
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// held is how many bytes of one socket may wait for being sent.
const held = 1 << 20

// item is something to send later: at its time, and after what it waits for is over.
type item struct {
	due  time.Time
	over <-chan struct{} // nil: nothing
	b    []byte
}

// outbox sends later, in order. Its goroutine is there while something waits.
type outbox struct {
	send   func([]byte) (int, error)
	closed chan struct{} // the socket's
	busy   atomic.Bool   // something waits, or is being sent
	wg     sync.WaitGroup

	mu     sync.Mutex
	items  []item
	size   int
	room   chan struct{} // closed and made anew when something was sent
	err    error         // of the last send: there is nobody else to tell
	ending bool
}

func newOutbox(send func([]byte) (int, error)) *outbox {
	return &outbox{send: send, closed: make(chan struct{}), room: make(chan struct{})}
}

// put queues a copy of b. It returns false when there is no room, and then how to wait for some.
func (o *outbox) put(b []byte, due time.Time, over <-chan struct{}) (room <-chan struct{}, ok bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.ending:
		return nil, false, net.ErrClosed
	case o.err != nil:
		return nil, false, o.err
	case o.size > 0 && o.size+len(b) > held:
		return o.room, false, nil
	}
	o.items = append(o.items, item{due, over, slices.Clone(b)})
	o.size += len(b)
	if !o.busy.Swap(true) {
		o.wg.Go(o.run)
	}
	return nil, true, nil
}

// run sends until nothing is left or the socket is closed.
func (o *outbox) run() {
	for {
		o.mu.Lock()
		if len(o.items) == 0 || o.ending {
			o.busy.Store(false)
			o.mu.Unlock()
			return
		}
		next := o.items[0]
		o.mu.Unlock()
		if !o.until(next) {
			o.busy.Store(false)
			return
		}
		_, err := o.send(next.b)
		o.mu.Lock()
		o.items = slices.Delete(o.items, 0, 1)
		o.size -= len(next.b)
		if err != nil {
			o.err = err
		}
		close(o.room)
		o.room = make(chan struct{})
		o.mu.Unlock()
	}
}

// until waits for an item's time; false when the socket was closed.
func (o *outbox) until(it item) bool {
	if wait := time.Until(it.due); wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-t.C:
		case <-o.closed:
			return false
		}
	}
	if it.over == nil {
		return true
	}
	select {
	case <-it.over:
		return true
	case <-o.closed:
		return false
	}
}

// empty waits until nothing is to be sent; false when that is later than by, or never.
func (o *outbox) empty(by time.Time) bool {
	var due <-chan time.Time
	if !by.IsZero() {
		t := time.NewTimer(time.Until(by))
		defer t.Stop()
		due = t.C
	}
	for {
		o.mu.Lock()
		left, room := len(o.items), o.room
		o.mu.Unlock()
		if left == 0 {
			return true
		}
		select {
		case <-room:
		case <-due:
			return false
		case <-o.closed:
			return false
		}
	}
}

// close forgets what waits; wait returns when nothing is being sent. It is called once.
func (o *outbox) close() {
	o.mu.Lock()
	o.ending, o.items = true, nil
	o.mu.Unlock()
	close(o.closed)
}

func (o *outbox) wait() { o.wg.Wait() }
