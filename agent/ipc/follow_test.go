package ipc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// succession is a place at which one agent after the other listens.
type succession struct {
	t    *testing.T
	mu   sync.Mutex
	now  *memory // nil while there is none
	hub  *Hub
	stop func()
}

// next starts an agent, and ends the one before.
func (s *succession) next(a *agent) {
	s.end()
	m, h := newMemory(), NewHub()
	h.Publish(a.owner, a.state)
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	go func() { done <- NewServer(a, h, discard).Serve(ctx, m) }()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now, s.hub = m, h
	s.stop = func() { cancel(); <-done }
}

// end leaves nobody there.
func (s *succession) end() {
	s.mu.Lock()
	stop := s.stop
	s.now, s.stop = nil, nil
	s.mu.Unlock()
	if stop != nil {
		stop()
	}
}

func (s *succession) client() *Client {
	return NewClientOver(func(ctx context.Context) (net.Conn, error) {
		s.mu.Lock()
		m := s.now
		s.mu.Unlock()
		if m == nil {
			return nil, syscall.ECONNREFUSED
		}
		c, err := m.dial(ctx, alice)
		if errors.Is(err, net.ErrClosed) {
			err = syscall.ECONNREFUSED
		}
		return c, err
	})
}

// TestFollowOverAgents: who listens hears the state of each agent, and goes on for as long as one comes within half a minute.
func TestFollowOverAgents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &succession{t: t}
		defer s.end()
		state := func(name string) *agent { return &agent{state: State{State: name}, owner: alice.ID()} }
		s.next(state("connected"))
		var heard []string
		began := time.Now()
		for e, err := range s.client().Follow(t.Context()) {
			if err != nil {
				if fault.As(err).Code != fault.AgentUnreachable {
					t.Errorf("ended with %v", err)
				}
				break
			}
			if e.State == nil {
				continue
			}
			heard = append(heard, e.State.State)
			switch len(heard) {
			case 1:
				s.next(state("reconnecting"))
			case 2:
				s.end()
				time.AfterFunc(20*time.Second, func() { s.next(state("disconnected")) })
			case 3:
				s.end()
				began = time.Now()
			}
		}
		if fmt.Sprint(heard) != "[connected reconnecting disconnected]" {
			t.Errorf("heard %v", heard)
		}
		if waited := time.Since(began); waited < comeBack || waited > comeBack+time.Second {
			t.Errorf("gave up after %v", waited)
		}
	})
}

// TestFollowNobody: there is nobody to follow, and that is said at once.
func TestFollowNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := &succession{t: t}
		for _, err := range s.client().Follow(t.Context()) {
			if fault.As(err).Code != fault.AgentUnreachable {
				t.Errorf("%v", err)
			}
		}
		for _, err := range s.client().Timeline(t.Context(), true) {
			if fault.As(err).Code != fault.AgentUnreachable {
				t.Errorf("%v", err)
			}
		}
		if time.Since(began) > 0 {
			t.Errorf("after %v", time.Since(began))
		}
	})
}

// TestTimelineOverAgents: what the next agent has kept is not told twice, what is new is, also under a number that the one before had used for something else.
func TestTimelineOverAgents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &succession{t: t}
		defer s.end()
		at := time.Now()
		entry := func(seq uint64, after time.Duration, event string) Entry {
			return Entry{Seq: seq, At: at.Add(after), Event: event}
		}
		one, two := entry(1, 0, "one"), entry(2, 1, "two")
		first := &agent{owner: alice.ID(), entries: []Record{{Owner: alice.ID(), Entry: one}, {Owner: alice.ID(), Entry: two}}}
		second := &agent{owner: alice.ID(), entries: []Record{{Owner: alice.ID(), Entry: one}, {Owner: alice.ID(), Entry: entry(2, 2, "adopted")}}}
		s.next(first)
		var heard []string
		for e, err := range s.client().Timeline(t.Context(), true) {
			if err != nil {
				t.Fatal(err)
			}
			if heard = append(heard, e.Event); len(heard) == 2 {
				s.next(second)
			}
			if len(heard) == 3 {
				go s.hub.Timeline(entry(3, 3, "connected"))
			}
			if len(heard) == 4 {
				break
			}
		}
		if fmt.Sprint(heard) != "[one two adopted connected]" {
			t.Errorf("heard %v", heard)
		}
	})
}
