package ipc

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-vpn/holdfast/dart/fault"
)

// next fails the test unless the stream has an event.
func next(t *testing.T, s *Stream) Event {
	t.Helper()
	e, err := s.Next()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEventsBeginWithTheState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, h := serve(t, &agent{state: full(), owner: alice.ID()})
		s, err := m.client(alice).Events(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if e := next(t, s); e.Type != "state" || e.State == nil || e.State.Prompt == nil || e.State.User != "alice" {
			t.Fatalf("first event: %+v", e)
		}
		h.Prompt(Prompt{ID: "p2", Kind: "form"})
		h.Withdrawn("p2")
		h.Notice(Error{Code: "NET-005"})
		h.Timeline(Entry{Seq: 9})
		for _, want := range []string{"prompt", "withdrawn", "notice", "timeline"} {
			if e := next(t, s); e.Type != want || e.At.IsZero() {
				t.Errorf("%+v, want %s", e, want)
			}
		}
	})
}

// The largest form that a gateway can send (1 MiB) reaches the client, whatever is in it: what JSON escapes must not make it too long for a line.
func TestLargestForm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, h := serve(t, &agent{owner: alice.ID()})
		for _, c := range []string{"<", "&", `"`, `\`, "ü"} {
			st := full()
			for range 4 {
				f := Field{Name: "group_list", Type: "select"}
				for range 600 { // as many as fit into a document of that size
					f.Options = append(f.Options, Option{Value: strings.Repeat(c, 200), Label: strings.Repeat(c, 200)})
				}
				st.Prompt.Fields = append(st.Prompt.Fields, f)
			}
			h.Publish(alice.ID(), st)
			s, err := m.client(alice).Events(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			e, err := s.Next()
			if err != nil || e.State == nil || len(e.State.Prompt.Fields) != 4 || e.State.Prompt.Fields[3].Options[599] != st.Prompt.Fields[3].Options[599] {
				t.Errorf("%s: %v", c, err)
			}
			s.Close()
		}
	})
}

func TestStateIsConflated(t *testing.T) {
	h := NewHub()
	sub := h.subscribe(root)
	defer sub.close()
	for mtu := range 1000 {
		h.Publish("", State{State: "connected", MTU: mtu})
	}
	got, err := sub.next(t.Context())
	if err != nil || len(got) != 1 || got[0].State.MTU != 999 {
		t.Errorf("%d events, %v; want the last state alone", len(got), err)
	}
	h.Publish("", State{State: "connected", MTU: 999})
	if got, _ := sub.take(); len(got) != 0 {
		t.Errorf("the same state again is told: %+v", got)
	}
}

func TestOthersHearOnlyOfReducedStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHub()
		h.Publish(alice.ID(), full())
		sub := h.subscribe(bob)
		defer sub.close()
		if got, _ := sub.take(); len(got) != 1 || got[0].State.User != "" || got[0].State.Prompt != nil {
			t.Fatalf("first: %+v", got)
		}
		h.Prompt(Prompt{ID: "p2"})
		h.Withdrawn("p2")
		h.Notice(Error{Code: "NET-005"})
		h.Timeline(Entry{Seq: 9})
		st := full()
		st.Counters = &Counters{TxBytes: 99}
		h.Publish(alice.ID(), st)
		if got, _ := sub.take(); len(got) != 0 {
			t.Errorf("another user was told %+v", got)
		}
		st.State = "reconnecting"
		h.Publish(alice.ID(), st)
		if got, _ := sub.take(); len(got) != 1 || got[0].State.State != "reconnecting" {
			t.Errorf("a change he may see: %+v", got)
		}
		h.Publish(bob.ID(), st) // his own session now
		if got, _ := sub.take(); len(got) != 1 || got[0].State.User == "" {
			t.Errorf("his own state: %+v", got)
		}
	})
}

func TestFullQueueCutsOff(t *testing.T) {
	h := NewHub()
	sub := h.subscribe(root)
	defer sub.close()
	for range maxQueue + 1 {
		h.Notice(Error{Code: "NET-005"})
	}
	if _, err := sub.next(t.Context()); !errors.Is(err, errSlow) {
		t.Errorf("next: %v, want %v", err, errSlow)
	}
	if len(sub.waiting) != 0 {
		t.Error("the queue of a client that is cut off is kept")
	}
}

// A client that stops reading blocks the write of his stream; the others go on, and he is gone after eventTime.
func TestSlowClientIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, h := serve(t, &agent{state: full(), owner: alice.ID()})
		c, err := m.dial(t.Context(), alice)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := fmt.Fprintf(c, "GET /v1/events HTTP/1.1\r\nHost: agent\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		s, err := m.client(root).Events(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		next(t, s)
		start := time.Now()
		for range 10 {
			h.Notice(Error{Code: "NET-005"})
			next(t, s)
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("the other client waited %v", d)
		}
		time.Sleep(eventTime)
		synctest.Wait()
		h.mu.Lock()
		left := len(h.subs)
		h.mu.Unlock()
		if left != 1 {
			t.Errorf("%d streams are open, want the one that reads", left)
		}
	})
}

// A stream outlives readTime and writeTime, and ends with its context, with Close and with the agent.
func TestStreamLivesAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, h := serve(t, &agent{state: full(), owner: alice.ID()})
		ctx, cancel := context.WithCancel(t.Context())
		byCtx, err := m.client(alice).Events(ctx)
		if err != nil {
			t.Fatal(err)
		}
		next(t, byCtx)
		time.Sleep(24 * time.Hour)
		h.Notice(Error{Code: "NET-005"})
		if e := next(t, byCtx); e.Type != "notice" {
			t.Errorf("after a day: %+v", e)
		}
		cancel()
		if _, err := byCtx.Next(); !errors.Is(err, context.Canceled) {
			t.Errorf("after its context: %v", err)
		}
		byClose, err := m.client(alice).Events(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		byClose.Close()
		synctest.Wait()
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.subs) != 0 {
			t.Errorf("%d streams are left", len(h.subs))
		}
	})
}

func TestAgentStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, h := newMemory(), NewHub()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- NewServer(&agent{}, h, discard).Serve(ctx, m) }()
		s, err := m.client(alice).Events(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		next(t, s)
		cancel()
		if _, err := s.Next(); fault.As(err).Code != fault.AgentUnreachable {
			t.Errorf("the stream ended with %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

func TestTimelineFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, h := serve(t, &agent{state: full(), owner: alice.ID()})
		go func() {
			synctest.Wait()
			h.Timeline(Entry{Seq: 1}) // told already
			h.Timeline(Entry{Seq: 4})
		}()
		var got []uint64
		for e, err := range m.client(alice).Timeline(t.Context(), true) {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, e.Seq); len(got) == 2 {
				break
			}
		}
		if fmt.Sprint(got) != "[1 4]" {
			t.Errorf("entries %v, want 1 and 4", got)
		}
	})
}

// Publishers, listeners that come and go, and readers of the state, for the race detector.
func TestHubUnderContention(t *testing.T) {
	m, h := serve(t, &agent{state: full(), owner: alice.ID()})
	var publishers, clients sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	for range 3 {
		publishers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				h.Publish(alice.ID(), State{State: "connected", MTU: n})
				if n%100 == 0 && n < 8000 { // fewer in all than a queue holds: nobody is cut off
					h.Notice(Error{Code: "NET-005"})
				}
			}
		})
	}
	for range 4 {
		clients.Go(func() {
			for range 10 {
				s, err := m.client(alice).Events(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				if e, err := s.Next(); err != nil || e.Type != "state" {
					t.Errorf("first event %q, %v", e.Type, err)
				}
				for range 20 {
					if _, err := s.Next(); err != nil {
						t.Error(err)
					}
				}
				s.Close()
			}
		})
		clients.Go(func() {
			for range 20 {
				if s, err := m.client(bob).State(t.Context()); err != nil || s.User != "" {
					t.Errorf("state %+v, %v", s, err)
				}
			}
		})
	}
	clients.Wait()
	cancel()
	publishers.Wait()
}
