package ipc

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"time"

	"github.com/holdfast-vpn/holdfast/platform/localsock"
)

// maxQueue bounds what waits for one client besides the state.
const maxQueue = 256

// errSlow ends the stream of a client that does not read.
var errSlow = errors.New("ipc: the client does not keep up")

// Hub hands what the agent says to every client that listens, each reduced to what it may see. Its methods never block and may be called from any goroutine;
// what is handed to them is not changed afterwards.
type Hub struct {
	mu    sync.Mutex
	owner string
	state State
	at    time.Time
	subs  map[*subscriber]struct{}
}

// NewHub returns a hub whose state is disconnected, with no owner.
func NewHub() *Hub {
	now := time.Now()
	return &Hub{state: State{State: stateDown, Since: now}, at: now, subs: map[*subscriber]struct{}{}}
}

// Publish makes s the state, and owner (localsock.Peer.ID, "" for nobody) the one who sees it whole, and what follows it.
func (h *Hub) Publish(owner string, s State) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.owner, h.state, h.at = owner, s, time.Now()
	for sub := range h.subs {
		sub.stale = true
		sub.rouse()
	}
}

// Prompt tells the owner that a question is open. It is also part of the state as long as it is.
func (h *Hub) Prompt(p Prompt) { h.queue(Event{Type: "prompt", Prompt: &p}) }

// Withdrawn tells the owner that a question is no longer open: answered, or out of time.
func (h *Hub) Withdrawn(id string) { h.queue(Event{Type: "withdrawn", ID: id}) }

// Notice tells the owner something he should know and need not answer.
func (h *Hub) Notice(e Error) { h.queue(Event{Type: "notice", Notice: &e}) }

// Timeline tells the owner what was just decided and why.
func (h *Hub) Timeline(e Entry) { h.queue(Event{Type: "timeline", Timeline: &e}) }

// Heard reports whether somebody listens who may answer for a user (localsock.Peer.ID).
func (h *Hub) Heard(user string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for sub := range h.subs {
		if sub.peer.ID() == user && !sub.cut {
			return true
		}
	}
	return false
}

// queue gives e to everyone who may see all of the session. A queue that is full ends its client's stream.
func (h *Hub) queue(e Event) {
	e.At = time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	for sub := range h.subs {
		switch {
		case !sees(sub.peer, h.owner) || sub.cut:
			continue
		case len(sub.waiting) == maxQueue:
			sub.cut, sub.waiting = true, nil
		default:
			sub.waiting = append(sub.waiting, e)
		}
		sub.rouse()
	}
}

// subscribe adds a client; its first event is the state. close must be called.
func (h *Hub) subscribe(p localsock.Peer) *subscriber {
	h.mu.Lock()
	defer h.mu.Unlock()
	sub := &subscriber{hub: h, peer: p, wake: make(chan struct{}, 1), stale: true}
	sub.rouse()
	h.subs[sub] = struct{}{}
	return sub
}

// subscriber is one stream. wake belongs to its reader, the rest is guarded by the hub's mutex.
type subscriber struct {
	hub  *Hub
	peer localsock.Peer
	wake chan struct{} // holds one token while there is something to take

	stale   bool    // the state was published since it was taken
	sent    *State  // what the client saw last
	waiting []Event // the rest, in order
	cut     bool
}

// rouse puts the token in place.
func (s *subscriber) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// next blocks until there is something for the client and takes all of it: the newest state, if what he sees of it has changed, and then what was queued.
func (s *subscriber) next(ctx context.Context) ([]Event, error) {
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.wake:
		}
		out, cut := s.take()
		if cut {
			return nil, errSlow
		}
		if len(out) > 0 {
			return out, nil
		}
	}
}

func (s *subscriber) take() (out []Event, cut bool) {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	if s.stale {
		s.stale = false
		now := view(s.peer, s.hub.owner, s.hub.state)
		if s.sent == nil || !reflect.DeepEqual(*s.sent, now) {
			s.sent = &now
			out = append(out, Event{Type: "state", At: s.hub.at, State: &now})
		}
	}
	out = append(out, s.waiting...)
	s.waiting = nil
	return out, s.cut
}

func (s *subscriber) close() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	delete(s.hub.subs, s)
}
